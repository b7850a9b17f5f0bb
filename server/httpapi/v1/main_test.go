package v1_test

import (
	"context"
	"encoding/base64"
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
	"watchkeeper/server/alert/notify/mail"
	"watchkeeper/server/alert/notify/webhook"
	"watchkeeper/server/auth"
	"watchkeeper/server/dial"
	"watchkeeper/server/event"
	"watchkeeper/server/httpapi/v1"
	"watchkeeper/server/httpapi/web"
	"watchkeeper/server/hub"
	"watchkeeper/server/probe"
	"watchkeeper/server/retention"
	"watchkeeper/server/secret"
	"watchkeeper/server/service"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
	"watchkeeper/server/store/storetest/pgtest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(pgtest.Wrap(m))
}

const password = "correct-horse-battery"

// server is the routes on a store of their own.
type server struct {
	*storetest.Fixture
	options v1.Options
	router  chi.Router
	http.Handler
	closing chan struct{} // ends the streams when it is closed
	problem string        // what does not work
}

func newServer(tb testing.TB, f *storetest.Fixture) *server {
	tb.Helper()
	log := slog.New(slog.DiscardHandler)
	key := must(secret.New("a secret that is long enough"))(tb)
	passwords := must(auth.NewPasswords(auth.PasswordOptions{
		Settings: f.Settings, Key: key, Clock: f.Clock, Override: auth.Override{Value: password, Source: "the test"},
	}))(tb)
	pingKey := auth.NewPingKey(f.Settings, key)
	must(0, pingKey.Ensure(context.Background()))(tb)
	authenticator := auth.NewAuthenticator(auth.AuthenticatorOptions{
		Tokens: f.Tokens, Passwords: passwords, PingKey: pingKey, Hub: f.Hub, Clock: f.Clock, Log: log,
	})
	dialer := dial.New(dial.AllowPrivate)
	tb.Cleanup(dialer.Transport().CloseIdleConnections)
	channels := must(alert.NewChannels(alert.ChannelOptions{
		Store: f.Store, Hub: f.Hub, Clock: f.Clock, Log: log, Key: key, Zone: time.UTC,
		Registry: notify.Registry{api.ChannelMail: mail.Kind(), api.ChannelWebhook: webhook.Kind()},
		Common: notify.Options{
			Dialer: dialer, Defaults: notify.Defaults{SMTPURL: "smtp://127.0.0.1:1", SMTPFrom: "watchkeeper@example.org"},
		},
		File: []api.ChannelInput{{Name: "fixed", Kind: api.ChannelMail, Settings: map[string]string{"to": "ops@example.org"}}},
	}))(tb)
	must(0, channels.Load(context.Background()))(tb)
	routes := must(alert.NewRoutes(alert.RouteOptions{
		Store: f.Store, CheckTarget: channels.CheckTarget,
		File: []api.RouteInput{{Name: "fixed", To: []string{"fixed"}}},
	}))(tb)
	maintenance := must(alert.NewMaintenance(alert.MaintenanceOptions{
		Store: f.Store, Clock: f.Clock, Zone: "UTC",
		File: []api.MaintenanceInput{{
			Name: "fixed", Match: must(api.ParseMatchers(`tag="db"`))(tb), Cron: "0 3 * * *", Duration: 3600, Comment: "nightly",
		}},
	}))(tb)
	s := &server{Fixture: f, router: chi.NewRouter(), closing: make(chan struct{})}
	services := service.New(service.Options{
		Store: f.Store, Hub: f.Hub, Clock: f.Clock, Log: log, Zone: "UTC", BodyLimit: 100,
		CheckTarget: channels.CheckTarget, Sealer: key,
	})
	s.options = v1.Options{
		Services: services,
		Probes: probe.New(probe.Options{
			Store: f.Store, Hub: f.Hub, Clock: f.Clock, Log: log, Dialer: dialer, Server: "one", Open: services.OpenProbe,
		}),
		Events: event.New(event.Options{Store: f.Store, Hub: f.Hub, Clock: f.Clock, Log: log}),
		Alerts: alert.New(alert.Options{
			Store: f.Store, Hub: f.Hub, Clock: f.Clock, Log: log, Channels: channels, Zone: time.UTC,
			Routes: routes, Maintenance: maintenance,
		}),
		Channels: channels, Routes: routes, Maintenance: maintenance,
		Storage: retention.New(retention.Options{
			Store: f.Store, Clock: f.Clock, Log: log, Keep: map[api.Table]api.Retention{api.TableEvents: {Age: time.Hour, Bytes: 1 << 30}},
		}).Describe,
		Problem: func(context.Context) string { return s.problem },
		Store:   f.Store, Tokens: auth.NewTokens(f.Tokens, f.Clock), PingKey: pingKey, Clock: f.Clock,
		Authenticate: func(r *http.Request) (auth.Principal, error) {
			who, err := authenticator.Authenticate(r.Context(), auth.CredentialsOf(r.Header))
			web.Identify(r.Context(), who.Actor())
			return who, err
		},
		Woken: func() (<-chan struct{}, func()) {
			woken := f.Hub.Subscribe(hub.Events, hub.Credentials)
			return woken.C(), woken.Close
		},
		Streams: web.Streams{Closing: s.closing}, PublicURL: "https://watch.example.org:8443", Generation: 3,
		Version: "1.2.3", StartedAt: api.TimeOf(storetest.Start),
	}
	must(0, v1.Routes(s.router, s.options))(tb)
	s.router.NotFound(web.NotFound(web.Problems))
	s.router.MethodNotAllowed(web.MethodNotAllowed(web.Problems))
	s.Handler = web.NewFloor(web.FloorOptions{Logger: log, Now: f.Clock.Now}).Wrap(s.router)
	return s
}

// onSQLite is for what cannot differ between the engines.
func onSQLite(tb testing.TB) *server {
	tb.Helper()
	return newServer(tb, storetest.Open(tb, store.SQLite))
}

// onEach runs a test on each engine.
func onEach(t *testing.T, test func(t *testing.T, s *server)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) { test(t, newServer(t, f)) })
}

// ask is a request of a test.
type ask struct {
	method, path string
	body         string
	token        string // "" is the password, "none" no credential
	header       map[string]string
}

// reply is what came back.
type reply struct {
	tb     testing.TB
	status int
	header http.Header
	body   string
}

func (s *server) ask(tb testing.TB, a ask) *reply {
	tb.Helper()
	r := httptest.NewRequest(a.method, a.path, strings.NewReader(a.body))
	switch a.token {
	case "":
		r.Header.Set("password", password)
	case "none":
	default:
		r.Header.Set("Authorization", "Bearer "+a.token)
	}
	for name, value := range a.header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return &reply{tb: tb, status: w.Code, header: w.Header(), body: w.Body.String()}
}

func (s *server) get(tb testing.TB, path string) *reply {
	tb.Helper()
	return s.ask(tb, ask{method: "GET", path: path})
}

func (s *server) post(tb testing.TB, path, body string) *reply {
	tb.Helper()
	return s.ask(tb, ask{method: "POST", path: path, body: body})
}

// want ends the test unless the status is this one.
func (r *reply) want(status int) *reply {
	r.tb.Helper()
	if r.status != status {
		r.tb.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	return r
}

// into reads the answer, in which nothing may be that the type does not have.
func into[T any](r *reply) T {
	r.tb.Helper()
	var v T
	d := json.NewDecoder(strings.NewReader(r.body))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		r.tb.Fatalf("reading %s: %v", r.body, err)
	}
	return v
}

// refused wants a problem and gives the places that it names.
func (r *reply) refused(kind api.ErrorKind) []string {
	r.tb.Helper()
	r.want(kind.Status())
	if got := r.header.Get("Content-Type"); got != api.ProblemMediaType {
		r.tb.Fatalf("content type %q", got)
	}
	p := into[api.Problem](r)
	if p.Code != kind || p.Status != r.status || p.RequestID == "" {
		r.tb.Fatalf("problem %s, want %s", r.body, kind)
	}
	places := []string{}
	for _, f := range p.Errors {
		places = append(places, f.Location)
	}
	return places
}

// token makes a token with one scope and, maybe, a pattern.
func (s *server) token(tb testing.TB, scope api.Scope, match string) string {
	tb.Helper()
	text, _, err := s.options.Tokens.Create(context.Background(), api.TokenInput{
		Name: "test", Scopes: []api.Scope{scope}, Match: match,
	})
	return must(text, err)(tb)
}

// must gives v, or ends the test for its error.
func must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatalf("unexpected error: %v", err)
		}
		return v
	}
}

func basic(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}
