package storetest

import (
	"context"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

var vitalTests = map[string]func(*testing.T, *Fixture){
	"vitals tell what is left undone": vitals,
}

func (f *Fixture) vitals(tb testing.TB) store.Vitals {
	tb.Helper()
	v := must(f.Servers.Vitals(context.Background()))(tb)
	same(tb, "now", v.Now, f.now())
	v.Now = 0
	return v
}

func vitals(t *testing.T, f *Fixture) {
	same(t, "of an empty database", f.vitals(t), store.Vitals{})
	f.register(t, "one")
	must(f.Pulses.Add(f.pulse("job", 60)))(t)
	deadline := f.service(t, "job").Deadline
	f.pass(t, 2*time.Minute)
	marked := must(f.Servers.LastAlive(context.Background()))(t)
	same(t, "unjudged", f.vitals(t), store.Vitals{Marked: marked, Judge: deadline})
	f.sweepAll(t)
	attend := f.now()
	same(t, "unattended", f.vitals(t), store.Vitals{Marked: marked, Attend: attend})

	due := f.now().Add(time.Second)
	f.Clock.Advance(time.Second)
	f.attend(t, func(a store.Attended) store.Verdict {
		first := store.DeliveryOrder{ChangeID: a.Changes[0].ID, About: api.AboutOpened, Target: api.Target{Channel: "mail", Address: "a@b.c"}, Lane: "mail"}
		second := first
		second.Target.Address = "d@e.f"
		return store.Verdict{Deliver: []store.DeliveryOrder{first, second}}
	})
	same(t, "unsent", f.vitals(t), store.Vitals{Marked: marked, Send: due})
	claimed := f.claimList(t, func(string) int { return 1 })
	next := f.now().Add(time.Hour)
	f.record(t, claimed[0], store.Outcome{State: api.DeliveryWaiting, NextAttempt: next, LastError: "no"})
	same(t, "tried in vain, and the other waits for it", f.vitals(t), store.Vitals{Marked: marked, Send: next, Vain: due})
}
