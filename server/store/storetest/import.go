package storetest

import (
	"context"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

var importTests = map[string]func(*testing.T, *Fixture){
	"services come as they stood":             importedServices,
	"imported pulses are history":             importedPulses,
	"imported events come once":               importedEvents,
	"an imported service goes on like others": importedGoesOn,
}

func importedServices(t *testing.T, f *Fixture) {
	ctx := context.Background()
	must(f.Pulses.Add(f.pulse("there", 60)))(t)
	long := f.now().Add(-time.Hour)
	target := api.LegacyTarget{AlertType: "pushover", AlertTarget: "KEY"}
	made := must(f.Imports.Services(ctx, []store.ImportedService{
		{Name: "alive", NextIn: 600, First: long, Last: long, Target: target, State: api.StateUp},
		{Name: "dead", NextIn: 600, First: long, Last: long, Target: target, State: api.StateDown, Since: long.Add(10 * time.Minute)},
		{Name: "cancelled", NextIn: 600, First: long, Last: long, State: api.StatePaused},
		{Name: "forgotten", NextIn: 600, First: long, Last: long, State: api.StateNew},
		{Name: "there", NextIn: 5, State: api.StateDown},
	}))(t)
	same(t, "made", made, 4)
	for name, want := range map[string]api.ServiceStatus{
		"alive":     {State: api.StateUp, StateSince: f.now(), FirstPulse: long, LastPulse: f.now(), Expected: f.now().Add(10 * time.Minute)},
		"dead":      {State: api.StateDown, StateSince: long.Add(10 * time.Minute), FirstPulse: long, LastPulse: long},
		"cancelled": {State: api.StatePaused, StateSince: f.now(), FirstPulse: long, LastPulse: long},
		"forgotten": {State: api.StateNew, StateSince: f.now(), FirstPulse: long, LastPulse: long},
		"there":     {State: api.StateUp, StateSince: f.now(), FirstPulse: f.now(), LastPulse: f.now(), Expected: f.now().Add(time.Minute)},
	} {
		s := f.service(t, name)
		same(t, name, api.ServiceStatus{State: s.State, StateSince: s.StateSince, FirstPulse: s.FirstPulse, LastPulse: s.LastPulse, Expected: s.Expected}, want)
	}
	same(t, "target", f.service(t, "dead").AlertTarget, "KEY")
	same(t, "made again", must(f.Imports.Services(ctx, []store.ImportedService{{Name: "alive", NextIn: 5, State: api.StateDown}}))(t), 0)
	same(t, "incidents", len(must(f.Incidents.List(ctx, store.IncidentFilter{Limit: 10}))(t)), 0)
}

func importedGoesOn(t *testing.T, f *Fixture) {
	ctx := context.Background()
	long := f.now().Add(-time.Hour)
	must(f.Imports.Services(ctx, []store.ImportedService{
		{Name: "alive", NextIn: 600, First: long, Last: long, State: api.StateUp},
		{Name: "dead", NextIn: 600, First: long, Last: long, State: api.StateDown, Since: long.Add(10 * time.Minute)},
	}))(t)
	f.register(t, "one")
	f.pass(t, 10*time.Minute)
	must(f.Pulses.Add(f.pulse("dead", 60)))(t)
	f.sweepAll(t)
	same(t, "silent since the import", f.flips(t, "alive"), []string{"new > up pulse", "up > down timeout"})
	same(t, "dead, and back", f.flips(t, "dead"), []string{"down > up pulse"})
	same(t, "incidents", len(must(f.Incidents.List(ctx, store.IncidentFilter{Limit: 10}))(t)), 1)
}

func importedPulses(t *testing.T, f *Fixture) {
	ctx := context.Background()
	must(f.Pulses.Add(f.pulse("job", 60)))(t)
	known := must(f.Imports.Known(ctx, []string{"job", "unknown"}))(t)
	same(t, "known", len(known), 1)
	same(t, "imported until", known["job"].Until, api.Time(0))
	before := f.service(t, "job")
	long := f.now().Add(-1000 * time.Hour)
	for i := range 3 {
		if err := f.Imports.Pulses(ctx, []store.ImportedPulse{{Service: known["job"].Key, Time: long.Add(time.Duration(i) * time.Minute), NextIn: 60}}); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "the service", f.service(t, "job"), before)
	same(t, "imported until", must(f.Imports.Known(ctx, []string{"job"}))(t)["job"].Until, long.Add(2*time.Minute))
	list := must(f.Pulses.List(ctx, before.ID, store.Mark{}, 10))(t)
	same(t, "pulses", len(list), 4)
	same(t, "time", list[0].Time, long.Add(2*time.Minute))
}

func importedEvents(t *testing.T, f *Fixture) {
	ctx := context.Background()
	event := func(message string, ago time.Duration) api.Event {
		return api.Event{Service: "web", Message: message, Level: 2, Time: f.now().Add(-ago)}
	}
	// The same twice in one second is two events.
	list := []api.Event{event("a", time.Hour), event("a", time.Hour), event("b", time.Minute)}
	start := f.now()
	same(t, "added", must(f.Imports.Events(ctx, list, start))(t), 3)
	f.Clock.Advance(time.Minute)
	same(t, "added again", must(f.Imports.Events(ctx, append(list[:3:3], event("c", time.Hour)), f.now()))(t), 1)
	all := f.eventsOf(t, "web")
	same(t, "events", len(all), 4)
	same(t, "received", all[0].ReceivedAt >= start, true)
}
