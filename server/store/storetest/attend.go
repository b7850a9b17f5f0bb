package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

var attendTests = map[string]func(*testing.T, *Fixture){
	"what is held is let go, held on or skipped":      heldMoves,
	"what is let go counts for its target":            releasedInDigest,
	"what the sender keeps back is held":              keptBack,
	"a digest gives up what it may not tell":          withheld,
	"an attempt that fails is looked at":              failureLookedAt,
	"a parent's fall and return are looked at":        childrenLookedAt,
	"what stands in front of a service is known":      parentsKnown,
	"what stands behind a service is known":           childrenKnown,
	"incidents of one subject are looked at in order": subjectInOrder,
	"flapping is remembered":                          flapRemembered,
	"what people decide has open incidents recalled":  recalled,
	"an event knows the service that sent it":         eventService,
}

// holdAll orders one message to each target and holds it.
func holdAll(targets ...string) func(store.Attended) store.Verdict {
	return func(a store.Attended) store.Verdict {
		v := tell(targets...)(a)
		for i := range v.Deliver {
			v.Deliver[i].State, v.Deliver[i].Reason, v.Deliver[i].Route = api.DeliveryHeld, "quiet", "night"
		}
		return v
	}
}

// settle moves the deliveries of the only incident, by their place.
func (f *Fixture) settle(t *testing.T, states ...api.DeliveryState) {
	t.Helper()
	must(0, f.Incidents.Recall(context.Background()))(t)
	f.attend(t, func(a store.Attended) (v store.Verdict) {
		for i, state := range states {
			if state != "" {
				v.Settle = append(v.Settle, store.DeliveryMove{ID: a.Told[i].ID, State: state, Reason: "now " + string(state)})
			}
		}
		return v
	})
}

func heldMoves(t *testing.T, f *Fixture) {
	f.register(t, "one")
	f.down(t, "job")
	f.attend(t, holdAll("mail:a", "mail:b", "mail:c", "mail:d"))
	same(t, "claimed", len(f.claim(t, everything)), 0)
	f.pass(t, time.Minute)
	f.settle(t, api.DeliveryWaiting, api.DeliveryHeld, api.DeliverySkipped, "")
	i := f.incident(t, "job")
	var got []string
	for _, d := range i.Told {
		got = append(got, fmt.Sprintf("%s %s %s by %s", d.Address, d.State, d.Reason, d.Route))
	}
	same(t, "deliveries", got, []string{
		"a waiting now waiting by night", "b held now held by night", "c skipped now skipped by night", "d held quiet by night",
	})
	same(t, "due", i.Told[0].DueAt, f.now())
	same(t, "claimed", len(f.claim(t, everything)), 1)
	// What is being sent is left alone; what was skipped may be wanted after all.
	f.settle(t, api.DeliverySkipped, "", api.DeliveryHeld)
	same(t, "deliveries", told(f.incident(t, "job"))[:3], []string{"opened mail:a sending", "opened mail:b held", "opened mail:c held"})
	f.settle(t, "", "", api.DeliverySkipped)
	f.settle(t, "", "", api.DeliveryWaiting)
	c := f.incident(t, "job").Told[2]
	same(t, "wanted again", []any{c.State, c.DueAt}, []any{api.DeliveryWaiting, f.now()})
	same(t, "claimed", len(f.claim(t, everything)), 1)
}

func releasedInDigest(t *testing.T, f *Fixture) {
	f.register(t, "one")
	for i := range api.StormLimit + 2 {
		f.down(t, fmt.Sprint("job", i))
		f.attend(t, holdAll("ops"))
	}
	must(0, f.Incidents.Recall(context.Background()))(t)
	f.attend(t, func(a store.Attended) store.Verdict {
		return store.Verdict{Settle: []store.DeliveryMove{{ID: a.Told[0].ID, State: api.DeliveryWaiting}}}
	})
	same(t, "claimed", len(f.claimList(t, everything)), api.StormLimit)
	count := map[api.DeliveryState]int{}
	for _, d := range must(f.Deliveries.List(context.Background(), store.DeliveryFilter{Limit: 100}))(t) {
		if d.About == api.AboutOpened {
			count[d.State]++
		}
	}
	same(t, "gathered", count[api.DeliveryHeld], 2)
	same(t, "let through", count[api.DeliverySending]+count[api.DeliveryWaiting], api.StormLimit)
}

func keptBack(t *testing.T, f *Fixture) {
	f.register(t, "one")
	f.down(t, "job")
	f.attend(t, tell("mail:a"))
	d := f.claim(t, everything)["mail"]
	state := must(f.Deliveries.Record(context.Background(), d, store.Outcome{State: api.DeliveryHeld, Reason: "silenced", AttendAt: f.now()}))(t)
	same(t, "state", state, api.DeliveryHeld)
	kept := f.incident(t, "job").Told[0]
	same(t, "attempts", kept.Attempts, 0)
	same(t, "reason", kept.Reason, "silenced")
	same(t, "looked at", f.attend(t, func(store.Attended) store.Verdict { return store.Verdict{} }).Incidents, 1)
	// Unless it was to be skipped meanwhile.
	f.settle(t, api.DeliveryWaiting)
	d = f.claim(t, everything)["mail"]
	must(0, f.Incidents.Recall(context.Background()))(t)
	f.attend(t, func(store.Attended) store.Verdict { return store.Verdict{Skip: "paused"} })
	state = must(f.Deliveries.Record(context.Background(), d, store.Outcome{State: api.DeliveryHeld, Reason: "silenced"}))(t)
	same(t, "state", state, api.DeliverySkipped)
	same(t, "reason", f.incident(t, "job").Told[0].Reason, "paused")
}

func withheld(t *testing.T, f *Fixture) {
	ctx := context.Background()
	f.register(t, "one")
	var names []string
	for i := range api.StormLimit + 2 {
		names = append(names, fmt.Sprint("job", i))
	}
	f.down(t, names...)
	f.attend(t, tell("ops"))
	f.pass(t, time.Minute)
	var digest store.Delivery
	for _, d := range f.claimList(t, everything) {
		if d.About == api.AboutDigest {
			digest = d
		}
	}
	members := must(f.Deliveries.Content(ctx, digest))(t).Members
	same(t, "members", len(members), 2)
	same(t, "service", members[0].Service.Name, members[0].Change.Subject)
	must(0, f.Deliveries.Withhold(ctx, digest.ID, []store.DeliveryMove{{ID: members[0].Delivery.ID, State: api.DeliveryHeld, Reason: "silenced"}}))(t)
	same(t, "left", len(must(f.Deliveries.Content(ctx, digest))(t).Members), 1)
	must(f.Deliveries.Record(ctx, digest, store.Outcome{State: api.DeliverySent}))(t)
	same(t, "kept", told(f.incident(t, members[0].Change.Subject)), []string{"opened ops: held"})
	same(t, "told", told(f.incident(t, members[1].Change.Subject)), []string{"opened ops: sent"})
	same(t, "looked at", f.attend(t, func(a store.Attended) store.Verdict {
		same(t, "which", a.Subject, members[0].Change.Subject)
		return store.Verdict{}
	}).Incidents, 1)
}

func failureLookedAt(t *testing.T, f *Fixture) {
	f.register(t, "one")
	f.down(t, "job")
	f.attend(t, tell("mail:a"))
	d := f.claim(t, everything)["mail"]
	must(f.Deliveries.Record(context.Background(), d, store.Outcome{
		State: api.DeliveryWaiting, NextAttempt: f.now().Add(time.Second), LastError: "no answer", AttendAt: f.now().Add(10 * time.Minute),
	}))(t)
	same(t, "at once", f.attend(t, tell()).Incidents, 0)
	f.pass(t, 10*time.Minute)
	same(t, "later", f.attend(t, func(a store.Attended) store.Verdict {
		same(t, "attempts", a.Told[0].Attempts, 1)
		return store.Verdict{AttendAt: f.now().Add(time.Minute)}
	}).Incidents, 1)
	d = f.claim(t, everything)["mail"]
	must(f.Deliveries.Record(context.Background(), d, store.Outcome{State: api.DeliverySent, AttendAt: f.now().Add(time.Hour)}))(t)
	f.pass(t, time.Minute)
	same(t, "the earlier of two", f.attend(t, tell()).Incidents, 1)
}

// look attends and gives the names of what is looked at.
func (f *Fixture) look(t *testing.T) (names []string) {
	t.Helper()
	f.attend(t, func(a store.Attended) store.Verdict {
		names = append(names, a.Subject)
		return store.Verdict{}
	})
	return names
}

func childrenLookedAt(t *testing.T, f *Fixture) {
	f.child(t, "child", "router", "other")
	must(f.Services.Create(context.Background(), api.ServiceSettings{Name: "guest", Host: "router"}))(t)
	f.child(t, "stranger", "gateway")
	f.down(t, "child", "guest", "stranger")
	same(t, "first", len(f.look(t)), 3)
	f.down(t, "router")
	same(t, "the parent falls", len(f.look(t)), 3)
	must(f.Pulses.Add(f.pulse("router", 600)))(t)
	same(t, "the parent returns", len(f.look(t)), 3)
	must(f.Pulses.Add(f.pulse("child", 600)))(t)
	same(t, "a child returns", f.look(t), []string{"child"})
	f.fail(t, "router")
	same(t, "the parent falls again", len(f.look(t)), 2)
	must(f.Services.Delete(context.Background(), f.service(t, "router").ID))(t)
	same(t, "the parent is deleted", len(f.look(t)), 2)
}

func parentsKnown(t *testing.T, f *Fixture) {
	must(f.Services.Create(context.Background(), api.ServiceSettings{Name: "child", Parents: []string{"router", "nobody"}, Host: "host"}))(t)
	f.down(t, "router")
	fell := f.now()
	must(f.Pulses.Add(f.pulse("host", 600)))(t)
	f.down(t, "child")
	must(f.Pulses.Add(f.pulse("router", 300)))(t)
	back := f.now()
	f.attend(t, func(a store.Attended) store.Verdict {
		if a.Subject != "child" {
			return store.Verdict{}
		}
		same(t, "parents", a.Parents, []store.Parent{
			{
				Name: "router", State: api.StateUp, Since: back, LastPulse: back, Expected: back.Add(5 * time.Minute),
				Outage: fell, Returned: back,
			},
			{Name: "host", State: api.StateUp, Since: fell, LastPulse: fell, Expected: fell.Add(10 * time.Minute)},
		})
		return store.Verdict{}
	})
}

func childrenKnown(t *testing.T, f *Fixture) {
	f.register(t, "one")
	for _, name := range []string{"b", "a", "paused", "new"} {
		f.child(t, name, "router")
	}
	must(f.Services.Create(context.Background(), api.ServiceSettings{Name: "c", Host: "router", Parents: []string{"router"}}))(t)
	must(f.Services.Create(context.Background(), api.ServiceSettings{Name: "router", Host: "router"}))(t)
	for _, name := range []string{"a", "b", "c", "paused"} {
		must(f.Pulses.Add(f.pulse(name, 3600)))(t)
	}
	must(f.Services.Pause(context.Background(), f.service(t, "paused").ID, api.ReasonPaused))(t)
	f.down(t, "router")
	f.attend(t, tell("mail:a"))
	d := f.claim(t, everything)["mail"]
	same(t, "children", must(f.Deliveries.Content(context.Background(), d))(t).Children, []string{"a", "b", "c"})
}

func subjectInOrder(t *testing.T, f *Fixture) {
	for range 3 {
		f.down(t, "job")
		must(f.Pulses.Add(f.pulse("job", 60)))(t)
	}
	var opened []api.Time
	for range 3 {
		f.attend(t, func(a store.Attended) store.Verdict {
			opened = append(opened, a.OpenedAt)
			if n := len(opened); n > 1 && (a.Before == nil || a.Before.OpenedAt != opened[n-2]) {
				t.Errorf("the one before %v is %+v", a.OpenedAt, a.Before)
			}
			return store.Verdict{}
		})
	}
	same(t, "looks", len(opened), 3)
	if opened[0] >= opened[1] || opened[1] >= opened[2] {
		t.Errorf("looked at in the order %v", opened)
	}
}

func flapRemembered(t *testing.T, f *Fixture) {
	var leader string
	f.down(t, "job")
	f.attend(t, func(a store.Attended) store.Verdict {
		leader = a.ID
		return store.Verdict{Flap: api.Flap{Leader: a.ID, Since: 7, Count: 4}}
	})
	must(f.Pulses.Add(f.pulse("job", 60)))(t)
	f.down(t, "job")
	f.attend(t, func(a store.Attended) store.Verdict {
		if a.ID == leader {
			same(t, "latest", a.Latest.OpenedAt, f.now())
			return store.Verdict{Flap: a.Flap}
		}
		same(t, "before", a.Before.Flap, api.Flap{Leader: leader, Since: 7, Count: 4})
		return store.Verdict{Flap: a.Before.Flap}
	})
	for _, i := range must(f.Incidents.List(context.Background(), store.IncidentFilter{Limit: 10}))(t) {
		same(t, "kept", i.Flap, api.Flap{Leader: leader, Since: 7, Count: 4})
	}
}

func recalled(t *testing.T, f *Fixture) {
	f.down(t, "open", "held", "over")
	f.attend(t, func(a store.Attended) store.Verdict {
		if a.Subject == "held" {
			return holdAll("mail:a")(a)
		}
		return store.Verdict{}
	})
	must(f.Pulses.Add(f.pulse("held", 600)))(t)
	must(f.Pulses.Add(f.pulse("over", 600)))(t)
	same(t, "both returned", len(f.look(t)), 2)
	must(0, f.Incidents.Recall(context.Background()))(t)
	same(t, "recalled", len(f.look(t)), 2)
}

func eventService(t *testing.T, f *Fixture) {
	must(f.Services.Create(context.Background(), api.ServiceSettings{Name: "web", Tags: []string{"prod"}}))(t)
	e := f.event("web", "disk full")
	e.Alert = true
	must(f.Events.Add([]api.Event{e}, nil))(t)
	f.attend(t, func(a store.Attended) store.Verdict {
		if a.Service == nil || a.Service.Tags[0] != "prod" || a.Opening.Facts.Message != "disk full" {
			t.Errorf("service %+v of %+v", a.Service, a.Opening)
		}
		return store.Verdict{}
	})
}
