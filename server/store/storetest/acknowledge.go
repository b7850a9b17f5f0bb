package storetest

import (
	"context"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/hub"
	"watchkeeper/server/store"
)

var acknowledgeTests = map[string]func(*testing.T, *Fixture){
	"an incident is acknowledged once":         acknowledgedOnce,
	"an acknowledgement is withdrawn":          withdrawn,
	"an incident that is over cannot be taken": acknowledgedLate,
}

func acknowledgedOnce(t *testing.T, f *Fixture) {
	ctx := context.Background()
	f.down(t, "web")
	f.attend(t, tell("mail:me@example.org"))
	id := f.incident(t, "web").ID
	woken := f.Hub.Subscribe(hub.Incidents)
	defer woken.Close()
	same(t, "changed", must(f.Incidents.Acknowledge(ctx, id, store.Acknowledgement{By: "ann", Comment: "on my way"}))(t), true)
	select {
	case <-woken.C():
	default:
		t.Error("nobody was woken")
	}
	i := f.incident(t, "web")
	same(t, "who", []any{i.AcknowledgedBy, i.Comment, i.AcknowledgedAt}, []any{"ann", "on my way", f.now()})
	same(t, "state", i.State, api.IncidentOpen)
	at := f.now()
	f.pass(t, time.Second)
	looked := false
	f.attend(t, func(a store.Attended) store.Verdict {
		looked = true
		same(t, "who decides knows", a.AcknowledgedBy, "ann")
		same(t, "nothing new has happened", len(a.Changes), 0)
		return store.Verdict{}
	})
	same(t, "somebody looked at it again", looked, true)
	same(t, "a second time", must(f.Incidents.Acknowledge(ctx, id, store.Acknowledgement{By: "bob", Comment: "me too"}))(t), false)
	i = f.incident(t, "web")
	same(t, "the first stays", []any{i.AcknowledgedBy, i.Comment, i.AcknowledgedAt}, []any{"ann", "on my way", at})
	same(t, "nobody has to look at it", f.attend(t, tell()).Incidents, 0)
	_, err := f.Incidents.Acknowledge(ctx, "none", store.Acknowledgement{By: "ann"})
	wantKind(t, err, api.KindNotFound)
}

func withdrawn(t *testing.T, f *Fixture) {
	ctx := context.Background()
	f.down(t, "web")
	id := f.incident(t, "web").ID
	same(t, "nothing to withdraw", must(f.Incidents.Withdraw(ctx, id))(t), false)
	must(f.Incidents.Acknowledge(ctx, id, store.Acknowledgement{By: "ann", Comment: "mine"}))(t)
	f.attend(t, tell())
	same(t, "withdrawn", must(f.Incidents.Withdraw(ctx, id))(t), true)
	i := f.incident(t, "web")
	same(t, "nobody", []any{i.AcknowledgedBy, i.Comment, i.AcknowledgedAt}, []any{"", "", api.Time(0)})
	same(t, "the last look does not count", i.LookedAt, api.Time(0))
	same(t, "somebody looks at it again", f.attend(t, tell()).Incidents, 1)
	must(f.Incidents.Acknowledge(ctx, id, store.Acknowledgement{By: "bob"}))(t)
	same(t, "by another", f.incident(t, "web").AcknowledgedBy, "bob")
	_, err := f.Incidents.Withdraw(ctx, "none")
	wantKind(t, err, api.KindNotFound)
}

func acknowledgedLate(t *testing.T, f *Fixture) {
	ctx := context.Background()
	f.down(t, "web", "db")
	for _, name := range []string{"web", "db"} {
		if name == "db" {
			must(f.Incidents.Acknowledge(ctx, f.incident(t, name).ID, store.Acknowledgement{By: "ann"}))(t)
		}
		must(f.Pulses.Add(f.pulse(name, 60)))(t)
		i := f.incident(t, name)
		_, err := f.Incidents.Acknowledge(ctx, i.ID, store.Acknowledgement{By: "bob"})
		wantKind(t, err, api.KindConflict)
		_, err = f.Incidents.Withdraw(ctx, i.ID)
		wantKind(t, err, api.KindConflict)
	}
	same(t, "who it was stays", f.incident(t, "db").AcknowledgedBy, "ann")
}
