package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

var eventTests = map[string]func(*testing.T, *Fixture){
	"events come back as they were sent":          eventsKept,
	"lists of events filter and page":             eventPages,
	"a sequence number is stored once":            sequenceOnce,
	"ids follow the order of commits":             idsInOrder,
	"an event that asks for an alert is a change": alertEvent,
	"long events come in short pages":             longEvents,
}

func (f *Fixture) event(service, message string) api.Event {
	return api.Event{Service: service, Message: message, Level: 1, Time: f.now(), ReceivedAt: f.now()}
}

// eventsOf gives the events of a service among the newest hundred, newest first.
func (f *Fixture) eventsOf(t *testing.T, service string) []api.Event {
	t.Helper()
	all := must(f.Events.Page(context.Background(), store.EventFilter{}, 100))(t)
	return slices.DeleteFunc(all, func(e api.Event) bool { return e.Service != service })
}

func eventsKept(t *testing.T, f *Fixture) {
	long := strings.Repeat("😀", 1000)
	want := []api.Event{
		{Service: long, Message: "a;b\n\"c\" \\ \u2028 ü", Level: -3, LevelText: "odd", Time: 5, ReceivedAt: f.now()},
		{Service: "s", Message: strings.Repeat("x", api.MaxEventMessage), Level: 1 << 30, Time: f.now(), ReceivedAt: f.now(), Automatic: true},
	}
	sent := append([]api.Event{}, want...)
	sent[0].Message += "\x00\xff"
	want[0].Message += "\uFFFD\uFFFD"
	ids := must(f.Events.Add(sent, nil))(t).IDs
	got := must(f.Events.After(context.Background(), 0, 10))(t)
	for i := range want {
		want[i].ID, want[i].LevelName = ids[i], want[i].Level.Name()
	}
	same(t, "events", got, want)
	same(t, "last id", must(f.Events.LastID(context.Background()))(t), ids[1])
}

func eventPages(t *testing.T, f *Fixture) {
	for i := range 40 {
		e := f.event(fmt.Sprintf("s%d", i%2), fmt.Sprint(i))
		e.Level = api.Level(i % 5)
		must(f.Events.Add([]api.Event{e}, nil))(t)
		if i%4 == 0 {
			f.Clock.Advance(time.Second)
		}
	}
	count := func(filter store.EventFilter) (n int) {
		last := store.Mark{Time: 1 << 61}
		for {
			page := must(f.Events.Page(context.Background(), filter, 7))(t)
			for _, e := range page {
				mark := store.Mark{Time: e.Time, ID: e.ID}
				if mark.Time > last.Time || mark.Time == last.Time && mark.ID >= last.ID {
					t.Fatalf("%v comes after %v", mark, last)
				}
				last = mark
				if filter.Holds(&e) {
					n++
				} else if filter.Exact() {
					t.Fatalf("%+v does not fit", e)
				}
			}
			if len(page) < 7 {
				return n
			}
			filter.Before = last
		}
	}
	level := func(l api.Level) *api.Level { return &l }
	same(t, "all", count(store.EventFilter{}), 40)
	same(t, "of a service", count(store.EventFilter{Service: "s1"}), 20)
	same(t, "from level 1", count(store.EventFilter{MinLevel: level(1)}), 32)
	same(t, "from level 3", count(store.EventFilter{MinLevel: level(3), Service: "s0"}), 8)
	from, to := api.TimeOf(Start.Add(2*time.Second)), api.TimeOf(Start.Add(3*time.Second))
	same(t, "in a window, both ends included", count(store.EventFilter{From: from, To: to}), 8)
	same(t, "in an empty window", count(store.EventFilter{From: to, To: from}), 0)
}

func sequenceOnce(t *testing.T, f *Fixture) {
	add := func(sender string, n uint64) bool {
		return must(f.Events.Add([]api.Event{f.event("s", "m")}, &store.Sequence{Sender: sender, Stream: "abc", Number: n}))(t).Repeated
	}
	for _, step := range []struct {
		sender   string
		number   uint64
		repeated bool
	}{{"a", 5, false}, {"a", 5, true}, {"a", 4, false}, {"b", 5, false}, {"a", 4, true}, {"a", 6, false}} {
		same(t, fmt.Sprintf("repeated %s-%d", step.sender, step.number), add(step.sender, step.number), step.repeated)
	}
	same(t, "stored", len(must(f.Events.After(context.Background(), 0, 100))(t)), 4)
	// A number that was refused for its content counts as had.
	must(f.Events.Add(nil, &store.Sequence{Sender: "a", Stream: "abc", Number: 9}))(t)
	same(t, "after a refusal", add("a", 9), true)
}

// idsInOrder reads with a tail while two servers write: a reader that goes by id must never miss a row that was
// committed later under a smaller number.
func idsInOrder(t *testing.T, f *Fixture) {
	writers := []*Fixture{f}
	if f.Engine() == store.Postgres {
		writers = append(writers, f.second(t, f.Clock))
	}
	const each = 150
	var wg sync.WaitGroup
	for _, w := range writers {
		for i := range 3 {
			wg.Go(func() {
				for j := range each {
					if _, err := w.Events.Add([]api.Event{w.event("s", fmt.Sprint(i, j)), w.event("s", "second")}, nil); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	seen, after := 0, int64(0)
	for end := false; ; {
		page := must(f.Events.After(context.Background(), after, 1000))(t)
		for _, e := range page {
			after = e.ID
			seen++
		}
		if end && len(page) == 0 {
			break
		}
		select {
		case <-done:
			end = true
		default:
		}
	}
	same(t, "events that the tail saw", seen, len(writers)*3*each*2)
}

func alertEvent(t *testing.T, f *Fixture) {
	e := f.event("web", "disk full")
	e.Alert = true
	must(f.Events.Add([]api.Event{f.event("x", "plain"), e}, nil))(t)
	got := must(f.Events.After(context.Background(), 0, 10))(t)
	if len(got) != 2 || got[0].Alert || !got[1].Alert {
		t.Fatalf("events: %+v", got)
	}
}

// longEvents must not be read all at once, however many are asked for.
func longEvents(t *testing.T, f *Fixture) {
	const n = 12
	for i := range n {
		must(f.Events.Add([]api.Event{f.event("s", fmt.Sprint(i)+strings.Repeat("x", api.MaxEventMessage-10))}, nil))(t)
	}
	first := must(f.Events.Page(context.Background(), store.EventFilter{}, 1000))(t)
	if len(first) == 0 || len(first) >= n {
		t.Errorf("one page has %d of %d events of a megabyte", len(first), n)
	}
	seen := 0
	for after := int64(0); ; {
		page := must(f.Events.After(context.Background(), after, 1000))(t)
		if len(page) == 0 {
			break
		}
		seen, after = seen+len(page), page[len(page)-1].ID
	}
	same(t, "events read page by page", seen, n)
}
