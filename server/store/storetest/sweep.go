package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

var sweepTests = map[string]func(*testing.T, *Fixture){
	"silence is judged at the deadline and not before": exactDeadline,
	"late, then down": lateThenDown,
	"a pulse moves the deadline past the index":     rearmed,
	"many services in one second":                   manyAtOnce,
	"two servers judge each outage once":            twoSweepers,
	"a pulse on its way at another server counts":   pulseElsewhere,
	"our own absence is not the services' fault":    absenceHolds,
	"an absence that nobody noticed yet holds, too": unnoticedAbsence,
}

func exactDeadline(t *testing.T, f *Fixture) {
	must(f.Pulses.Add(f.pulse("job", 60)))(t)
	f.Clock.Advance(60*time.Second - time.Millisecond)
	f.sweepAll(t)
	same(t, "state a millisecond before", f.service(t, "job").State, api.StateUp)
	f.Clock.Advance(time.Millisecond)
	f.sweepAll(t)
	f.sweepAll(t)
	s := f.service(t, "job")
	same(t, "state at the deadline", s.State, api.StateDown)
	same(t, "since", s.StateSince, f.now())
	same(t, "changes", f.flips(t, "job"), []string{"new > up pulse", "up > down timeout"})
	events := f.eventsOf(t, "job")
	same(t, "event", events[0].Message, "Service job has not pulsed - The service job is not pulsing since 20260301 12:00:00")
	same(t, "level", events[0].Level, api.LevelError)
}

func lateThenDown(t *testing.T, f *Fixture) {
	must(f.Services.Create(context.Background(), api.ServiceSettings{Name: "job", NextIn: 60, Grace: 30}))(t)
	must(f.Pulses.Add(f.pulse("job", 0)))(t)
	for _, want := range []struct {
		after time.Duration
		state api.State
	}{{59 * time.Second, api.StateUp}, {time.Second, api.StateLate}, {29 * time.Second, api.StateLate}, {time.Second, api.StateDown}} {
		f.Clock.Advance(want.after)
		f.sweepAll(t)
		same(t, "state", f.service(t, "job").State, want.state)
	}
}

func pulseElsewhere(t *testing.T, f *Fixture) {
	ctx := context.Background()
	other := f.second(t, f.Clock)
	f.Servers.Register(store.Presence{ID: "one", Name: "first"})
	other.Servers.Register(store.Presence{ID: "two", Name: "second"})
	must(other.Servers.Beat(ctx))(t)
	must(f.Servers.Beat(ctx))(t)
	must(f.Pulses.Add(f.pulse("waits", 3)))(t)
	must(f.Pulses.Add(f.pulse("silent", 3)))(t)
	f.Clock.Advance(3*time.Second - time.Millisecond)
	late := f.pulse("waits", 60) // received by the other now, written later
	f.Clock.Advance(200 * time.Millisecond)
	f.sweepAll(t)
	must(other.Pulses.Add(late))(t)
	f.Clock.Advance(200 * time.Millisecond)
	f.sweepAll(t)
	same(t, "changes of the one that pulsed in time", f.flips(t, "waits"), []string{"new > up pulse"})
	same(t, "changes of the silent one", f.flips(t, "silent"), []string{"new > up pulse", "up > down timeout"})
	same(t, "since its deadline", f.service(t, "silent").StateSince, api.TimeOf(Start).Add(3*time.Second))

	f.Clock.Advance(4 * time.Second) // the other is gone: nobody has to be waited for
	must(f.Servers.Beat(ctx))(t)
	must(f.Pulses.Add(f.pulse("silent", 3)))(t)
	f.Clock.Advance(3 * time.Second)
	f.sweepAll(t)
	same(t, "state at the deadline", f.service(t, "silent").State, api.StateDown)
}

func rearmed(t *testing.T, f *Fixture) {
	for range 10 {
		must(f.Pulses.Add(f.pulse("job", 60)))(t)
		f.Clock.Advance(50 * time.Second)
		f.sweepAll(t)
	}
	same(t, "changes", f.flips(t, "job"), []string{"new > up pulse"})
	f.Clock.Advance(10 * time.Second)
	f.sweepAll(t)
	same(t, "state", f.service(t, "job").State, api.StateDown)
}

func manyAtOnce(t *testing.T, f *Fixture) {
	const n = 2500
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if _, err := f.Pulses.Add(f.pulse(fmt.Sprintf("job %d", i), 60)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	f.Clock.Advance(time.Minute)
	f.sweepAll(t)
	same(t, "states", must(f.Services.CountByState(context.Background()))(t), map[api.State]int64{api.StateDown: n})
}

func twoSweepers(t *testing.T, f *Fixture) {
	if f.Engine() == store.SQLite {
		return // its servers share one process, so one sweeper
	}
	other := f.second(t, f.Clock)
	const n = 300
	for i := range n {
		must(f.Pulses.Add(f.pulse(fmt.Sprintf("job %d", i), 60)))(t)
	}
	f.Clock.Advance(time.Minute)
	var wg sync.WaitGroup
	for _, side := range []*Fixture{f, other, f, other} {
		wg.Go(func() { side.sweepAll(t) })
	}
	wg.Wait()
	f.sweepAll(t)
	for i := range n {
		same(t, "changes", f.flips(t, fmt.Sprintf("job %d", i)), []string{"new > up pulse", "up > down timeout"})
	}
}

func absenceHolds(t *testing.T, f *Fixture) {
	f.Servers.Register(store.Presence{ID: "one"})
	must(f.Servers.Beat(context.Background()))(t)
	must(f.Pulses.Add(f.pulse("job", 300)))(t)
	f.Clock.Advance(time.Hour) // away
	gap := must(f.Servers.Beat(context.Background()))(t)
	same(t, "gap", gap, &api.Gap{From: api.TimeOf(Start), To: f.now()})
	f.sweepAll(t)
	same(t, "state after the absence", f.service(t, "job").State, api.StateUp)
	same(t, "shown deadline", f.service(t, "job").Deadline, api.TimeOf(Start.Add(5*time.Minute)))
	f.advanceAlive(t, 299*time.Second)
	same(t, "state while held", f.service(t, "job").State, api.StateUp)
	f.advanceAlive(t, time.Second)
	same(t, "state after the hold", f.service(t, "job").State, api.StateDown)
	changes := must(f.Changes.OfService(context.Background(), f.service(t, "job").ID, 0, 1))(t)
	same(t, "gap named in the change", changes[0].Facts.Gap, gap)
}

// advanceAlive lets time pass while the server marks that it is alive and judges.
func (f *Fixture) advanceAlive(t *testing.T, d time.Duration) {
	for d > 0 {
		step := min(d, time.Second)
		f.Clock.Advance(step)
		if gap := must(f.Servers.Beat(context.Background()))(t); gap != nil {
			t.Fatalf("unexpected gap %v", gap)
		}
		f.sweepAll(t)
		d -= step
	}
}

func unnoticedAbsence(t *testing.T, f *Fixture) {
	f.Servers.Register(store.Presence{ID: "one"})
	must(f.Servers.Beat(context.Background()))(t)
	must(f.Pulses.Add(f.pulse("job", 60)))(t)
	must(f.Pulses.Add(f.pulse("other", 60)))(t)
	f.Clock.Advance(10 * time.Minute) // stopped, and the sweeper is the first to go on
	f.sweepAll(t)
	same(t, "state after the sweep", f.service(t, "job").State, api.StateUp)
	// A pulse that finds its deadline passed asks the same question.
	must(f.Pulses.Add(f.pulse("other", 60)))(t)
	same(t, "changes of the one that pulsed", f.flips(t, "other"), []string{"new > up pulse"})
}
