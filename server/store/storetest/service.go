package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

var serviceTests = map[string]func(*testing.T, *Fixture){
	"settings come back as they were set":           settingsKept,
	"a name is taken once":                          nameTaken,
	"an update changes what it names":               updateService,
	"pause and resume":                              pauseResume,
	"delete closes the incident":                    deleteService,
	"lists filter, sort and page":                   listServices,
	"those that pulsed come in the order of pulses": pulsed,
	"services of a slug":                            slugs,
	"a cron expression that is broken harms nobody": brokenCron,
}

func settingsKept(t *testing.T, f *Fixture) {
	want := api.ServiceSettings{
		Name: "nightly", Slug: "nightly", Description: "copies\n\"things\" \\ ü", Tags: []string{"db", "prod"}, Host: "web1",
		Cron: "0 3 * * *", TimeZone: "Europe/Paris", Grace: 600, MaxRun: 3600, MinRun: 5, FinishWithin: 7200,
		Alerts: []string{"mail:me@example.org", "ops"}, ManualResume: true,
		Parents: []string{"router", "web1"}, FailuresToAlert: 3, ManagedBy: "apply",
	}
	made := must(f.Services.Create(context.Background(), want))(t)
	got := f.service(t, "nightly")
	same(t, "settings", got.ServiceSettings, want)
	same(t, "by id", must(f.Services.Get(context.Background(), made.ID))(t), got)
	same(t, "state", got.State, api.StateNew)
	same(t, "created", got.CreatedAt, f.now())
	freed := must(f.Services.Update(context.Background(), made.ID, func(s api.Service) (api.ServiceSettings, error) {
		s.ManagedBy = ""
		return s.ServiceSettings, nil
	}))(t)
	same(t, "no longer managed", freed.ManagedBy, "")
	same(t, "kept so", f.service(t, "nightly").ManagedBy, "")
}

func nameTaken(t *testing.T, f *Fixture) {
	must(f.Services.Create(context.Background(), api.ServiceSettings{Name: "a"}))(t)
	other := must(f.Services.Create(context.Background(), api.ServiceSettings{Name: "b"}))(t)
	_, err := f.Services.Create(context.Background(), api.ServiceSettings{Name: "a"})
	wantKind(t, err, api.KindConflict)
	_, err = f.Services.Update(context.Background(), other.ID, func(s api.Service) (api.ServiceSettings, error) {
		s.Name = "a"
		return s.ServiceSettings, nil
	})
	wantKind(t, err, api.KindConflict)
	same(t, "name of the other", f.service(t, "b").ID, other.ID)
}

func updateService(t *testing.T, f *Fixture) {
	must(f.Pulses.Add(f.pulse("job", 60)))(t)
	id := f.service(t, "job").ID
	edit := func(change func(*api.ServiceSettings)) (*api.Service, error) {
		return f.Services.Update(context.Background(), id, func(s api.Service) (api.ServiceSettings, error) {
			change(&s.ServiceSettings)
			return s.ServiceSettings, nil
		})
	}
	f.Clock.Advance(10 * time.Second)
	s := must(edit(func(s *api.ServiceSettings) { s.NextIn, s.Grace = 300, 30 }))(t)
	same(t, "deadline", s.Deadline, api.TimeOf(Start.Add(330*time.Second)))
	same(t, "stored deadline", f.service(t, "job").Deadline, s.Deadline)
	same(t, "updated", f.service(t, "job").UpdatedAt, f.now())
	f.Clock.Advance(10 * time.Second)
	must(edit(func(*api.ServiceSettings) {}))(t)
	same(t, "updated after a change of nothing", f.service(t, "job").UpdatedAt, s.UpdatedAt)
	_, err := f.Services.Update(context.Background(), id, func(api.Service) (api.ServiceSettings, error) {
		return api.ServiceSettings{}, api.Invalid("body.name", "no")
	})
	wantKind(t, err, api.KindInvalid)
	_, err = f.Services.Update(context.Background(), "none", func(s api.Service) (api.ServiceSettings, error) { return s.ServiceSettings, nil })
	wantKind(t, err, api.KindNotFound)
}

func pauseResume(t *testing.T, f *Fixture) {
	must(f.Pulses.Add(f.pulse("job", 60)))(t)
	id := f.service(t, "job").ID
	for range 2 {
		s := must(f.Services.Pause(context.Background(), id, api.ReasonCancelled))(t)
		same(t, "state", s.State, api.StatePaused)
	}
	f.Clock.Advance(time.Hour)
	f.sweepAll(t)
	same(t, "changes", f.flips(t, "job"), []string{"new > up pulse", "up > paused cancelled"})
	must(f.Services.Resume(context.Background(), id))(t)
	_, err := f.Services.Resume(context.Background(), id)
	wantKind(t, err, api.KindConflict)
	must(f.Pulses.Add(f.pulse("job", 60)))(t)
	same(t, "changes", f.flips(t, "job"), []string{"new > up pulse", "up > paused cancelled", "paused > new resumed", "new > up pulse"})
	_, err = f.Services.Pause(context.Background(), "none", api.ReasonPaused)
	wantKind(t, err, api.KindNotFound)
}

func deleteService(t *testing.T, f *Fixture) {
	must(f.Pulses.Add(f.pulse("job", 60)))(t)
	f.Clock.Advance(time.Hour)
	f.sweepAll(t)
	s := f.service(t, "job")
	same(t, "state", s.State, api.StateDown)
	gone := must(f.Services.Delete(context.Background(), s.ID))(t)
	same(t, "deleted", gone.Name, "job")
	_, err := f.Services.ByName(context.Background(), "job")
	wantKind(t, err, api.KindNotFound)
	_, err = f.Services.Delete(context.Background(), s.ID)
	wantKind(t, err, api.KindNotFound)
	changes := must(f.Changes.OfService(context.Background(), s.ID, 0, 1))(t)
	same(t, "last change", changes[0].To, api.StateDeleted)
	if len(must(f.Pulses.List(context.Background(), s.ID, store.Mark{}, 10))(t)) != 0 {
		t.Error("the history outlives the service")
	}
	// The name is free again and begins anew.
	must(f.Pulses.Add(f.pulse("job", 60)))(t)
	same(t, "changes of the new one", f.flips(t, "job"), []string{"new > up pulse"})
}

func listServices(t *testing.T, f *Fixture) {
	for i := range 23 {
		s := api.ServiceSettings{Name: fmt.Sprintf("Job %02d", (i*7)%23), Tags: []string{"all", fmt.Sprintf("t%d", i%2)}, Host: fmt.Sprintf("h%d", i%3)}
		must(f.Services.Create(context.Background(), s))(t)
		f.Clock.Advance(time.Second)
	}
	must(f.Pulses.Add(f.pulse("Job 05", 60)))(t)
	names := func(filter store.ServiceFilter) []string {
		var out []string
		filter.Limit = 5
		for {
			page := must(f.Services.List(context.Background(), filter))(t)
			for _, s := range page {
				out = append(out, s.Name)
			}
			if len(page) < 5 {
				return out
			}
			filter.After = &page[4].Mark
		}
	}
	all := names(store.ServiceFilter{Order: store.ByServiceName})
	if len(all) != 23 || !slices.IsSorted(all) {
		t.Errorf("by name: %v", all)
	}
	for _, order := range store.ServiceOrders {
		up := names(store.ServiceFilter{Order: order, Direction: store.Ascending})
		down := names(store.ServiceFilter{Order: order, Direction: store.Descending})
		slices.Reverse(down)
		same(t, "descending by "+string(order), down, up)
		same(t, "number by "+string(order), len(up), 23)
	}
	same(t, "by state", names(store.ServiceFilter{States: []api.State{api.StateUp, api.StateDown}}), []string{"Job 05"})
	same(t, "by tags", len(names(store.ServiceFilter{Tags: []string{"all", "t1"}})), 11)
	same(t, "by part of a tag", len(names(store.ServiceFilter{Tags: []string{"al"}})), 0)
	same(t, "by host", len(names(store.ServiceFilter{Host: "h0"})), 8)
	same(t, "by part of the name", names(store.ServiceFilter{Search: "jOB 1", Tags: []string{"t0"}, Host: "h1"}), names(store.ServiceFilter{Search: "Job 1", Tags: []string{"t0"}, Host: "h1"}))
	same(t, "by a pattern that is none", len(names(store.ServiceFilter{Search: "%"})), 0)
}

// pulsed lists more services than are read at once, and changes some of them while it does.
func pulsed(t *testing.T, f *Fixture) {
	ctx := context.Background()
	const n = 1200
	must(f.Services.Create(ctx, api.ServiceSettings{Name: "silent"}))(t)
	last := must(f.Services.Create(ctx, api.ServiceSettings{Name: "last"}))(t)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if _, err := f.Pulses.Add(f.pulse(fmt.Sprintf("job %04d", i), 60)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	f.Clock.Advance(time.Second)
	must(f.Pulses.Add(f.pulse("last", 60)))(t)

	var got []*api.Service
	err := f.Services.EachPulsed(ctx, func(s *api.Service) error {
		if len(got) == 0 { // nothing is held meanwhile: others may write, and are seen
			must(f.Services.Pause(ctx, last.ID, api.ReasonPaused))(t)
		}
		got = append(got, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "services that pulsed", len(got), n+1)
	if !slices.IsSortedFunc(got, func(a, b *api.Service) int { return cmp.Compare(a.FirstPulse, b.FirstPulse) }) {
		t.Error("they do not come in the order of their first pulse")
	}
	same(t, "the last", got[n].Name, "last")
	same(t, "its state", got[n].State, api.StatePaused)

	enough := errors.New("enough")
	if err := f.Services.EachPulsed(ctx, func(*api.Service) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("error %v, want that of the caller", err)
	}
}

func slugs(t *testing.T, f *Fixture) {
	for i, slug := range []string{"one", "two", "two", "two", ""} {
		must(f.Services.Create(context.Background(), api.ServiceSettings{Name: fmt.Sprint(i), Slug: slug}))(t)
	}
	for slug, want := range map[string]int{"one": 1, "two": 2, "": 0, "three": 0} {
		same(t, "services of slug "+slug, len(must(f.Services.IDsBySlug(context.Background(), slug))(t)), want)
	}
}

func brokenCron(t *testing.T, f *Fixture) {
	must(f.Services.Create(context.Background(), api.ServiceSettings{Name: "broken", Cron: "no cron", TimeZone: "Atlantis/Capital"}))(t)
	w := f.pulse("broken", 0)
	must(f.Pulses.Add(w))(t)
	must(f.Pulses.Add(f.pulse("sound", 60)))(t)
	f.Clock.Advance(time.Hour)
	f.sweepAll(t)
	same(t, "state of the broken one", f.service(t, "broken").State, api.StateUp)
	same(t, "state of its neighbour", f.service(t, "sound").State, api.StateDown)
}
