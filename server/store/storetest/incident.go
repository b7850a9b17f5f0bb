package storetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

var incidentTests = map[string]func(*testing.T, *Fixture){
	"an outage is one incident":                         oneIncident,
	"each change is looked at once":                     attendedOnce,
	"what is decided and what is noted are one":         attendedAsOne,
	"what nobody has sent is skipped":                   skipped,
	"an alert of an event is an incident":               alertIncident,
	"a service that is gone has none":                   goneService,
	"a warning is said once":                            warnedOnce,
	"incidents are listed from the newest":              incidentPages,
	"two servers attend to each incident once":          twoAttend,
	"more than a round of incidents":                    manyIncidents,
	"an incident wants to be looked at again":           attendedAgain,
	"a change during a look is not lost":                changedMeanwhile,
	"a name of a thousand characters":                   longSubjects,
	"an incident that opened and closed between rounds": openedAndClosed,
}

// down makes services that have just gone down.
func (f *Fixture) down(tb testing.TB, names ...string) {
	tb.Helper()
	for _, name := range names {
		must(f.Pulses.Add(f.pulse(name, 60)))(tb)
	}
	f.pass(tb, time.Minute)
	f.sweepAll(tb)
}

// pass lets time pass while the server, if it is one, marks that it is alive.
func (f *Fixture) pass(tb testing.TB, d time.Duration) {
	tb.Helper()
	for ; d > 0; d -= store.Recent {
		f.Clock.Advance(min(d, store.Recent))
		must(f.Servers.Beat(context.Background()))(tb)
	}
}

// attend runs one look at all that waits for one.
func (f *Fixture) attend(tb testing.TB, decide func(store.Attended) store.Verdict) store.Attention {
	tb.Helper()
	return must(f.Incidents.Attend(context.Background(), decide))(tb)
}

// tell decides that every change goes to these targets, as what it opens or ends.
func tell(targets ...string) func(store.Attended) store.Verdict {
	return func(a store.Attended) (v store.Verdict) {
		for _, c := range a.Changes {
			about := api.AboutOpened
			if c.Recovers() {
				about = api.AboutRecovered
			}
			for _, t := range targets {
				target := api.ParseTarget(t)
				v.Deliver = append(v.Deliver, store.DeliveryOrder{ChangeID: c.ID, About: about, Target: target, Lane: target.Channel})
			}
		}
		return v
	}
}

// incident gives the only incident of a service.
func (f *Fixture) incident(tb testing.TB, service string) store.Incident {
	tb.Helper()
	found := must(f.Incidents.List(context.Background(), store.IncidentFilter{Subject: service, Limit: 10}))(tb)
	if len(found) != 1 {
		tb.Fatalf("%d incidents of %s", len(found), service)
	}
	return found[0]
}

// told gives the deliveries of an incident as text.
func told(i store.Incident) []string {
	var out []string
	for _, d := range i.Told {
		out = append(out, fmt.Sprintf("%s %s:%s %s", d.About, d.Channel, d.Address, d.State))
	}
	return out
}

func oneIncident(t *testing.T, f *Fixture) {
	f.down(t, "job")
	opened := f.now()
	f.Clock.Advance(time.Hour)
	must(f.Pulses.Add(f.pulse("job", 60)))(t)
	i := f.incident(t, "job")
	same(t, "incident", i.Incident, api.Incident{
		ID: i.ID, SubjectKind: api.SubjectService, Subject: "job", State: api.IncidentClosed,
		OpenedAt: opened, ClosedAt: f.now(), Reason: api.ReasonTimeout,
	})
	same(t, "subject", i.SubjectID, f.service(t, "job").ID)
	same(t, "the same by id", must(f.Incidents.Get(context.Background(), i.ID))(t).Incident, i.Incident)
	_, err := f.Incidents.Get(context.Background(), "nothing")
	wantKind(t, err, api.KindNotFound)
}

func attendedOnce(t *testing.T, f *Fixture) {
	var looks [][]string
	look := func(a store.Attended) store.Verdict {
		var flips []string
		for _, c := range a.Changes {
			flips = append(flips, string(c.From)+" > "+string(c.To))
		}
		if a.Service == nil || a.Service.Name != "job" || a.Service.AlertType != "mail" {
			t.Errorf("service %+v", a.Service)
		}
		looks = append(looks, flips)
		return tell("mail:a@example.org", "ops")(a)
	}
	f.down(t, "job")
	same(t, "first look", f.attend(t, look), store.Attention{Incidents: 1, Deliveries: 2})
	same(t, "second look", f.attend(t, look), store.Attention{})
	must(f.Pulses.Add(f.pulse("job", 60)))(t)
	same(t, "third look", f.attend(t, look), store.Attention{Incidents: 1, Deliveries: 2})
	same(t, "looks", looks, [][]string{{"up > down"}, {"down > up"}})
	same(t, "deliveries", told(f.incident(t, "job")), []string{
		"opened mail:a@example.org waiting", "opened ops: waiting", "recovered mail:a@example.org waiting", "recovered ops: waiting",
	})
}

// attendedAsOne breaks the transaction off after the decision: nothing of it may stay.
func attendedAsOne(t *testing.T, f *Fixture) {
	f.down(t, "job")
	ctx, cancel := context.WithCancel(context.Background())
	_, err := f.Incidents.Attend(ctx, func(a store.Attended) store.Verdict {
		cancel()
		return tell("mail:a@example.org")(a)
	})
	if err == nil {
		t.Fatal("a transaction whose context ended went through")
	}
	same(t, "deliveries", told(f.incident(t, "job")), nil2)
	f.attend(t, tell("mail:a@example.org"))
	same(t, "deliveries", told(f.incident(t, "job")), []string{"opened mail:a@example.org waiting"})
}

func skipped(t *testing.T, f *Fixture) {
	f.register(t, "one")
	f.down(t, "job")
	f.attend(t, tell("mail:a@example.org", "slow", "quick", "refusing"))
	claimed := f.claim(t, func(lane string) int { return map[string]int{"slow": 1, "quick": 1, "refusing": 1}[lane] })
	must(f.Deliveries.Record(context.Background(), claimed["quick"], store.Outcome{State: api.DeliverySent}))(t)
	s := f.service(t, "job")
	must(f.Services.Pause(context.Background(), s.ID, api.ReasonPaused))(t)
	f.attend(t, func(store.Attended) store.Verdict { return store.Verdict{Skip: "paused"} })
	same(t, "deliveries", told(f.incident(t, "job")), []string{
		"opened mail:a@example.org skipped", "opened slow: sending", "opened quick: sent", "opened refusing: sending",
	})
	// What was under way is not tried again, and is sent if it was sent.
	state := must(f.Deliveries.Record(context.Background(), claimed["slow"], store.Outcome{
		State: api.DeliveryWaiting, NextAttempt: f.now().Add(time.Second), LastError: "no answer",
	}))(t)
	same(t, "state of the one that failed", state, api.DeliverySkipped)
	must(f.Deliveries.Record(context.Background(), claimed["refusing"], store.Outcome{State: api.DeliverySent}))(t)
	i := f.incident(t, "job")
	same(t, "deliveries", told(i), []string{
		"opened mail:a@example.org skipped", "opened slow: skipped", "opened quick: sent", "opened refusing: sent",
	})
	for _, n := range []int{0, 1} {
		same(t, "reason", i.Told[n].Reason, "paused")
		same(t, "next attempt", i.Told[n].NextAttempt, api.Time(0))
	}
}

func alertIncident(t *testing.T, f *Fixture) {
	e := f.event("web", "disk full")
	e.Alert, e.Level = true, api.LevelCritical
	id := fmt.Sprint(must(f.Events.Add([]api.Event{e}, nil))(t).IDs[0])
	f.attend(t, func(a store.Attended) store.Verdict {
		if a.Service != nil || len(a.Changes) != 1 || a.SubjectKind != api.SubjectEvent || a.Subject != id {
			t.Errorf("attended %+v", a)
		}
		c := a.Changes[0]
		same(t, "facts", c.Facts, api.Facts{Service: "web", Message: "disk full", Level: api.LevelCritical})
		return tell("ops")(a)
	})
	found := must(f.Incidents.List(context.Background(), store.IncidentFilter{SubjectKind: api.SubjectEvent, Limit: 10}))(t)
	same(t, "incidents", len(found), 1)
	same(t, "state", found[0].State, api.IncidentClosed)
	same(t, "deliveries", told(found[0]), []string{"opened ops: waiting"})
}

func goneService(t *testing.T, f *Fixture) {
	f.down(t, "job")
	must(f.Services.Delete(context.Background(), f.service(t, "job").ID))(t)
	f.attend(t, func(a store.Attended) store.Verdict {
		if a.Service != nil {
			t.Errorf("service %+v", a.Service)
		}
		same(t, "changes", len(a.Changes), 2)
		same(t, "last change", a.Changes[1].To, api.StateDeleted)
		return store.Verdict{}
	})
	same(t, "state", f.incident(t, "job").State, api.IncidentClosed)
}

func warnedOnce(t *testing.T, f *Fixture) {
	ctx := context.Background()
	warn := func(a store.Attended) store.Verdict { return store.Verdict{Warning: "no channel"} }
	f.down(t, "job", "other")
	f.attend(t, warn)
	same(t, "said again", must(f.Incidents.Warn(ctx, "job", "no channel"))(t), false)
	same(t, "said otherwise", must(f.Incidents.Warn(ctx, "job", "no other channel"))(t), true)
	events := f.eventsOf(t, "job")
	var messages []string
	for _, e := range events {
		if e.Level == api.LevelWarning {
			messages = append(messages, e.Message)
			same(t, "automatic", e.Automatic, true)
		}
	}
	same(t, "warnings", messages, []string{"no other channel", "no channel"})
}

func incidentPages(t *testing.T, f *Fixture) {
	ctx := context.Background()
	for i := range 3 {
		f.down(t, fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i)) // two at the same moment
		must(f.Pulses.Add(f.pulse(fmt.Sprintf("b%d", i), 3600)))(t)
	}
	list := func(filter store.IncidentFilter) (names []string) {
		for {
			page := must(f.Incidents.List(ctx, filter))(t)
			for _, i := range page {
				names = append(names, i.Subject)
				filter.Before = store.Place{Time: i.OpenedAt, ID: i.ID}
			}
			if len(page) < filter.Limit {
				return names
			}
		}
	}
	all := list(store.IncidentFilter{Limit: 2})
	same(t, "all", len(all), 6)
	for i, round := range []string{"2", "2", "1", "1", "0", "0"} {
		if !strings.HasSuffix(all[i], round) {
			t.Errorf("incidents from the newest: %v", all)
		}
	}
	same(t, "open", list(store.IncidentFilter{State: api.IncidentOpen, Limit: 1}), []string{"a2", "a1", "a0"})
	same(t, "of one", list(store.IncidentFilter{Subject: "b1", SubjectKind: api.SubjectService, Limit: 5}), []string{"b1"})
	same(t, "of none", list(store.IncidentFilter{Subject: "b1", State: api.IncidentOpen, Limit: 5}), nil2)
}

func twoAttend(t *testing.T, f *Fixture) {
	const n = 450
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
	for _, server := range []*Fixture{f, f.second(t, f.Clock)} {
		wg.Go(func() {
			for {
				done, err := server.Incidents.Attend(context.Background(), tell("mail:a@example.org", "ops"))
				if err != nil {
					t.Error(err)
				}
				if err != nil || done.Incidents == 0 && f.unattended(t) == 0 {
					return
				}
			}
		})
	}
	wg.Wait()
	incidents := must(f.Incidents.List(context.Background(), store.IncidentFilter{Limit: 1000}))(t)
	same(t, "incidents", len(incidents), n)
	alone := map[string]int{}
	for _, i := range incidents {
		same(t, "deliveries of "+i.Subject, len(i.Told), 2)
		for _, d := range i.Told {
			if d.State == api.DeliveryWaiting {
				alone[d.Channel]++
			}
		}
	}
	same(t, "let through", alone, map[string]int{"mail": api.StormLimit, "ops": api.StormLimit})
}

// unattended gives how many incidents have no delivery yet.
func (f *Fixture) unattended(t *testing.T) (n int) {
	for _, i := range must(f.Incidents.List(context.Background(), store.IncidentFilter{Limit: 1000}))(t) {
		if len(i.Told) == 0 {
			n++
		}
	}
	return n
}

func manyIncidents(t *testing.T, f *Fixture) {
	var names []string
	for i := range 250 {
		names = append(names, fmt.Sprintf("job %d", i))
	}
	f.down(t, names...)
	first, second := f.attend(t, tell()), f.attend(t, tell())
	same(t, "incidents", first.Incidents+second.Incidents, 250)
	same(t, "none left", f.attend(t, tell()), store.Attention{})
}

func attendedAgain(t *testing.T, f *Fixture) {
	f.down(t, "job")
	later := f.now().Add(10 * time.Minute)
	f.attend(t, func(store.Attended) store.Verdict { return store.Verdict{AttendAt: later} })
	same(t, "before", f.attend(t, tell()).Incidents, 0)
	f.Clock.Advance(10 * time.Minute)
	f.attend(t, func(a store.Attended) store.Verdict {
		same(t, "changes", len(a.Changes), 0)
		return store.Verdict{}
	})
	same(t, "after", f.attend(t, tell()).Incidents, 0)
}

// changedMeanwhile lets a service return while somebody looks at its incident: the return must be seen next.
func changedMeanwhile(t *testing.T, f *Fixture) {
	f.down(t, "job")
	returned := make(chan error, 1)
	f.attend(t, func(a store.Attended) store.Verdict {
		go func() {
			_, err := f.Pulses.Add(f.pulse("job", 60))
			returned <- err
		}()
		return tell("ops")(a)
	})
	if err := <-returned; err != nil {
		t.Fatal(err)
	}
	same(t, "next look", f.attend(t, tell("ops")), store.Attention{Incidents: 1, Deliveries: 1})
	same(t, "deliveries", told(f.incident(t, "job")), []string{"opened ops: waiting", "recovered ops: waiting"})
}

func longSubjects(t *testing.T, f *Fixture) {
	name := strings.Repeat("😀", 1000)
	address := strings.Repeat("x", 4000)
	f.down(t, name)
	f.attend(t, func(a store.Attended) store.Verdict {
		v := tell("mail:" + address)(a)
		v.Warning = "a warning"
		return v
	})
	i := f.incident(t, name)
	same(t, "address", i.Told[0].Address, address)
	same(t, "subject", i.Told[0].Subject, name)
}

func openedAndClosed(t *testing.T, f *Fixture) {
	f.down(t, "job")
	must(f.Pulses.Add(f.pulse("job", 60)))(t)
	same(t, "look", f.attend(t, tell("ops")), store.Attention{Incidents: 1, Deliveries: 2})
	same(t, "deliveries", told(f.incident(t, "job")), []string{"opened ops: waiting", "recovered ops: waiting"})
}
