package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"watchkeeper/api"
)

// fakeServer does with the steps of a plan what a server does with its requests, as far as a plan depends on it.
type fakeServer struct {
	Server
	secrets map[string]string // of channels, by channel and setting, in full
}

func newServer() *fakeServer { return &fakeServer{secrets: map[string]string{}} }

func resolve(s Source) (string, error) {
	if strings.Contains(s.Env, "_URL") {
		return "https://example.org/?token=of" + s.Env, nil
	}
	return "text of " + s.String(), nil
}

var secretSettings = []string{"secret", "url"}

func (f *fakeServer) apply(s Step) error {
	if s.Action == ActionDelete {
		switch s.Kind {
		case KindChannel:
			f.Channels = slices.DeleteFunc(f.Channels, func(c api.Channel) bool { return c.Name == s.Name })
		case KindService:
			f.Services = slices.DeleteFunc(f.Services, func(v api.ServiceView) bool { return v.Name == s.Name })
		case KindRoute:
			f.Routes = slices.DeleteFunc(f.Routes, func(r api.Route) bool { return r.Name == s.Name })
		case KindMaintenance:
			f.Maintenance = slices.DeleteFunc(f.Maintenance, func(m api.Maintenance) bool { return m.Name == s.Name })
		}
		f.number()
		return nil
	}
	switch s.Kind {
	case KindChannel:
		return f.channel(s)
	case KindService:
		return f.service(s)
	case KindRoute:
		f.route(s)
	case KindMaintenance:
		m := api.Maintenance{MaintenanceInput: *s.Maintenance, ID: "m-" + s.Name, Source: "api"}
		store(&f.Maintenance, m, func(m api.Maintenance) string { return m.Name })
	}
	return nil
}

func store[T any](all *[]T, one T, name func(T) string) {
	if i := slices.IndexFunc(*all, func(other T) bool { return name(other) == name(one) }); i >= 0 {
		(*all)[i] = one
		return
	}
	*all = append(*all, one)
}

func (f *fakeServer) channel(s Step) error {
	c := api.Channel{Name: s.Channel.Name, Kind: s.Channel.Kind, Source: "api", ManagedBy: s.Channel.ManagedBy, Settings: map[string]string{}}
	for name, text := range s.Channel.Settings {
		key := c.Name + "." + name
		if slices.Contains(secretSettings, name) && text != "" {
			if text == Masked {
				if text = f.secrets[key]; text == "" {
					return fmt.Errorf("channel %s has no %s that could be kept", c.Name, name)
				}
			}
			f.secrets[key] = text
			text = Masked
		}
		c.Settings[name] = text
	}
	store(&f.Channels, c, func(c api.Channel) string { return c.Name })
	return nil
}

func (f *fakeServer) service(s Step) error {
	settings := s.Service.Apply(api.ServiceSettings{})
	if settings.Cron != "" && settings.TimeZone == "" {
		settings.TimeZone = "Europe/Berlin"
	}
	if s.Service.Grace == nil {
		settings.Grace = settle(s.Service, &settings).Grace
	}
	if err := settings.Validate(); err != nil {
		return err
	}
	if settings.Probe != nil {
		settings.Probe.ProbeSettings, _ = settings.Probe.Masked()
	}
	v := api.ServiceView{Service: api.Service{ID: "s-" + s.Name, ServiceSettings: settings}}
	store(&f.Services, v, func(v api.ServiceView) string { return v.Name })
	return f.circle(s.Name)
}

// circle refuses what a server refuses: a service that stands in front of itself.
func (f *fakeServer) circle(name string) error {
	above := map[string][]string{}
	for i := range f.Services {
		above[f.Services[i].Name] = f.Services[i].Ancestry()
	}
	seen := map[string]bool{}
	queue := slices.Clone(above[name])
	for len(queue) > 0 {
		next := queue[0]
		if queue = queue[1:]; next == name {
			return fmt.Errorf("%s stands in front of itself", name)
		}
		if !seen[next] {
			seen[next] = true
			queue = append(queue, above[next]...)
		}
	}
	return nil
}

func (f *fakeServer) route(s Step) {
	r := api.Route{RouteInput: *s.Route, ID: "r-" + s.Name, Source: "api"}
	at := slices.IndexFunc(f.Routes, func(other api.Route) bool { return other.Name == s.Name })
	to := len(f.Routes)
	if at >= 0 {
		f.Routes = slices.Delete(f.Routes, at, at+1)
		to = at
	}
	if s.Route.Position > 0 {
		to = min(s.Route.Position-1, len(f.Routes))
	}
	f.Routes = slices.Insert(f.Routes, to, r)
	f.number()
}

func (f *fakeServer) number() {
	for i := range f.Routes {
		f.Routes[i].Position = i + 1
	}
}

func (f *fakeServer) run(tb rapid.TB, m *Manifest, o Options) *Plan {
	tb.Helper()
	o.Resolve = resolve
	if o.Secrets == "" {
		o.Secrets = KeepSecrets
	}
	plan, err := m.Plan(f.Server, o)
	if err != nil {
		tb.Fatalf("planning: %v", err)
	}
	for _, s := range plan.Steps {
		if err := f.apply(s); err != nil {
			tb.Fatalf("%s %s %s: %v", s.Action, s.Kind, s.Name, err)
		}
	}
	return plan
}

// TestAPlanIsDoneOnce applies a file to a server that others have filled, then another: after each a second plan is empty,
// an export of what was made says the same, and nothing that others made is gone.
func TestAPlanIsDoneOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newServer()
		f.run(t, drawManifest.Draw(t, "of others"), Options{Name: "other"})
		others := len(f.Services) + len(f.Channels) + len(f.Routes) + len(f.Maintenance)
		for _, label := range []string{"first", "second"} {
			m := read2(t, drawManifest.Draw(t, label))
			o := Options{Name: "apply", Prune: DeleteGone}
			if f.known(m) != nil {
				return // a target names a channel that only the other file has: tried elsewhere
			}
			f.run(t, m, o)
			if again := f.run(t, m, o); len(again.Steps) != 0 {
				t.Fatalf("done again: %+v\n%s", again.Steps, Render(m))
			}
			exported, _ := Of(f.Server)
			copied := read2(t, exported)
			if plan := f.run(t, copied, Options{Name: "copy"}); len(plan.Steps) != 0 {
				t.Fatalf("its own export changes it: %+v\n%s", plan.Steps, Render(exported))
			}
			if second := newServer(); second.known(copied) == nil { // else something names a channel that was pruned
				second.run(t, copied, Options{Name: "copy"})
				moved, _ := Of(second.Server)
				if diff := cmp.Diff(string(Render(exported)), string(Render(moved))); diff != "" {
					t.Fatalf("the export of a server that was filled by an export differs: %s", diff)
				}
			}
			if names := f.routesOf(m); !slices.Equal(names, routeNames(m)) {
				t.Fatalf("routes are asked in the order %v, want %v", names, routeNames(m))
			}
		}
		f.run(t, &Manifest{}, Options{Name: "apply", Prune: DeleteGone})
		if left := len(f.Services) + len(f.Channels) + len(f.Routes) + len(f.Maintenance); left != others {
			t.Fatalf("%d are left of what others made, want %d", left, others)
		}
	})
}

// known gives why a manifest cannot be planned for want of a channel.
func (f *fakeServer) known(m *Manifest) error {
	_, err := m.Plan(f.Server, Options{Name: "apply", Prune: DeleteGone, Secrets: KeepSecrets, Resolve: resolve})
	var wrong *Error
	if errors.As(err, &wrong) && strings.Contains(err.Error(), "neither the file nor the server has") {
		return err
	}
	return nil
}

func read2(t *rapid.T, m *Manifest) *Manifest {
	got, err := Parse(Render(m))
	if err != nil {
		t.Fatalf("%v\n%s", err, Render(m))
	}
	return got
}

func routeNames(m *Manifest) (names []string) {
	for i := range m.Routes {
		names = append(names, m.Routes[i].Value.Name)
	}
	return names
}

func (f *fakeServer) routesOf(m *Manifest) (names []string) {
	in := routeNames(m)
	for i := range f.Routes {
		if slices.Contains(in, f.Routes[i].Name) {
			names = append(names, f.Routes[i].Name)
		}
	}
	return names
}
