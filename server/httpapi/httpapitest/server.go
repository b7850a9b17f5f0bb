// Package httpapitest builds the whole router of the server on a store of its own, for the tests of the protocols.
//
// There are no loops: a test says when time passes and when silence is judged. Nothing that ships imports it.
package httpapitest

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/auth"
	"watchkeeper/server/dial"
	"watchkeeper/server/event"
	"watchkeeper/server/httpapi"
	"watchkeeper/server/httpapi/ping"
	"watchkeeper/server/httpapi/public"
	"watchkeeper/server/httpapi/v1"
	"watchkeeper/server/httpapi/watchtower"
	"watchkeeper/server/httpapi/web"
	"watchkeeper/server/hub"
	"watchkeeper/server/probe"
	"watchkeeper/server/retention"
	"watchkeeper/server/secret"
	"watchkeeper/server/service"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

// Password is the password of every server here.
const Password = "correct-horse-battery"

// Version is the version that every server here says it has.
const Version = "1.2.3"

// Options are what a test may set. The zero value gives what the program has as defaults.
type Options struct {
	Presets   []watchtower.Preset
	NotePulse func(context.Context, string, api.LegacyTarget)
	Zone      api.Zone // default UTC
	ListLimit int      // default 50,000
	// BodyLimit is how much of the body of a ping is kept. Nil is the default of 10,000.
	BodyLimit *int
	CA        func() []byte
	// TrustedProxies are whose X-Forwarded headers are believed.
	TrustedProxies []netip.Prefix
	PublicTags     []string
	Log            *slog.Logger // default none
}

// Server is the routes of a server, with what they are made of.
type Server struct {
	*storetest.Fixture
	http.Handler
	Floor   *web.Floor
	Health  *httpapi.Health
	Tokens  *auth.Tokens
	PingKey string

	options  Options
	watching bool
}

// New makes a server on a store.
func New(tb testing.TB, f *storetest.Fixture, o Options) *Server {
	tb.Helper()
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.ListLimit == 0 {
		o.ListLimit = 50_000
	}
	if o.BodyLimit == nil {
		limit := 10_000
		o.BodyLimit = &limit
	}
	if o.CA == nil {
		o.CA = func() []byte { return nil }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{Fixture: f, options: o}
	s.build(tb)
	return s
}

// SQLite makes a server on SQLite, for what cannot differ between the engines.
func SQLite(tb testing.TB, o Options) *Server {
	tb.Helper()
	return New(tb, storetest.Open(tb, store.SQLite), o)
}

// Each runs a test on each engine.
func Each(t *testing.T, o Options, test func(t *testing.T, s *Server)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) { test(t, New(t, f, o)) })
}

// build makes the routes as the program does.
func (s *Server) build(tb testing.TB) {
	tb.Helper()
	f, o := s.Fixture, s.options
	key := must(secret.New("a secret that is long enough"))(tb)
	passwords := must(auth.NewPasswords(auth.PasswordOptions{
		Settings: f.Settings, Key: key, Clock: f.Clock, Override: auth.Override{Value: Password, Source: "the test"},
	}))(tb)
	pingKey := auth.NewPingKey(f.Settings, key)
	must(0, pingKey.Ensure(context.Background()))(tb)
	s.PingKey = must(pingKey.Show(context.Background()))(tb)
	s.Tokens = auth.NewTokens(f.Tokens, f.Clock)
	authenticator := auth.NewAuthenticator(auth.AuthenticatorOptions{
		Tokens: f.Tokens, Passwords: passwords, PingKey: pingKey, Hub: f.Hub, Clock: f.Clock, Log: o.Log,
	})
	gate := httpapi.NewGate(authenticator, web.NewFailureLimit(web.FailureOptions{Now: f.Clock.Now}))
	services := service.New(service.Options{
		Store: f.Store, Hub: f.Hub, Clock: f.Clock, Log: o.Log, Zone: "UTC", BodyLimit: ping.KeptBody(*o.BodyLimit),
		CheckTarget: func(string) error { return nil }, Sealer: key,
	})
	probes := probe.New(probe.Options{
		Store: f.Store, Hub: f.Hub, Clock: f.Clock, Log: o.Log, Dialer: dial.New(dial.AllowPrivate), Server: "one", Open: services.OpenProbe,
	})
	events := event.New(event.Options{Store: f.Store, Hub: f.Hub, Clock: f.Clock, Log: o.Log})
	s.Health = &httpapi.Health{}
	router := must(httpapi.Routes(httpapi.Options{
		Gate: gate, Health: s.Health, CA: o.CA,
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("own_metric 1\n")) }),
		V1: v1.Options{
			Services: services, Events: events, Probes: probes, Store: f.Store, Tokens: s.Tokens, PingKey: pingKey, Clock: f.Clock,
			Problem:      func(context.Context) string { return "" },
			Storage:      retention.New(retention.Options{Store: f.Store, Clock: f.Clock, Log: o.Log}).Describe,
			Authenticate: gate.Authenticate, PublicURL: "https://watch.example.org:8443", Generation: 1, Version: Version,
			Woken: func() (<-chan struct{}, func()) {
				woken := f.Hub.Subscribe(hub.Events)
				return woken.C(), woken.Close
			},
		},
		WatchTower: watchtower.Options{
			Services: services, Events: events, Store: f.Store, Clock: f.Clock, Authenticate: gate.Authenticate,
			NotePulse: o.NotePulse, Presets: o.Presets, Version: Version, Zone: o.Zone, ListLimit: o.ListLimit,
			StartedAt: api.TimeOf(storetest.Start),
		},
		Ping:   ping.Options{Services: services, CheckKey: authenticator.IsPingKey, BodyLimit: *o.BodyLimit},
		Public: public.Options{Store: f.Store, Clock: f.Clock, Tags: o.PublicTags},
	}))(tb)
	s.Floor = web.NewFloor(web.FloorOptions{Logger: o.Log, Now: f.Clock.Now, TrustedProxies: o.TrustedProxies})
	s.Handler = s.Floor.Wrap(router)
}

// Token makes a token with a scope and a pattern, and gives its text.
func (s *Server) Token(tb testing.TB, scope api.Scope, match string) string {
	tb.Helper()
	text, _, err := s.Tokens.Create(context.Background(), api.TokenInput{Name: "test", Scopes: []api.Scope{scope}, Match: match})
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
