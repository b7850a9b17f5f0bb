package alert

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/clock"
	"watchkeeper/server/hub"
	"watchkeeper/server/secret"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

// world is a server with its alerts, on a real database, with a clock that stands still.
type world struct {
	*store.Store
	clock  *clock.Manual
	hub    *hub.Hub
	base   store.Options
	post   *post
	alerts *Alerts
	router *Router
	log    *logbook
}

// logbook keeps what is logged.
type logbook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// inEachWorld runs a test once on each engine.
func inEachWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		test(t, newWorld(t, f.Options, f.Store, f.Clock, newPost()))
	})
}

func newWorld(t *testing.T, o store.Options, s *store.Store, c *clock.Manual, p *post) *world {
	t.Helper()
	w := &world{Store: s, clock: c, hub: o.Hub, base: o, post: p, log: &logbook{}}
	w.Servers.Register(store.Presence{ID: fmt.Sprintf("server %p", w)})
	w.beat(t)
	w.use(t, p.registry(), notify.Options{Defaults: notify.Defaults{SMTPURL: "smtp://localhost"}}, api.ChannelInput{
		Name: "ops", Kind: api.ChannelShoutrrr, Settings: map[string]string{"to": "team", "key": "token"},
	})
	return w
}

// use makes the alerts of a world.
func (w *world) use(t *testing.T, registry notify.Registry, common notify.Options, file ...api.ChannelInput) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(w.log, nil))
	channels, err := NewChannels(ChannelOptions{
		Store: w.Store, Hub: w.hub, Clock: w.clock, Log: log, Key: must(secret.New("a secret of sixteen"))(t),
		Registry: registry, Common: common, Zone: time.UTC, File: file,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := channels.Load(context.Background()); err != nil {
		t.Fatal(err)
	}
	routes := must(NewRoutes(RouteOptions{Store: w.Store, CheckTarget: channels.CheckTarget}))(t)
	maintenance := must(NewMaintenance(MaintenanceOptions{Store: w.Store, Clock: w.clock, Zone: "UTC"}))(t)
	w.alerts = New(Options{
		Routes: routes, Maintenance: maintenance, Key: must(secret.New("a secret of sixteen"))(t),
		Store: w.Store, Hub: w.hub, Clock: w.clock, Log: log, Channels: channels, Zone: time.UTC,
		DefaultRoute: []api.Target{{Channel: "mail", Address: "boss@example.org"}}, PublicURL: "https://watch.example.org",
	})
	w.router = NewRouter(w.alerts)
}

// another gives a second server on the same database, with the same post.
func (w *world) another(t *testing.T) *world {
	t.Helper()
	o := w.base
	o.Hub = hub.New()
	return newWorld(t, o, storetest.Reopen(t, o), w.clock, w.post)
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatalf("unexpected error: %v", err)
		}
		return v
	}
}

func (w *world) now() api.Time { return api.TimeOf(w.clock.Now()) }

func (w *world) beat(t *testing.T) {
	t.Helper()
	must(w.Servers.Beat(context.Background()))(t)
}

// pass lets time pass while the server is alive and judges.
func (w *world) pass(t *testing.T, d time.Duration) {
	t.Helper()
	for d > 0 {
		step := min(d, 2*time.Second)
		w.clock.Advance(step)
		w.beat(t)
		d -= step
	}
	for {
		if swept := must(w.Services.Sweep(context.Background(), 0))(t); !swept.More {
			return
		}
	}
}

// pulse is a sign of life of a service that wants to hear of its silence after a minute.
func (w *world) pulse(t *testing.T, name, kind, target string) {
	t.Helper()
	must(w.Pulses.Add(store.PulseWrite{
		Name: name, Create: &api.ServiceSettings{Name: name, Tags: []string{"db"}},
		Pulse: api.Pulse{
			Kind: api.PulseSuccess, ReceivedAt: w.now(), Time: w.now(), NextIn: 60,
			Legacy: &api.LegacyTarget{AlertType: kind, AlertTarget: target},
		},
	}))(t)
}

// down makes services that have just gone down, with alerts to mail:me.
func (w *world) down(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		w.pulse(t, name, "mail", "me")
	}
	w.pass(t, time.Minute)
}

// work does what router and sender would do now, until nothing is due.
func (w *world) work(t *testing.T) {
	t.Helper()
	sender := NewSender(w.alerts)
	sender.random = func() float64 { return 0.5 }
	for {
		if err := w.router.keepUp(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := w.router.route(context.Background()); err != nil {
			t.Fatal(err)
		}
		r := newRound(context.Background(), sender)
		if err := r.send(context.Background()); err != nil {
			t.Fatal(err)
		}
		r.drain()
		if len(r.ended) == 0 {
			return
		}
	}
}

// deliveries gives all deliveries as text, oldest first.
func (w *world) deliveries(t *testing.T) (out []string) {
	t.Helper()
	found := must(w.alerts.ListDeliveries(context.Background(), DeliveryQuery{Limit: 1000}))(t)
	for i := len(found.Items) - 1; i >= 0; i-- {
		d := found.Items[i]
		out = append(out, fmt.Sprintf("%s %s %s:%s %s", d.About, d.Subject, d.Channel, d.Target, d.State))
	}
	return out
}

// events gives the warnings among the events of a service, newest first.
func (w *world) warnings(t *testing.T, service string) (out []string) {
	t.Helper()
	for _, e := range must(w.Events.Page(context.Background(), store.EventFilter{}, 1000))(t) {
		if e.Service == service && e.Level == api.LevelWarning {
			out = append(out, e.Message)
		}
	}
	return out
}
