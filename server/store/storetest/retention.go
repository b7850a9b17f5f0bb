package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

var retentionTests = map[string]func(*testing.T, *Fixture){
	"old events and pulses go, newer ones stay":   oldRowsGo,
	"what is too much goes, the oldest first":     tooMuchGoes,
	"open incidents stay with all that is theirs": openIncidentsStay,
	"what a table holds is known about":           estimates,
	"the history of a deleted service goes late":  historyOfDeleted,
}

// trim removes to the end.
func (f *Fixture) trim(t *testing.T, table api.Table, before api.Time, exact bool, step int) (removed int64) {
	t.Helper()
	trimming := f.Retention.Trim(table, before, exact)
	for range 100_000 {
		n, done, err := trimming.Step(context.Background(), step)
		if err != nil {
			t.Fatal(err)
		}
		if removed += n; done {
			return removed
		}
	}
	t.Fatal("a removal does not end")
	return 0
}

// days advances the clock, as the leader would see it.
func (f *Fixture) days(t *testing.T, n int) {
	t.Helper()
	for range n {
		f.Clock.Advance(24 * time.Hour)
		if err := f.Prepare(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

func oldRowsGo(t *testing.T, f *Fixture) {
	ctx := context.Background()
	settings := api.ServiceSettings{Name: "s", NextIn: 1 << 30}
	s := must(f.Services.Create(ctx, settings))(t)
	for day := range 120 {
		must(f.Events.Add([]api.Event{f.event("s", fmt.Sprint("day ", day)), f.event("s", "another")}, nil))(t)
		must(f.Pulses.Add(store.PulseWrite{ID: s.ID, Pulse: api.Pulse{Kind: api.PulseSuccess, Time: f.now(), ReceivedAt: f.now()}}))(t)
		f.days(t, 1)
	}
	before := f.now().Add(-50 * 24 * time.Hour)
	for _, table := range []api.Table{api.TableEvents, api.TablePulses} {
		f.trim(t, table, before, false, 7)
	}
	events := must(f.Events.After(ctx, 0, 1000))(t)
	kept := 0
	for _, e := range events {
		if e.ReceivedAt >= before || e.Automatic {
			kept++
		}
	}
	if kept < 100 {
		t.Errorf("%d events are left of the 100 of 50 days", kept)
	}
	most := 101
	if f.Engine() == store.Postgres {
		most += 2 * 31 // a partition goes when all of its month is old
	}
	if len(events) > most+3 {
		t.Errorf("%d events are left", len(events))
	}
	pulses := must(f.Pulses.List(ctx, s.ID, store.Mark{}, 1000))(t)
	if n := len(pulses); n < 50 || n > 51 {
		t.Errorf("%d pulses are left of 50 days", n)
	}
	use := must(f.Retention.Use(ctx, api.TablePulses))(t)
	if use.Oldest < before-24*3600_000 || use.Oldest > before.Add(24*time.Hour) {
		t.Errorf("the oldest pulse is said to be of %v, rows before %v were removed", use.Oldest, before)
	}
	same(t, "removed again", f.trim(t, api.TableEvents, before, false, 7), int64(0))
	must(f.Events.Add([]api.Event{f.event("s", "goes on")}, nil))(t)
}

func (f *Fixture) many(t *testing.T, batches int, size int) {
	t.Helper()
	for i := range batches {
		events := make([]api.Event, 500)
		for j := range events {
			events[j] = f.event(fmt.Sprint("service ", j%20), fmt.Sprint(i, " ", j, " ", strings.Repeat("x", size)))
		}
		must(f.Events.Add(events, nil))(t)
		f.Clock.Advance(time.Minute)
	}
}

// counted waits until the database has counted its events: PostgreSQL does it within some seconds.
func (f *Fixture) counted(t *testing.T, events int64) api.TableUse {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		use := must(f.Retention.Use(context.Background(), api.TableEvents))(t)
		if use.Rows >= events*9/10 {
			return use
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d events are still said to be %d", events, use.Rows)
		}
	}
}

func tooMuchGoes(t *testing.T, f *Fixture) {
	ctx := context.Background()
	f.many(t, 40, 300)
	last := must(f.Events.LastID(ctx))(t)
	use := f.counted(t, 20_000)
	same(t, "where all have room", must(f.Retention.Begins(ctx, api.TableEvents, use.Bytes+use.Bytes/10))(t), api.Time(0))
	begins := must(f.Retention.Begins(ctx, api.TableEvents, use.Bytes/4))(t)
	if begins < api.TimeOf(Start.Add(25*time.Minute)) || begins > api.TimeOf(Start.Add(34*time.Minute)) {
		t.Errorf("the newest quarter of 40 minutes begins at %v", begins)
	}
	removed := f.trim(t, api.TableEvents, begins, true, 333)
	if removed < 13_000 || removed > 17_000 {
		t.Errorf("%d of 20,000 events were removed for three quarters of the room", removed)
	}
	left := must(f.Events.After(ctx, 0, 1))(t)
	if left[0].ReceivedAt < begins {
		t.Errorf("an event of %v is left, before %v", left[0].ReceivedAt, begins)
	}
	same(t, "the newest", must(f.Events.LastID(ctx))(t), last)
	for more := true; more; {
		more = must(f.Retention.Shrink(ctx, 100))(t)
	}
	must(f.Events.Add([]api.Event{f.event("s", "goes on")}, nil))(t)
}

func openIncidentsStay(t *testing.T, f *Fixture) {
	ctx := context.Background()
	down := func(name string) *api.Service {
		s := must(f.Services.Create(ctx, api.ServiceSettings{Name: name, NextIn: 60}))(t)
		must(f.Pulses.Add(store.PulseWrite{ID: s.ID, Pulse: api.Pulse{Kind: api.PulseFail, Time: f.now(), ReceivedAt: f.now()}}))(t)
		return s
	}
	open, closed := down("open"), down("closed")
	f.Clock.Advance(time.Second)
	must(f.Pulses.Add(store.PulseWrite{ID: closed.ID, Pulse: api.Pulse{Kind: api.PulseSuccess, NextIn: 1 << 30, Time: f.now(), ReceivedAt: f.now()}}))(t)
	f.days(t, 500)
	for _, table := range api.Tables() {
		f.trim(t, table, f.now().Add(-400*24*time.Hour), false, 3)
	}
	incidents := must(f.Incidents.List(ctx, store.IncidentFilter{Limit: 10}))(t)
	var subjects []string
	for _, i := range incidents {
		subjects = append(subjects, i.Subject+" "+string(i.State))
	}
	same(t, "incidents", subjects, []string{"open open"})
	changes := func(id string) int { return len(must(f.Changes.OfService(ctx, id, 0, 10))(t)) }
	if changes(open.ID) == 0 {
		t.Error("the changes of an open incident are gone")
	}
	same(t, "changes of the closed incident", changes(closed.ID), 0)
}

// estimates compares what a table is said to hold with by how much the database grew.
func estimates(t *testing.T, f *Fixture) {
	ctx := context.Background()
	same(t, "an empty table", must(f.Retention.Use(ctx, api.TableEvents))(t), api.TableUse{Name: api.TableEvents})
	before := must(f.Size(ctx))(t)
	began := f.now()
	f.many(t, 40, 60)
	grown := must(f.Size(ctx))(t) - before
	use := f.counted(t, 20_000)
	if use.Rows > 25_000 {
		t.Errorf("20,000 events are said to be %d", use.Rows)
	}
	if share := float64(use.Bytes) / float64(grown); share < 0.7 || share > 1.4 {
		t.Errorf("events are said to use %d bytes where the database grew by %d", use.Bytes, grown)
	}
	same(t, "oldest", use.Oldest, began)
	for _, table := range api.Tables() {
		must(f.Retention.Use(ctx, table))(t)
	}
}

func historyOfDeleted(t *testing.T, f *Fixture) {
	ctx := context.Background()
	s := must(f.Services.Create(ctx, api.ServiceSettings{Name: "s", NextIn: 60}))(t)
	for range 5 {
		must(f.Pulses.Add(store.PulseWrite{ID: s.ID, Pulse: api.Pulse{Kind: api.PulseSuccess, Time: f.now(), ReceivedAt: f.now()}}))(t)
	}
	must(f.Services.Delete(ctx, s.ID))(t)
	same(t, "history that is shown", len(must(f.Pulses.List(ctx, s.ID, store.Mark{}, 10))(t)), 0)
	if use := must(f.Retention.Use(ctx, api.TablePulses))(t); use.Oldest != f.now() {
		t.Errorf("the history went with the service: %+v", use)
	}
	f.days(t, 2)
	f.trim(t, api.TablePulses, f.now(), false, 10)
	same(t, "history a day later", must(f.Retention.Use(ctx, api.TablePulses))(t).Oldest, api.Time(0))
}
