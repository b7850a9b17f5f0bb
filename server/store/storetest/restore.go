package storetest

import (
	"context"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

var restoreTests = map[string]func(*testing.T, *Fixture){
	"deadlines are held after a restore": restoreHoldsDeadlines,
	"a restore ends what was unsent":     restoreEndsUnsent,
}

// restore marks the database and lets another server start on it after a while.
func (f *Fixture) restore(tb testing.TB, away time.Duration) store.Restored {
	tb.Helper()
	f.Clock.Advance(away)
	restored := must(f.MarkRestored(context.Background(), map[string]string{"generation": "7"}))(tb)
	f.Clock.Advance(10 * time.Second)
	f.Servers.Register(store.Presence{ID: "after", Name: "after", Version: "1"})
	must(f.Servers.Beat(context.Background()))(tb)
	return restored
}

func restoreHoldsDeadlines(t *testing.T, f *Fixture) {
	ctx := context.Background()
	f.register(t, "before")
	must(f.Pulses.Add(f.pulse("short", 60)))(t)
	must(f.Pulses.Add(f.pulse("long", 20*60)))(t)
	before := f.service(t, "long")
	restored := f.restore(t, 15*time.Minute)
	same(t, "time of the backup", restored.From, api.TimeOf(Start))
	generation, _, err := f.Settings.Get(ctx, "generation")
	same(t, "generation", must(generation, err)(t), "7")
	gaps := must(f.Servers.Gaps(ctx))(t)
	same(t, "gaps", gaps, []api.Gap{{From: api.TimeOf(Start), To: f.now(), Restored: true}})
	back := f.now()

	f.sweepAll(t)
	same(t, "what is shown", f.service(t, "long").Deadline, before.Deadline)
	f.pass(t, time.Minute-time.Millisecond)
	f.sweepAll(t)
	same(t, "short just before its time", f.flips(t, "short"), []string{"new > up pulse"})
	f.pass(t, time.Millisecond)
	f.sweepAll(t)
	same(t, "short at its time", f.flips(t, "short"), []string{"new > up pulse", "up > down timeout"})
	// The long one may have pulsed just before the restore, so it has all its time from the start, although what is known
	// of it ends sooner, and although a mere absence would give it ten minutes.
	f.pass(t, 19*time.Minute-time.Millisecond)
	f.sweepAll(t)
	same(t, "long just before its time", f.flips(t, "long"), []string{"new > up pulse"})
	f.pass(t, time.Millisecond)
	f.sweepAll(t)
	long := f.service(t, "long")
	same(t, "long at its time", long.State, api.StateDown)
	same(t, "down since", long.StateSince, back.Add(20*time.Minute))
	changes := must(f.Changes.OfService(ctx, long.ID, 0, 1))(t)
	same(t, "the change names the restore", changes[0].Facts.Gap, &gaps[0])
}

func restoreEndsUnsent(t *testing.T, f *Fixture) {
	f.register(t, "before")
	f.one(t, "sending", "mail:a")
	same(t, "claimed", len(f.claimList(t, everything)), 1)
	f.one(t, "waiting", "mail:b")
	f.down(t, "untold")
	f.down(t, "later")
	f.attend(t, func(a store.Attended) store.Verdict {
		if a.Subject != "later" {
			return tell()(a)
		}
		return store.Verdict{AttendAt: f.now().Add(time.Hour)}
	})
	f.down(t, "in flight")

	restored := f.restore(t, 24*time.Hour)
	same(t, "what was ended", restored, store.Restored{From: restored.From, Deliveries: 2, Incidents: 1})
	for _, service := range []string{"sending", "waiting"} {
		d := f.incident(t, service).Told[0]
		same(t, service, []any{d.State, d.Reason, d.NextAttempt}, []any{api.DeliveryFailed, "restored", api.Time(0)})
	}
	f.attend(t, func(a store.Attended) store.Verdict {
		if len(a.Changes) > 0 {
			t.Errorf("%s would be told again", a.Subject)
		}
		return store.Verdict{}
	})
	f.pass(t, time.Minute)
	same(t, "claimed again", len(f.claimList(t, everything)), 0)
	same(t, "sent again on request", must(f.Deliveries.Retry(context.Background(), f.incident(t, "waiting").Told[0].ID))(t).State, api.DeliveryWaiting)
	same(t, "then claimed", len(f.claimList(t, everything)), 1)
}
