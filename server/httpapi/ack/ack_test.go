package ack_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"go.uber.org/goleak"

	"watchkeeper/api"
	"watchkeeper/server/alert"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/alert/notify/notifytest"
	"watchkeeper/server/alert/notify/webhook"
	"watchkeeper/server/dial"
	"watchkeeper/server/httpapi/ack"
	"watchkeeper/server/httpapi/web"
	"watchkeeper/server/secret"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
	"watchkeeper/server/store/storetest/pgtest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(pgtest.Wrap(m))
}

// server sends its alerts to a receiver and serves the pages that they lead to.
type server struct {
	*storetest.Fixture
	http.Handler
	hooks *notifytest.Receiver
	key   *secret.Key
}

const address = "https://watch.example.org"

func newServer(t *testing.T, f *storetest.Fixture) *server {
	t.Helper()
	s := &server{Fixture: f, hooks: notifytest.StartReceiver(t), key: must(secret.New("a secret of sixteen"))(t)}
	log := slog.New(slog.DiscardHandler)
	dialer := dial.New(dial.AllowPrivate)
	t.Cleanup(dialer.Transport().CloseIdleConnections)
	channels := must(alert.NewChannels(alert.ChannelOptions{
		Store: f.Store, Hub: f.Hub, Clock: f.Clock, Log: log, Key: s.key, Zone: time.UTC,
		Registry: notify.Registry{api.ChannelWebhook: webhook.Kind()}, Common: notify.Options{Dialer: dialer},
	}))(t)
	must(0, channels.Load(context.Background()))(t)
	alerts := alert.New(alert.Options{
		Routes:      must(alert.NewRoutes(alert.RouteOptions{Store: f.Store, CheckTarget: channels.CheckTarget}))(t),
		Maintenance: must(alert.NewMaintenance(alert.MaintenanceOptions{Store: f.Store, Clock: f.Clock, Zone: "UTC"}))(t),
		Store:       f.Store, Hub: f.Hub, Clock: f.Clock, Log: log, Channels: channels, Key: s.key, PublicURL: address, Zone: time.UTC,
		DefaultRoute: []api.Target{{Channel: "webhook", Address: s.hooks.URL() + "/secret"}},
	})
	f.Servers.Register(store.Presence{ID: "one", Name: "one"})
	must(f.Servers.Beat(context.Background()))(t)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{}, 2)
	for _, run := range []func(context.Context) error{alert.NewRouter(alerts).Run, alert.NewSender(alerts).Run} {
		go func() {
			if err := run(ctx); err != nil {
				t.Error(err)
			}
			done <- struct{}{}
		}()
	}
	t.Cleanup(func() { stop(); <-done; <-done })

	r := chi.NewRouter()
	failures := web.NewFailureLimit(web.FailureOptions{Now: f.Clock.Now})
	ack.Routes(r, ack.Options{Alerts: alerts, Fail: func(r *http.Request, err error) error {
		return failures.Fail(web.ClientAddress(r.Context()), err)
	}})
	s.Handler = web.NewFloor(web.FloorOptions{Logger: log, Now: f.Clock.Now}).Wrap(r)
	return s
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

// goesDown lets a service fail and gives the path of the link in the message about that.
func (s *server) goesDown(t *testing.T, name string) string {
	t.Helper()
	before := len(s.hooks.Hooks())
	now := api.TimeOf(s.Clock.Now())
	must(s.Pulses.Add(store.PulseWrite{
		Name: name, Create: &api.ServiceSettings{Name: name, NextIn: 3600},
		Pulse: api.Pulse{Kind: api.PulseFail, ReceivedAt: now, Time: now},
	}))(t)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for n := before; ; n++ { // earlier messages may still come in
		hooks := must(s.hooks.Wait(ctx, n+1))(t)
		var payload webhook.Payload
		must(0, json.Unmarshal(hooks[n].Body, &payload))(t)
		if payload.About != notify.AboutOpened || payload.Service != name {
			continue
		}
		path, found := strings.CutPrefix(payload.Acknowledge, address)
		if !found {
			t.Fatalf("message %s", hooks[n].Body)
		}
		return path
	}
}

func (s *server) ask(method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

// page asks for a page and wants that it has these texts and not those.
func (s *server) page(t *testing.T, path string, status int, has []string, hasNot ...string) {
	t.Helper()
	w := s.ask("GET", path)
	if w.Code != status {
		t.Errorf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	for _, text := range has {
		if !strings.Contains(w.Body.String(), text) {
			t.Errorf("no %q in %s", text, w.Body)
		}
	}
	for _, text := range hasNot {
		if strings.Contains(w.Body.String(), text) {
			t.Errorf("%q in %s", text, w.Body)
		}
	}
	h := w.Header()
	if h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cache-Control") != "no-store" || h.Get("X-Frame-Options") != "DENY" ||
		!strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'; ") || h.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("headers %v", h)
	}
}

func (s *server) incident(t *testing.T, name string) store.Incident {
	t.Helper()
	return must(s.Incidents.List(context.Background(), store.IncidentFilter{Subject: name, Limit: 1}))(t)[0]
}

const button = "<button"

func TestAcknowledgingByLink(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		s := newServer(t, f)
		link := s.goesDown(t, "web <b>&")
		other := s.goesDown(t, "db")

		// Looking changes nothing, however often.
		for range 3 {
			s.page(t, link, 200, []string{
				"Service web &lt;b&gt;&amp; has not pulsed", "Nobody is at it yet.", button, "2026-03-01 12:00:00 &#43;00:00, just now",
				"it reported a failure", `href="/gui/#/services/web%20%3Cb%3E&amp;"`,
			}, "<b>&", "secret", `="http`, "<script", "url(")
			if w := s.ask("HEAD", link); w.Code != 405 && w.Body.Len() > 0 {
				t.Errorf("HEAD: %d", w.Code)
			}
		}
		if by := s.incident(t, "web <b>&").AcknowledgedBy; by != "" {
			t.Fatalf("looking acknowledged it for %s", by)
		}

		f.Clock.Advance(time.Minute)
		w := s.ask("POST", link)
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != link {
			t.Fatalf("button: %d %v", w.Code, w.Header())
		}
		i := s.incident(t, "web <b>&")
		if !strings.HasPrefix(i.AcknowledgedBy, "link sent to webhook:http://127.0.0.1:") || !strings.HasSuffix(i.AcknowledgedBy, "/***") ||
			i.AcknowledgedAt != api.TimeOf(f.Clock.Now()) {
			t.Errorf("acknowledged by %q at %s", i.AcknowledgedBy, i.AcknowledgedAt)
		}
		s.page(t, link, 200, []string{"Somebody is at it", "link sent to webhook:", "1 minute ago"}, button, "secret")
		if by := s.incident(t, "db").AcknowledgedBy; by != "" {
			t.Errorf("a link acknowledged another incident for %s", by)
		}
		audit := must(f.Audit.List(context.Background(), api.AuditFilter{Limit: 1}))(t)
		if a := audit[0]; a.Action != api.AuditIncidentAcknowledge || a.Actor.Kind != api.ActorLink || !strings.HasPrefix(a.Actor.Name, "link sent to ") || a.Actor.Ref == "" {
			t.Errorf("audit %+v", a)
		}

		// Over: nothing is left to do.
		now := api.TimeOf(f.Clock.Now())
		must(f.Pulses.Add(store.PulseWrite{Name: "db", Pulse: api.Pulse{Kind: api.PulseSuccess, ReceivedAt: now, Time: now}}))(t)
		s.page(t, other, 200, []string{"This is over", "Lasted", "1 minute"}, button)
		if w := s.ask("POST", other); w.Code != http.StatusSeeOther {
			t.Errorf("button of one that is over: %d", w.Code)
		}
		if by := s.incident(t, "db").AcknowledgedBy; by != "" {
			t.Errorf("one that is over was acknowledged for %s", by)
		}

		// A new incident of the same service is not that link's.
		again := s.goesDown(t, "db")
		s.page(t, other, 200, []string{"This is over"}, button)
		s.page(t, again, 200, []string{"Nobody is at it yet."})

		// Seven days later it leads nowhere.
		f.Clock.Advance(7 * 24 * time.Hour)
		s.page(t, link, 410, []string{"This link has expired", "valid for 7 days"}, button, "web", "/ack/")
		if w := s.ask("POST", again); w.Code != 410 {
			t.Errorf("button of one that has expired: %d", w.Code)
		}
	})
}

func TestLinksThatWereNeverSent(t *testing.T) {
	s := newServer(t, storetest.Open(t, store.SQLite))
	link := s.goesDown(t, "web")
	forged := link[:len(link)-2] + "AA"
	if forged == link {
		forged = link[:len(link)-2] + "BA"
	}
	for range 4 {
		s.page(t, forged, 404, []string{"There is nothing at this link"}, button, "web")
		s.page(t, "/ack/x", 404, []string{"There is nothing at this link"}, button)
	}
	if w := s.ask("POST", forged); w.Code != 404 {
		t.Errorf("button: %d", w.Code)
	}
	s.page(t, forged, 404, nil)
	for range 2 {
		s.page(t, forged, 429, []string{"Too many wrong links"})
	}
	if w := s.ask("GET", forged); w.Header().Get("Retry-After") != "60" {
		t.Errorf("headers %v", w.Header())
	}
	// A right one is never refused for that.
	s.page(t, link, 200, []string{button})
	if by := s.incident(t, "web").AcknowledgedBy; by != "" {
		t.Errorf("acknowledged for %s", by)
	}
	// The secret was replaced: its links end with it.
	other := must(secret.New("another secret of ours"))(t)
	s.key.Follow(func(string) *secret.Key { return other })
	must(s.key.Open("test", must(other.Seal("test", []byte("x")))(t)))(t)
	s.Clock.Advance(time.Minute)
	s.page(t, link, 404, []string{"There is nothing at this link"}, button)
}
