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

var digestTests = map[string]func(*testing.T, *Fixture){
	"too many messages become a digest":             storm,
	"a digest shares its fate with what it tells":   digestFate,
	"a digest that goes is complete":                digestComplete,
	"what a digest told is not skipped":             digestSkip,
	"targets that were told long ago are forgotten": forgottenTargets,
	"a failed digest is tried again on request":     digestRetried,
}

func (f *Fixture) downMany(tb testing.TB, n int) {
	tb.Helper()
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("job%02d", i))
	}
	f.down(tb, names...)
}

func storm(t *testing.T, f *Fixture) {
	f.register(t, "one")
	f.downMany(t, 12)
	f.attend(t, func(a store.Attended) store.Verdict {
		v := tell("ops")(a)
		if a.Incident.Subject == "job11" {
			v.Flap = api.Flap{Leader: a.ID, Count: 4}
		}
		return v
	})
	began := f.now()
	alone := f.claimList(t, everything)
	same(t, "messages of their own", len(alone), api.StormLimit)
	for _, d := range alone {
		f.record(t, d, store.Outcome{State: api.DeliverySent})
	}
	held := must(f.Deliveries.List(context.Background(), store.DeliveryFilter{State: api.DeliveryHeld, Limit: 100}))(t)
	same(t, "held", len(held), 7)
	same(t, "reason", held[0].Reason,
		"more than 5 messages to this target within a minute: gathered in the digest at 12:02:00 +00:00")
	f.pass(t, time.Minute-time.Millisecond)
	must(f.Pulses.Add(f.pulse("job00", 3600)))(t) // was told by itself, joins the digest
	f.attend(t, tell("ops"))
	same(t, "claimed before the end of the window", len(f.claimList(t, everything)), 0)
	f.Clock.Advance(time.Millisecond)
	digest := f.claim(t, everything)["ops"]
	same(t, "about", digest.About, api.AboutDigest)
	same(t, "due", digest.DueAt, began.Add(time.Minute))
	members := must(f.Deliveries.Content(context.Background(), digest))(t).Members
	states := map[api.State]int{}
	var flapping []string
	for _, m := range members {
		states[m.State]++
		if m.Flap.Leader == m.Delivery.Incident {
			flapping = append(flapping, m.Change.Subject)
		}
	}
	same(t, "flapping", flapping, []string{"job11"})
	same(t, "states as they are now", states, map[api.State]int{api.StateDown: 7, api.StateUp: 1})
	f.record(t, digest, store.Outcome{State: api.DeliverySent})
	// What comes now is let through: the storm is over.
	f.one(t, "late", "ops")
	same(t, "after the digest began to go", f.claim(t, everything)["ops"].Subject, "late")
}

func digestFate(t *testing.T, f *Fixture) {
	for _, outcome := range []store.Outcome{
		{State: api.DeliverySent, Receipt: "taken"},
		{State: api.DeliveryFailed, LastError: "no such user"},
	} {
		channel := string(outcome.State)
		f.register(t, "one")
		f.downMany(t, 7)
		f.attend(t, tell(channel))
		f.pass(t, time.Minute)
		for _, d := range f.claimList(t, everything) {
			if d.About == api.AboutDigest {
				f.record(t, d, store.Outcome{State: api.DeliveryWaiting, NextAttempt: f.now()})
				d = f.claimList(t, everything)[0]
				f.record(t, d, outcome)
				continue
			}
			f.record(t, d, store.Outcome{State: api.DeliverySent})
		}
		shared := 0
		for _, d := range must(f.Deliveries.List(context.Background(), store.DeliveryFilter{Channel: channel, Limit: 100}))(t) {
			if d.Digest == "" {
				continue
			}
			shared++
			same(t, "state", d.State, outcome.State)
			same(t, "last error", d.LastError, outcome.LastError)
		}
		same(t, "members", shared, 2)
		for i := range 7 { // so that they may go down again
			must(f.Pulses.Add(f.pulse(fmt.Sprintf("job%02d", i), 60)))(t)
		}
		f.attend(t, tell())
	}
}

// digestComplete lets messages become due while their digest is being claimed: each is told by it or waits for another.
func digestComplete(t *testing.T, f *Fixture) {
	f.register(t, "one")
	other := f.second(t, f.Clock)
	for round := range 6 {
		channel := fmt.Sprint("ops", round)
		f.downMany(t, 12)
		f.attend(t, tell(channel))
		f.pass(t, time.Minute)
		for i := range 12 {
			must(f.Pulses.Add(f.pulse(fmt.Sprintf("job%02d", i), 30)))(t)
		}
		inDigest := map[string]bool{} // what the digest tells, by change
		read := func(list []store.Delivery) {
			for _, d := range list {
				for _, m := range must(f.Deliveries.Content(context.Background(), d))(t).Members {
					inDigest[fmt.Sprint(m.Change.ID)] = true
				}
			}
		}
		var claimed []store.Delivery
		if round == 0 { // one after the other
			claimed = f.claimList(t, everything)
			read(claimed)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := other.Incidents.Attend(context.Background(), tell(channel)); err != nil {
				t.Error(err)
			}
		})
		if round > 0 {
			claimed = f.claimList(t, everything)
			read(claimed)
		}
		wg.Wait()
		for _, d := range claimed {
			f.record(t, d, store.Outcome{State: api.DeliverySent})
		}
		for _, d := range must(f.Deliveries.List(context.Background(), store.DeliveryFilter{Channel: channel, Limit: 100}))(t) {
			switch {
			case d.State == api.DeliverySent && d.Digest != "" && !inDigest[fmt.Sprint(d.ChangeID)]:
				t.Errorf("%s of %s counts as sent, but the digest did not tell it", d.About, d.Subject)
			case d.State == api.DeliveryHeld:
				digest := must(f.Deliveries.Get(context.Background(), d.Digest))(t)
				same(t, "the digest that "+d.Subject+" waits for", digest.State, api.DeliveryWaiting)
			}
		}
		for _, d := range f.claimList(t, everything) {
			f.record(t, d, store.Outcome{State: api.DeliverySent})
		}
		f.pass(t, time.Minute)
		for _, d := range f.claimList(t, everything) {
			f.record(t, d, store.Outcome{State: api.DeliverySent})
		}
		same(t, "held after all", len(must(f.Deliveries.List(context.Background(), store.DeliveryFilter{State: api.DeliveryHeld, Limit: 100}))(t)), 0)
		f.attend(t, tell()) // those that went down meanwhile are told to nobody
		f.sweepAll(t)
		f.attend(t, tell())
	}
}

func digestSkip(t *testing.T, f *Fixture) {
	f.register(t, "one")
	f.downMany(t, 7)
	f.attend(t, tell("ops"))
	pause := func(name string) {
		must(f.Services.Pause(context.Background(), f.service(t, name).ID, api.ReasonPaused))(t)
		f.attend(t, func(store.Attended) store.Verdict { return store.Verdict{Skip: "paused"} })
	}
	var held []string
	for _, d := range must(f.Deliveries.List(context.Background(), store.DeliveryFilter{State: api.DeliveryHeld, Limit: 10}))(t) {
		held = append(held, d.Subject)
	}
	pause(held[0])
	f.pass(t, time.Minute)
	var digest store.Delivery
	for _, d := range f.claimList(t, everything) {
		if d.About == api.AboutDigest {
			digest = d
		}
	}
	members := must(f.Deliveries.Content(context.Background(), digest))(t).Members
	same(t, "members", len(members), 1)
	same(t, "member", members[0].Change.Subject, held[1])
	pause(held[1]) // too late, it is being told
	f.record(t, digest, store.Outcome{State: api.DeliverySent})
	same(t, "skipped", told(f.incident(t, held[0])), []string{"opened ops: skipped"})
	same(t, "told", told(f.incident(t, held[1])), []string{"opened ops: sent"})
}

func forgottenTargets(t *testing.T, f *Fixture) {
	f.register(t, "one")
	f.downMany(t, 12)
	f.attend(t, tell("ops"))
	f.Clock.Advance(2 * time.Hour)
	must(f.Servers.Beat(context.Background()))(t)
	if err := f.Deliveries.ForgetTargets(context.Background()); err != nil {
		t.Fatal(err)
	}
	// One whose digest has not gone is kept: what comes meanwhile joins it.
	must(f.Pulses.Add(f.pulse("job00", 3600)))(t)
	f.attend(t, tell("ops"))
	same(t, "held", len(must(f.Deliveries.List(context.Background(), store.DeliveryFilter{State: api.DeliveryHeld, Limit: 100}))(t)), 8)
	for _, d := range f.claimList(t, everything) {
		f.record(t, d, store.Outcome{State: api.DeliverySent})
	}
	f.Clock.Advance(2 * time.Hour)
	must(f.Servers.Beat(context.Background()))(t)
	if err := f.Deliveries.ForgetTargets(context.Background()); err != nil {
		t.Fatal(err)
	}
	f.one(t, "later", "ops")
	same(t, "after it was forgotten", f.claim(t, everything)["ops"].Subject, "later")
}

func digestRetried(t *testing.T, f *Fixture) {
	ctx := context.Background()
	f.register(t, "one")
	f.downMany(t, 8)
	f.attend(t, tell("ops"))
	f.pass(t, time.Minute)
	var digest store.Delivery
	for _, d := range f.claimList(t, everything) {
		if d.About == api.AboutDigest {
			digest = d
		}
		f.record(t, d, store.Outcome{State: api.DeliveryFailed, LastError: "no"})
	}
	for _, d := range must(f.Deliveries.List(ctx, store.DeliveryFilter{State: api.DeliveryFailed, Limit: 100}))(t) {
		if d.Digest == digest.ID { // one by itself
			must(f.Deliveries.Retry(ctx, d.ID))(t)
			break
		}
	}
	must(f.Deliveries.Retry(ctx, digest.ID))(t)
	claimed := f.claimList(t, everything)
	same(t, "claimed", len(claimed), 2)
	for _, d := range claimed {
		if d.ID == digest.ID {
			same(t, "members", len(must(f.Deliveries.Content(ctx, d))(t).Members), 2)
		}
		f.record(t, d, store.Outcome{State: api.DeliverySent})
	}
	same(t, "still failed", len(must(f.Deliveries.List(ctx, store.DeliveryFilter{State: api.DeliveryFailed, Limit: 100}))(t)), api.StormLimit)
}
