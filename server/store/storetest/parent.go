package storetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

var parentTests = map[string]func(*testing.T, *Fixture){
	"no service stands in front of itself":        noCircle,
	"two who close a circle together":             circleTogether,
	"a chain of parents has an end":               longChain,
	"fails in a row are counted in the row":       failsCounted,
	"a plain pulse forgets the fails before it":   failsForgotten,
	"a service that is gone is no child any more": goneChild,
}

// child makes a service with these parents.
func (f *Fixture) child(tb testing.TB, name string, parents ...string) *api.Service {
	tb.Helper()
	return must(f.Services.Create(context.Background(), api.ServiceSettings{Name: name, Parents: parents}))(tb)
}

// edit changes the settings of a service.
func (f *Fixture) edit(id string, change func(*api.ServiceSettings)) error {
	_, err := f.Services.Update(context.Background(), id, func(s api.Service) (api.ServiceSettings, error) {
		change(&s.ServiceSettings)
		return s.ServiceSettings, nil
	})
	return err
}

func noCircle(t *testing.T, f *Fixture) {
	refused := func(err error, way string) {
		t.Helper()
		wantKind(t, err, api.KindInvalid)
		if p := api.ProblemOf(err); len(p.Errors) != 1 || p.Errors[0].Location != "body.parents" || !strings.Contains(p.Errors[0].Message, way) {
			t.Errorf("refused with %+v, want the way %s", p.Errors, way)
		}
	}
	f.child(t, "web", "db", "cache")
	db := f.child(t, "db", "rack")
	refused(f.edit(db.ID, func(s *api.ServiceSettings) { s.Parents = []string{"rack", "web"} }), "db > web > db")
	_, err := f.Services.Create(context.Background(), api.ServiceSettings{Name: "rack", Parents: []string{"web"}})
	refused(err, "rack > web > db > rack")
	// By the host, which is a parent, too.
	_, err = f.Services.Create(context.Background(), api.ServiceSettings{Name: "cache", Host: "web"})
	refused(err, "cache > web > cache")
	// By a name that others already have among their parents.
	other := f.child(t, "other", "web")
	refused(f.edit(other.ID, func(s *api.ServiceSettings) { s.Name = "rack" }), "rack > web > db > rack")
	// What is its own host stands in front of others, not of itself.
	rack := must(f.Services.Create(context.Background(), api.ServiceSettings{Name: "rack", Host: "rack"}))(t)
	if err := f.edit(rack.ID, func(s *api.ServiceSettings) { s.Parents = []string{"power"} }); err != nil {
		t.Error(err)
	}
}

func circleTogether(t *testing.T, f *Fixture) {
	const n = 8
	other := f.second(t, f.Clock)
	for round := range n {
		a, b := f.child(t, fmt.Sprint("a", round)), f.child(t, fmt.Sprint("b", round))
		var wg sync.WaitGroup
		errs := make([]error, 2)
		wg.Go(func() { errs[0] = f.edit(a.ID, func(s *api.ServiceSettings) { s.Parents = []string{b.Name} }) })
		wg.Go(func() { errs[1] = other.edit(b.ID, func(s *api.ServiceSettings) { s.Parents = []string{a.Name} }) })
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("round %d: %v and %v: one must be refused", round, errs[0], errs[1])
		}
	}
}

func longChain(t *testing.T, f *Fixture) {
	previous := "root"
	for i := range 30 {
		name := fmt.Sprint("s", i)
		f.child(t, name, previous)
		previous = name
	}
	_, err := f.Services.Create(context.Background(), api.ServiceSettings{Name: "root", Parents: []string{previous}})
	wantKind(t, err, api.KindInvalid)
}

func (f *Fixture) fail(tb testing.TB, name string) {
	tb.Helper()
	w := f.pulse(name, 60)
	w.Pulse.Kind = api.PulseFail
	must(f.Pulses.Add(w))(tb)
}

func failsCounted(t *testing.T, f *Fixture) {
	must(f.Services.Create(context.Background(), api.ServiceSettings{Name: "job", FailuresToAlert: 3}))(t)
	for _, want := range []api.State{api.StateUp, api.StateUp, api.StateDown} {
		f.fail(t, "job")
		same(t, "state", f.service(t, "job").State, want)
	}
	same(t, "fails", f.service(t, "job").Failures, 3)
	same(t, "changes", f.flips(t, "job"), []string{"new > up pulse", "up > down fail"})
}

func failsForgotten(t *testing.T, f *Fixture) {
	must(f.Services.Create(context.Background(), api.ServiceSettings{Name: "job", FailuresToAlert: 2}))(t)
	for range 3 {
		f.fail(t, "job")
		must(f.Pulses.Add(f.pulse("job", 60)))(t)
		same(t, "fails", f.service(t, "job").Failures, 0)
	}
	same(t, "changes", f.flips(t, "job"), []string{"new > up pulse"})
}

func goneChild(t *testing.T, f *Fixture) {
	gone := f.child(t, "web", "db")
	must(f.Services.Delete(context.Background(), gone.ID))(t)
	// Its name is free, and so is the way that it closed.
	f.child(t, "db", "web")
	f.child(t, "web")
	same(t, "services", len(must(f.Services.List(context.Background(), store.ServiceFilter{Limit: 10}))(t)), 2)
}
