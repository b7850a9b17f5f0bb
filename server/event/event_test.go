package event_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"watchkeeper/api"
	"watchkeeper/server/event"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
	"watchkeeper/server/store/storetest/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Wrap(m)) }

func feature(f *storetest.Fixture) *event.Events {
	return event.New(event.Options{Store: f.Store, Hub: f.Hub, Clock: f.Clock, Log: slog.New(slog.DiscardHandler)})
}

func now(f *storetest.Fixture) api.Time { return api.TimeOf(f.Clock.Now()) }

func same(tb testing.TB, what string, got, want any) {
	tb.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("%s differs (-want +got):\n%s", what, diff)
	}
}

func add(tb testing.TB, e *event.Events, inputs ...api.EventInput) store.Added {
	tb.Helper()
	added, err := e.Add(inputs, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return added
}

func list(tb testing.TB, e *event.Events, q event.Query) event.Found {
	tb.Helper()
	found, err := e.List(context.Background(), q)
	if err != nil {
		tb.Fatal(err)
	}
	return found
}

// all follows the pages of a list to its end, and gives their events and number.
func all(tb testing.TB, e *event.Events, q event.Query) (events []api.Event, pages int) {
	tb.Helper()
	for {
		found := list(tb, e, q)
		pages++
		events = append(events, found.Events...)
		if found.Next == (store.Mark{}) {
			return events, pages
		}
		if found.Next == q.After {
			tb.Fatal("the next page begins where this one did")
		}
		q.After = found.Next
	}
}

func messages(events []api.Event) []string {
	var out []string
	for _, e := range events {
		out = append(out, e.Message)
	}
	return out
}

func TestAdd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		e := feature(f)
		past := now(f).Add(-time.Hour)
		added := add(
			t, e,
			api.EventInput{Service: "a", Message: "now", Level: 2},
			api.EventInput{Service: "a", Message: "long ago", Time: past},
			api.EventInput{Service: "a", Message: "too far ahead", Time: now(f).Add(3 * time.Hour)},
		)
		same(t, "ids", len(added.IDs), 3)
		want := []api.Event{
			{ID: added.IDs[2], Service: "a", Message: "too far ahead", LevelName: "debug", Time: now(f), ReceivedAt: now(f)},
			{ID: added.IDs[0], Service: "a", Message: "now", Level: 2, LevelName: "warning", Time: now(f), ReceivedAt: now(f)},
			{ID: added.IDs[1], Service: "a", Message: "long ago", LevelName: "debug", Time: past, ReceivedAt: now(f)},
		}
		found := list(t, e, event.Query{Limit: 3})
		same(t, "events, by time and id", found, event.Found{Events: want})
	})
}

// TestPages searches what the database cannot, over more rows than it reads at once.
func TestPages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		e := feature(f)
		const n = 2300
		inputs := make([]api.EventInput, 0, 1000)
		for i := range n {
			inputs = append(inputs, api.EventInput{Service: fmt.Sprintf("job %d", i%10), Message: fmt.Sprintf("Message %d", i), Level: api.Level(i % 5)})
			if len(inputs) == cap(inputs) || i == n-1 {
				add(t, e, inputs...)
				inputs = inputs[:0]
				f.Clock.Advance(time.Second)
			}
		}
		warning := api.LevelWarning
		for what, q := range map[string]event.Query{
			"everything":               {},
			"a service":                {Service: "job 3"},
			"a level":                  {MinLevel: &warning},
			"a time":                   {From: api.TimeOf(storetest.Start.Add(time.Second)), To: api.TimeOf(storetest.Start.Add(time.Second))},
			"part of a message":        {Message: "MESSAGE 11"},
			"a pattern of services":    {ServiceRE: regexp.MustCompile("[37]$")},
			"a pattern of messages":    {MessageRE: regexp.MustCompile("7$")},
			"what the reader may see":  {Keep: func(e *api.Event) bool { return e.Service == "job 1" }},
			"several of them":          {MinLevel: &warning, MessageRE: regexp.MustCompile("1"), Service: "job 2"},
			"nothing that there is":    {MessageRE: regexp.MustCompile("nowhere")},
			"a service that is absent": {Service: "nobody"},
		} {
			t.Run(what, func(t *testing.T) {
				var want []string
				for i := n - 1; i >= 0; i-- { // what one that follows would have been given
					at := api.TimeOf(storetest.Start.Add(time.Duration(i/1000) * time.Second))
					event := api.Event{Service: fmt.Sprintf("job %d", i%10), Message: fmt.Sprintf("Message %d", i), Level: api.Level(i % 5), Time: at}
					if q.Fits(&event) {
						want = append(want, event.Message)
					}
				}
				for _, q.Limit = range []int{n / 10, 1000, max(1, len(want))} {
					events, pages := all(t, e, q)
					same(t, fmt.Sprintf("messages with a limit of %d", q.Limit), messages(events), want)
					if most := len(want)/q.Limit + 1; pages > most {
						t.Errorf("%d pages with a limit of %d for %d events", pages, q.Limit, len(want))
					}
				}
			})
		}
	})
}

// TestSearchEndsInTime checks that a search that takes long gives what it has, and where to go on.
func TestSearchEndsInTime(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	e := feature(f)
	for part := range 3 {
		inputs := make([]api.EventInput, 1000)
		for i := range inputs {
			inputs[i] = api.EventInput{Service: "a", Message: fmt.Sprint(part*1000 + i)}
		}
		add(t, e, inputs...)
	}
	q := event.Query{Limit: 10, Keep: func(e *api.Event) bool {
		f.Clock.Advance(4 * time.Millisecond) // so that a thousand take longer than a search may
		return e.Message == "5"
	}}
	first := list(t, e, q)
	same(t, "events of the first page", len(first.Events), 0)
	if first.Next == (store.Mark{}) {
		t.Fatal("a search that ran out of time says that it is at the end")
	}
	events, pages := all(t, e, q)
	same(t, "messages", messages(events), []string{"5"})
	if pages < 3 {
		t.Errorf("3000 rows of 4 ms were searched in %d pages", pages)
	}
}

func TestPagesOfLongMessages(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	e := feature(f)
	long := strings.Repeat("x", api.MaxEventMessage)
	const n = 40
	for range n {
		add(t, e, api.EventInput{Service: "a", Message: long})
	}
	found := list(t, e, event.Query{Limit: 1000})
	if len(found.Events) >= n || found.Next == (store.Mark{}) {
		t.Errorf("one page holds %d messages of a megabyte", len(found.Events))
	}
	events, _ := all(t, e, event.Query{Limit: 1000})
	same(t, "events of all pages", len(events), n)
}

// TestSearchesTakeTurns checks that searches wait for one another, and nobody for them who finds enough among the newest.
func TestSearchesTakeTurns(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	e := feature(f)
	for range 3 {
		add(t, e, slices.Repeat([]api.EventInput{{Service: "busy", Message: "m"}}, 1000)...)
	}
	release, searching := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			seen := 0
			_, err := e.List(context.Background(), event.Query{Limit: 1, Keep: func(*api.Event) bool {
				if seen++; seen == 1500 {
					searching <- struct{}{}
					<-release
				}
				return false
			}})
			if err != nil {
				t.Error(err)
			}
		})
		<-searching
	}
	ctx, giveUp := context.WithTimeout(context.Background(), 5*time.Second)
	defer giveUp()
	found, err := e.List(ctx, event.Query{Service: "busy", Limit: 1000})
	if err != nil || len(found.Events) != 1000 || found.Early {
		t.Errorf("a list meanwhile has %d events (early: %t): %v", len(found.Events), found.Early, err)
	}
	rare := event.Query{Limit: 1, MessageRE: regexp.MustCompile("nothing")}
	short, giveUp := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer giveUp()
	if _, err := e.List(short, rare); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a third search did not wait: %v", err)
	}
	close(release)
	wg.Wait()
	same(t, "a search after them", list(t, e, rare).Next, store.Mark{})
}

func TestAddOwn(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	var log bytes.Buffer
	e := event.New(event.Options{Store: f.Store, Hub: f.Hub, Clock: f.Clock, Log: slog.New(slog.NewTextHandler(&log, nil))})
	e.AddOwn(api.LevelWarning, "the clock was set")
	found := list(t, e, event.Query{Service: event.OwnService, Limit: 10}).Events
	same(t, "events", found, []api.Event{{
		ID: 1, Service: event.OwnService, Message: "the clock was set", Level: api.LevelWarning, LevelName: "warning",
		Time: now(f), ReceivedAt: now(f), Automatic: true,
	}})
	same(t, "log", log.String(), "")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	e.AddOwn(api.LevelWarning, "lost")
	if line := log.String(); strings.Count(line, "\n") != 1 || !strings.Contains(line, "message=lost") {
		t.Errorf("a failure is logged as %q, want one line with the message", line)
	}
}

// TestRefusesEventsWithoutRoom keeps events from outside out, and not those of the server itself.
func TestRefusesEventsWithoutRoom(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	full := api.Errorf(api.KindUnavailable, "no room")
	o := feature(f).Options
	o.Accept = func() error { return full }
	e := event.New(o)
	if _, err := e.Add([]api.EventInput{{Service: "a", Message: "m"}}, nil); !errors.Is(err, full) {
		t.Errorf("an event was answered with %v", err)
	}
	if err := e.AlertOwn(api.LevelError, "no room"); err != nil {
		t.Fatal(err)
	}
	found := list(t, e, event.Query{Limit: 10}).Events
	if len(found) != 1 || !found[0].Alert || found[0].Message != "no room" {
		t.Errorf("events: %+v", found)
	}
}
