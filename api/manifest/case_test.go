package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchkeeper/api"
)

func parse(tb testing.TB, text string) *Manifest {
	tb.Helper()
	m, err := Parse([]byte(text))
	if err != nil {
		tb.Fatalf("%v\n%s", err, text)
	}
	return m
}

// told gives a plan as a person would tell it, one line for each step and change.
func told(p *Plan) string {
	var b strings.Builder
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "%s %s %s: %s\n", s.Action, s.Kind, s.Name, s.Reason)
		for _, c := range s.Changes {
			fmt.Fprintf(&b, "  %s: %s -> %s\n", c.Field, c.From, c.To)
		}
	}
	for _, l := range p.Left {
		fmt.Fprintf(&b, "left %s %s: %s\n", l.Kind, l.Name, l.Reason)
	}
	fmt.Fprintf(&b, "%d unchanged, %d unseen\n", p.Unchanged, p.Unseen)
	return b.String()
}

func TestPlans(t *testing.T) {
	service := func(name string, change func(*api.ServiceView)) api.ServiceView {
		v := api.ServiceView{Service: api.Service{ID: "id-" + name, ServiceSettings: api.ServiceSettings{
			Name: name, Slug: api.Slugify(name), NextIn: 3600, Grace: 360, Tags: []string{}, Alerts: []string{}, Parents: []string{},
		}}}
		if change != nil {
			change(&v)
		}
		return v
	}
	hook := api.Channel{Name: "hook", Kind: api.ChannelWebhook, Source: "api", Settings: map[string]string{"url": Masked, "secret": Masked}}
	probed := service("site", func(v *api.ServiceView) {
		v.NextIn, v.Grace = 0, 60
		v.Probe = &api.Probe{ProbeSettings: api.ProbeSettings{
			Kind: api.ProbeHTTP, URL: "https://u:***@example.org/?token=***", Headers: map[string]string{"Accept": Masked},
		}.WithDefaults()}
	})
	route := func(position int, name string) api.Route {
		return api.Route{ID: "id-" + name, Source: "api", RouteInput: api.RouteInput{Name: name, Position: position, Match: api.Matchers{}, To: []string{"mail:a@example.org"}}}
	}
	const routes = "routes:\n- {name: a, to: [mail:a@example.org]}\n- {name: b, to: [mail:a@example.org]}\n- {name: c, to: [mail:a@example.org]}\n"
	tests := []struct {
		name, file string
		on         Server
		o          Options
		want       string
	}{
		{
			"as it should be", "services: [{name: a, next_in: 1h}]",
			Server{Services: []api.ServiceView{service("a", nil)}},
			Options{},
			"1 unchanged, 0 unseen\n",
		},
		{
			"each field that differs", "services: [{name: a, next_in: 90m, grace: 5m, tags: [x, y]}]",
			Server{Services: []api.ServiceView{service("a", func(v *api.ServiceView) { v.Tags, v.Description = []string{"x"}, "old" })}},
			Options{},
			"update service a: differs\n  description: old -> \n  tags: [x] -> [x, y]\n  next_in: 1h -> 90m\n  grace: 6m -> 5m\n0 unchanged, 0 unseen\n",
		},
		{
			"a period that a pulse has stated is nobody's setting", "services: [{name: a, next_in: 1h}]",
			Server{Services: []api.ServiceView{service("a", func(v *api.ServiceView) { v.NextIn, v.SetNextIn = 90, new(api.Seconds(3600)) })}},
			Options{},
			"1 unchanged, 0 unseen\n",
		},
		{
			"the zone of a server is its own", "services: [{name: a, cron: 0 3 * * *}]",
			Server{Services: []api.ServiceView{service("a", func(v *api.ServiceView) {
				v.NextIn, v.Cron, v.TimeZone, v.Grace = 0, "0 3 * * *", "Asia/Tokyo", 8640
			})}},
			Options{},
			"1 unchanged, 0 unseen\n",
		},
		{
			"what others made stays", "services: []",
			Server{Services: []api.ServiceView{service("a", nil)}},
			Options{Prune: DeleteGone},
			"left service a: made_by_other\n0 unchanged, 0 unseen\n",
		},
		{
			"what it made stays unless somebody asks", "{}",
			Server{Services: []api.ServiceView{service("a", func(v *api.ServiceView) { v.ManagedBy = "apply" })}},
			Options{},
			"left service a: not_pruned\n0 unchanged, 0 unseen\n",
		},
		{
			"what it made goes, what names others first", "{}",
			Server{
				Services:    []api.ServiceView{service("a", func(v *api.ServiceView) { v.ManagedBy = "apply" }), service("b", func(v *api.ServiceView) { v.ManagedBy = "other" })},
				Channels:    []api.Channel{{Name: "ops", Source: "api", ManagedBy: "apply"}, {Name: "fixed", Source: "file"}},
				Routes:      []api.Route{{RouteInput: api.RouteInput{Name: "r", ManagedBy: "apply"}, Source: "api"}, {RouteInput: api.RouteInput{Name: "f"}, Source: "file"}},
				Maintenance: []api.Maintenance{{MaintenanceInput: api.MaintenanceInput{Name: "m", ManagedBy: "apply"}, Source: "api"}},
			},
			Options{Prune: DeleteGone},
			"delete maintenance m: gone\ndelete route r: gone\ndelete service a: gone\ndelete channel ops: gone\nleft service b: made_by_other\n0 unchanged, 0 unseen\n",
		},
		{
			"adopted", "services: [{name: a, next_in: 1h}]",
			Server{Services: []api.ServiceView{service("a", nil)}},
			Options{Adopt: TakeMark},
			"update service a: differs\n  managed_by:  -> apply\n0 unchanged, 0 unseen\n",
		},
		{
			"secrets are kept", "channels: [{name: hook, kind: webhook, settings: {url: {env: URL}}}]",
			Server{Channels: []api.Channel{hook}},
			Options{},
			"1 unchanged, 1 unseen\n",
		},
		{
			"secrets are sent", "channels: [{name: hook, kind: webhook, settings: {url: {env: URL}}}]",
			Server{Channels: []api.Channel{hook}},
			Options{Secrets: SendSecrets},
			"update channel hook: differs\n  settings.url: *** -> ***\n0 unchanged, 0 unseen\n",
		},
		{
			"a setting that may be a secret is not shown", "channels: [{name: hook, kind: webhook, settings: {headers: swordfish}}]",
			Server{Channels: []api.Channel{hook}},
			Options{},
			"update channel hook: differs\n  settings.headers:  -> ***\n0 unchanged, 0 unseen\n",
		},
		{
			"a URL that may be the one that is masked", "services: [{name: site, probe: {kind: http, url: 'https://u:p@example.org/?token=x', headers: {Accept: x}}}]",
			Server{Services: []api.ServiceView{probed}},
			Options{},
			"1 unchanged, 2 unseen\n",
		},
		{
			"a URL that cannot be the one that is masked", "services: [{name: site, probe: {kind: http, url: 'https://u:p@example.com/?token=x', headers: {Accept: {env: X}}}}]",
			Server{Services: []api.ServiceView{probed}},
			Options{},
			"update service site: differs\n  probe.url: https://u:***@example.org/?token=*** -> ***\n0 unchanged, 1 unseen\n",
		},
		{
			"a header that is gone", "services: [{name: site, probe: {kind: http, url: {env: URL}}}]",
			Server{Services: []api.ServiceView{probed}},
			Options{},
			"update service site: differs\n  probe.headers.Accept: *** -> \n0 unchanged, 1 unseen\n",
		},
		{"routes in their order", routes, Server{Routes: []api.Route{route(1, "x"), route(2, "a"), route(3, "y"), route(4, "b"), route(5, "c")}}, Options{}, "left route x: made_by_other\nleft route y: made_by_other\n3 unchanged, 0 unseen\n"},
		{
			"a route in the wrong place", routes,
			Server{Routes: []api.Route{route(1, "c"), route(2, "a"), route(3, "x"), route(4, "b")}},
			Options{},
			"update route c: differs\n  position: 1 -> 4\nleft route x: made_by_other\n2 unchanged, 0 unseen\n",
		},
		{
			"a new route between others", routes,
			Server{Routes: []api.Route{route(1, "x"), route(2, "a"), route(3, "c")}},
			Options{},
			"create route b: missing\nleft route x: made_by_other\n2 unchanged, 0 unseen\n",
		},
		{
			"those in front come first, whatever the file says", "services: [{name: child, parents: [parent]}, {name: parent}]",
			Server{Services: []api.ServiceView{
				service("child", func(v *api.ServiceView) { v.NextIn, v.Grace = 0, 60 }),
				service("parent", func(v *api.ServiceView) { v.NextIn, v.Grace, v.Parents = 0, 60, []string{"child"} }),
			}},
			Options{},
			"update service parent: differs\n  parents: [child] -> \nupdate service child: differs\n  parents:  -> [parent]\n0 unchanged, 0 unseen\n",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := test.o
			o.Name, o.Resolve = "apply", resolve
			if o.Secrets == "" {
				o.Secrets = KeepSecrets
			}
			plan, err := parse(t, test.file).Plan(test.on, o)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, told(plan)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestARouteIsSentWhereItBelongs(t *testing.T) {
	f := newServer()
	f.run(t, parse(t, "routes: [{name: x, to: [mail]}, {name: a, to: [mail]}, {name: c, to: [mail]}]"), Options{Name: "other"})
	f.run(t, parse(t, "routes: [{name: a, to: [mail]}, {name: b, to: [mail]}, {name: c, to: [mail]}]"), Options{Name: "apply"})
	if got := f.routesOf(parse(t, "routes: [{name: x, to: [mail]}, {name: a, to: [mail]}, {name: b, to: [mail]}, {name: c, to: [mail]}]")); !slices.Equal(got, []string{"x", "a", "b", "c"}) {
		t.Errorf("order %v", got)
	}
}

func TestWhatAServerWouldRefuseIsFoundBefore(t *testing.T) {
	file := api.Channel{Name: "fixed", Kind: api.ChannelMail, Source: "file", Settings: map[string]string{}}
	probed := api.ServiceView{Service: api.Service{ServiceSettings: api.ServiceSettings{Name: "site", Probe: &api.Probe{FromFile: true}}}}
	ours := api.Channel{Name: "ours", Kind: api.ChannelMail, Source: "api", ManagedBy: "apply", Settings: map[string]string{}}
	on := Server{Channels: []api.Channel{file, ours}, Services: []api.ServiceView{probed}}
	tests := []struct{ name, file, want string }{
		{"configuration file", "channels:\n- name: fixed\n  kind: mail\n", "line 2: channels[0].name is that of a channel in the configuration file of the server, where it is changed"},
		{"probe of the configuration file", "services:\n- name: site\n  next_in: 1h\n", "line 2: services[0].name is that of a service in the configuration file of the server, where it is changed"},
		{"capitals", "channels:\n- kind: mail\n  name: Ours\n", "line 3: channels[0].name is that of the channel ours of the server, but for capitals"},
		{"secret", "channels:\n- name: a\n  kind: webhook\n  settings:\n    secret: {env: NONE}\n", "line 5: channels[0].settings.secret must be given: the variable NONE is not set"},
		{"secret of a probe", "services:\n- name: a\n  probe:\n    kind: http\n    url: http://x/\n    headers:\n      A: {file: none}\n", "line 7: services[0].probe.headers.A must be given: the file none is not set"},
		{"no channel", "services:\n- name: a\n  alerts:\n  - fixed\n  - pigeon\n", `line 5: services[0].alerts[1] names the channel "pigeon", which neither the file nor the server has`},
		{"channel that is pruned", "routes:\n- name: a\n  to: [ours]\n", `line 3: routes[0].to[0] names the channel "ours", which neither the file nor the server has`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := parse(t, test.file).Plan(on, Options{
				Name: "apply", Prune: DeleteGone, Secrets: KeepSecrets,
				Resolve: func(s Source) (string, error) { return "", fmt.Errorf("%s is not set", s) },
			})
			var wrong *Error
			if !errors.As(err, &wrong) || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestExportLeavesOutSecretsAndWhatTheConfigurationFileHas(t *testing.T) {
	probe := &api.Probe{ProbeSettings: api.ProbeSettings{
		Kind: api.ProbeHTTP, URL: "https://example.org/?token=***", Body: Masked, Headers: map[string]string{"Accept": Masked},
	}.WithDefaults()}
	m, omitted := Of(Server{
		Channels: []api.Channel{
			{Name: "a-b", Kind: api.ChannelWebhook, Source: "api", Settings: map[string]string{"url": Masked}},
			{Name: "a.b", Kind: api.ChannelWebhook, Source: "api", Settings: map[string]string{"url": Masked, "to": "x"}},
			{Name: "fixed", Kind: api.ChannelMail, Source: "file"},
		},
		Services: []api.ServiceView{
			{Service: api.Service{ServiceSettings: api.ServiceSettings{Name: "site", Slug: "site", Probe: probe}}},
			{Service: api.Service{ServiceSettings: api.ServiceSettings{Name: "fixed", Slug: "fixed", Probe: &api.Probe{FromFile: true}}}},
		},
		Routes:      []api.Route{{RouteInput: api.RouteInput{Name: "fixed"}, Source: "file"}},
		Maintenance: []api.Maintenance{{MaintenanceInput: api.MaintenanceInput{Name: "fixed"}, Source: "file"}},
	})
	want := `channels:
  - name: a-b
    kind: webhook
    settings:
      url: {env: SECRET_A_B_URL}
  - name: a.b
    kind: webhook
    settings:
      to: x
      url: {env: SECRET_A_B_URL_2}

services:
  - name: site
    grace: 0s
    probe:
      kind: http
      url: {env: SECRET_SITE_URL}
      headers:
        Accept: {env: SECRET_SITE_HEADERS_ACCEPT}
      body: {env: SECRET_SITE_BODY}
`
	if diff := cmp.Diff(want, string(Render(m))); diff != "" {
		t.Error(diff)
	}
	var names []string
	for _, o := range omitted {
		names = append(names, fmt.Sprintf("%s %s %s %s", o.Variable, o.Kind, o.Name, o.Path))
	}
	if got := strings.Join(names, "\n"); !strings.Contains(got, "SECRET_A_B_URL_2 channel a.b settings.url") || len(names) != 5 {
		t.Errorf("omitted:\n%s", got)
	}
}

func TestManyServicesAreReadInTime(t *testing.T) {
	m := &Manifest{}
	for i := range 10_000 {
		in := api.ServiceInput{Name: new(fmt.Sprintf("service %d", i)), NextIn: new(api.Seconds(90000)), Tags: &[]string{"db", "prod"}}
		if i > 0 {
			in.Parents = &[]string{fmt.Sprintf("service %d", i-1)}
		}
		m.Services = append(m.Services, Item[api.ServiceInput]{Value: in})
	}
	text := Render(m)
	began := time.Now()
	read, err := Parse(text)
	if err != nil || len(read.Services) != 10_000 {
		t.Fatal(err)
	}
	if _, err := read.Plan(Server{}, Options{Name: "apply", Resolve: resolve}); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("%d bytes took %v", len(text), took)
	}
}
