package event_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/clock"
	"watchkeeper/server/event"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

// openIndex gives the feature with its index open.
func openIndex(tb testing.TB, f *storetest.Fixture, c clock.Clock) (*event.Events, *event.Indexer) {
	tb.Helper()
	if _, err := f.Search.Open(context.Background(), "test"); err != nil {
		tb.Fatal(err)
	}
	o := feature(f).Options
	o.Clock, o.Server = c, "one"
	e := event.New(o)
	return e, event.NewIndexer(e)
}

func index(tb testing.TB, x *event.Indexer) {
	tb.Helper()
	for more := true; more; {
		var err error
		if more, err = x.Round(context.Background()); err != nil {
			tb.Fatal(err)
		}
	}
}

// world is random events and questions about them.
type world struct{ *rand.Rand }

func (w world) word() string {
	syllables := []string{"ka", "LO", "mi", "Nü", "ßo", "4", "7.", " ", "-", "K"}
	n := 1 + w.IntN(5)
	var b strings.Builder
	for range n {
		b.WriteString(syllables[w.IntN(len(syllables))])
	}
	return b.String()
}

func (w world) events(f *storetest.Fixture, n int) []api.Event {
	events := make([]api.Event, n)
	for i := range events {
		at := now(f)
		switch w.IntN(40) {
		case 0: // sent long after it happened
			at -= api.Time(w.IntN(3_600_000))
		case 1:
			at += api.Time(w.IntN(60_000))
		}
		message := w.word() + w.word()
		if w.IntN(3000) == 0 {
			message += " needle in " + w.word()
		}
		events[i] = api.Event{
			Service: fmt.Sprintf("service-%d", w.IntN(5)), Message: message, Level: api.Level(w.IntN(5)), Time: at, ReceivedAt: now(f),
		}
		if w.IntN(10) == 0 {
			f.Clock.Advance(time.Duration(w.IntN(20)) * time.Millisecond)
		}
	}
	return events
}

// query gives a question that has an index to narrow it or has not.
func (w world) query(f *storetest.Fixture) (event.Query, string) {
	q := event.Query{Limit: 20 + w.IntN(500)}
	text := fmt.Sprint("limit ", q.Limit)
	pattern := func() *regexp.Regexp {
		forms := []string{
			"needle", "ne+dle.*" + regexp.QuoteMeta(w.word()), regexp.QuoteMeta(w.word()) + "$", "^(" + regexp.QuoteMeta(w.word()) + "|needle)",
			"[4-7]" + regexp.QuoteMeta(w.word()), "(ka){2,3}", "mi.ka", "service-[13]", "(?-i)LOmi",
		}
		re, err := api.CompilePattern("p", forms[w.IntN(len(forms))])
		if err != nil {
			panic(err)
		}
		return re
	}
	switch w.IntN(5) {
	case 0:
		q.Service = fmt.Sprintf("service-%d", w.IntN(6))
	case 1:
		q.Message = "Needle"
	case 2:
		q.Message = w.word() + w.word()
	default:
		q.MessageRE = pattern()
	}
	if w.IntN(4) == 0 {
		q.ServiceRE = pattern()
	}
	if w.IntN(4) == 0 {
		q.Service = fmt.Sprintf("service-%d", w.IntN(6))
	}
	if w.IntN(4) == 0 {
		q.MinLevel = new(api.Level(w.IntN(5)))
	}
	if w.IntN(4) == 0 {
		q.From = now(f) - api.Time(w.IntN(60_000))
	}
	if w.IntN(4) == 0 {
		q.To = now(f) - api.Time(w.IntN(60_000))
	}
	return q, fmt.Sprintf("%s, message %q, %v, service %q, %v, from %d to %d", text, q.Message, q.MessageRE, q.Service, q.ServiceRE, q.From, q.To)
}

// brute answers a question without an index, in words of its own.
func brute(events []api.Event, q event.Query) []string {
	var out []string
	for _, e := range slices.Backward(events) {
		fits := q.Message == "" || regexp.MustCompile("(?i)"+regexp.QuoteMeta(q.Message)).MatchString(e.Message)
		fits = fits && (q.MessageRE == nil || q.MessageRE.MatchString(e.Message)) && (q.ServiceRE == nil || q.ServiceRE.MatchString(e.Service))
		fits = fits && (q.Service == "" || q.Service == e.Service) && (q.MinLevel == nil || e.Level >= *q.MinLevel)
		if fits && e.Time >= q.From && (q.To == 0 || e.Time <= q.To) {
			out = append(out, fmt.Sprint(e.Time, " ", e.ID))
		}
	}
	return out
}

// TestSearchMissesNothing compares searches with reading everything, while events come, the index follows at random and
// old events go; once with patience, once with so little that pages end in the midst.
func TestSearchMissesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		w := world{rand.New(rand.NewPCG(seed, 1))}
		patient, x := openIndex(t, f, f.Clock)
		hasty, _ := openIndex(t, f, &ticking{Clock: f.Clock, step: 20 * time.Millisecond})
		for round := range 4 {
			for range 2 + w.IntN(14) {
				if _, err := f.Events.Add(w.events(f, 1000), nil); err != nil {
					t.Fatal(err)
				}
				if w.IntN(8) == 0 {
					index(t, x)
				}
			}
			if round > 0 && w.IntN(2) == 0 {
				forget(t, f, storetest.Start.Add(time.Duration(w.Float64()*float64(f.Clock.Now().Sub(storetest.Start)))))
			}
			var events []api.Event
			for after := int64(0); ; {
				page, err := f.Events.After(context.Background(), after, 5000)
				if err != nil {
					t.Fatal(err)
				}
				if len(page) == 0 {
					break
				}
				events, after = append(events, page...), page[len(page)-1].ID
			}
			slices.SortFunc(events, func(a, b api.Event) int {
				if a.Time != b.Time {
					return int(a.Time - b.Time)
				}
				return int(a.ID - b.ID)
			})
			for range 8 {
				q, text := w.query(f)
				e := patient
				if w.IntN(2) == 0 {
					e = hasty
				}
				var got []string
				found, _ := all(t, e, q)
				for _, e := range found {
					got = append(got, fmt.Sprint(e.Time, " ", e.ID))
				}
				same(t, fmt.Sprintf("round %d of %d events: %s", round, len(events), text), got, brute(events, q))
			}
			if t.Failed() {
				return
			}
		}
	})
}

// forget removes what was received before a moment, as retention does.
func forget(t *testing.T, f *storetest.Fixture, before time.Time) {
	t.Helper()
	trimming := f.Retention.Trim(api.TableEvents, api.TimeOf(before), true)
	for {
		_, done, err := trimming.Step(context.Background(), 2000)
		if err != nil {
			t.Fatal(err)
		}
		if done {
			return
		}
	}
}

// ticking is a clock that goes on by a step whenever it is read.
type ticking struct {
	clock.Clock
	step, ahead time.Duration
}

func (c *ticking) Now() time.Time {
	c.ahead += c.step
	return c.Clock.Now().Add(c.ahead)
}

// TestSearchReadsLittle finds a needle through the index, having read few events beside it.
func TestSearchReadsLittle(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		e, x := openIndex(t, f, f.Clock)
		w := world{rand.New(rand.NewPCG(3, 3))}
		const want = "the only haystack with a pin"
		rare := strings.Repeat("rare ", 30) // longer than the key that the database has of a name
		for i := range 60 {
			events := w.events(f, 1000)
			if i == 5 {
				events[500].Message, events[500].Service = want, rare
			}
			if _, err := f.Events.Add(events, nil); err != nil {
				t.Fatal(err)
			}
		}
		index(t, x)
		read := 0
		found := list(t, e, event.Query{Message: "HAYSTACK with", Limit: 10, Keep: func(*api.Event) bool { read++; return true }})
		same(t, "found", messages(found.Events), []string{want})
		same(t, "the end", found.Next, store.Mark{})
		// The newest thousand, the tail behind the last whole segment, and some cells.
		if read > 1000+8192+500 {
			t.Errorf("%d events were read of 60,000", read)
		}
		// With so little patience that one by one it would not come half as far.
		hasty, _ := openIndex(t, f, &ticking{Clock: f.Clock, step: 20 * time.Millisecond})
		found = list(t, hasty, event.Query{Service: rare, Limit: 10})
		same(t, "of the rare service", messages(found.Events), []string{want})
		same(t, "the end of it", found.Next, store.Mark{})
	})
}

// TestStepsHaveABound looks for what has no index, where nothing but the patience ends it.
func TestStepsHaveABound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		events := make([]api.Event, 5000)
		for i := range events {
			events[i] = api.Event{Service: "chatty", Message: "m", Level: api.LevelDebug, Time: now(f), ReceivedAt: now(f)}
		}
		events[0].Level = api.LevelInfo
		if _, err := f.Events.Add(events, nil); err != nil {
			t.Fatal(err)
		}
		o := feature(f).Options
		o.Clock = &ticking{Clock: f.Clock, step: time.Second} // each step takes longer than a search may
		info := api.LevelInfo
		for _, q := range []event.Query{{Service: "chatty", MinLevel: &info, Limit: 10}, {MinLevel: &info, Limit: 10}} {
			found := list(t, event.New(o), q)
			same(t, "events that one step finds", len(found.Events), 0)
			same(t, "that it ended early", found.Early, true)
			rest, _ := all(t, event.New(o), q)
			same(t, "events in all", len(rest), 1)
		}
	})
}
