package heartbeat

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"watchkeeper/api"
	"watchkeeper/server/clock"
	"watchkeeper/server/dial"
	"watchkeeper/server/hub"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
	"watchkeeper/server/store/storetest/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Wrap(m)) }

// watcher is what expects the heartbeat.
type watcher struct {
	*httptest.Server
	beats  atomic.Int64
	answer atomic.Pointer[http.HandlerFunc]
}

func startWatcher(t *testing.T) *watcher {
	w := &watcher{}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/ping/the-uuid" || r.Header.Get("User-Agent") != "watchkeeper/1.2.3" {
			t.Errorf("%s %s by %s", r.Method, r.URL, r.Header.Get("User-Agent"))
		}
		w.beats.Add(1)
		if answer := w.answer.Load(); answer != nil {
			(*answer)(rw, r)
		}
	}))
	t.Cleanup(w.Close)
	return w
}

func (w *watcher) answers(h http.HandlerFunc) { w.answer.Store(&h) }

// beating is a heartbeat that runs, on a store whose server marks that it lives whenever time passes.
type beating struct {
	*Heartbeat
	t     *testing.T
	clock *clock.Manual
	store *store.Store
	log   *bytes.Buffer
}

func start(t *testing.T, st *store.Store, c *clock.Manual, url string) *beating {
	t.Helper()
	dialer := dial.New(dial.AllowPrivate)
	t.Cleanup(dialer.Transport().CloseIdleConnections)
	b := &beating{t: t, clock: c, store: st, log: &bytes.Buffer{}}
	b.Heartbeat = New(Options{
		URL: url, Servers: st.Servers, Dialer: dialer, Clock: c, Log: slog.New(slog.NewTextHandler(b.log, nil)), Version: "1.2.3",
	})
	st.Servers.Register(store.Presence{ID: "one", Name: "one"})
	ctx, cancel := context.WithCancel(context.Background())
	var loop sync.WaitGroup
	loop.Go(func() {
		if err := b.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		loop.Wait()
	})
	c.BlockUntil(1)
	return b
}

// pass lets time pass while the server marks that it lives, where there is a database for it.
func (b *beating) pass(d time.Duration) {
	b.t.Helper()
	for ; d > 0; d -= store.Recent {
		_, _ = b.store.Servers.Beat(b.t.Context())
		b.clock.Advance(min(d, store.Recent))
		b.clock.BlockUntil(1)
	}
}

func (b *beating) want(w *watcher, beats int64, withheld Reason) {
	b.t.Helper()
	if got := w.beats.Load(); got != beats {
		b.t.Errorf("%d heartbeats, want %d", got, beats)
	}
	if s := b.Status(); s.Withheld != string(withheld) {
		b.t.Errorf("the status is %+v, want %q", s, withheld)
	}
}

func TestAHeartbeatEveryMinuteWhileAllWorks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		w := startWatcher(t)
		b := start(t, f.Store, f.Clock, w.URL+"/ping/the-uuid")
		b.pass(first)
		b.want(w, 1, ReasonNone)
		for range 3 {
			b.pass(every)
		}
		b.want(w, 4, ReasonNone)
		if at := b.Status().SentAt; at != api.TimeOf(storetest.Start.Add(first+3*every)) {
			t.Errorf("said to be sent at %v", at)
		}
		// A service that nobody judges.
		if _, err := f.Pulses.Add(store.PulseWrite{
			Name: "job", Create: &api.ServiceSettings{Name: "job", Slug: "job"},
			Pulse: api.Pulse{Kind: api.PulseSuccess, ReceivedAt: api.TimeOf(f.Clock.Now()), Time: api.TimeOf(f.Clock.Now()), NextIn: 10},
		}); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			b.pass(every)
		}
		b.want(w, 4, ReasonDeadlines)
		if _, err := f.Services.Sweep(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		b.pass(2 * every) // the incident that this opened is looked at by nobody
		b.want(w, 5, ReasonIncidents)
		attended, err := f.Incidents.Attend(t.Context(), func(store.Attended) store.Verdict { return store.Verdict{} })
		if err != nil || attended.Incidents != 1 {
			t.Fatal(attended, err)
		}
		b.pass(every)
		b.want(w, 6, ReasonNone)
	})
}

func TestNoHeartbeatWithoutADatabase(t *testing.T) {
	database := pgtest.Start(t, pgtest.Options{})
	c := clock.NewManual(storetest.Start)
	st := storetest.Reopen(t, store.Options{
		Database: database.Database(t), Hub: hub.New(), Clock: c, Log: slog.New(slog.DiscardHandler), Zone: time.UTC,
	})
	if _, err := st.Migrate(t.Context(), store.MigrateOptions{}); err != nil {
		t.Fatal(err)
	}
	w := startWatcher(t)
	b := start(t, st, c, w.URL+"/ping/the-uuid")
	b.pass(first)
	b.want(w, 1, ReasonNone)
	if err := database.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		b.pass(every)
	}
	b.want(w, 1, ReasonDatabase)
	if err := database.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.pass(every)
	b.want(w, 2, ReasonNone)
	if n := strings.Count(b.log.String(), "\n"); n != 2 || !strings.Contains(b.log.String(), "is sent again") {
		t.Errorf("%d lines in the log:\n%s", n, b.log.String())
	}
}

func TestHeartbeatsThatCannotBeSent(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	w := startWatcher(t)
	b := start(t, f.Store, f.Clock, w.URL+"/ping/the-uuid")
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"refused": {func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusNotFound) }, "answered with 404"},
		"around":  {func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, r.URL.Path, http.StatusFound) }, "too many redirects"},
		"cut off": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		"to metadata": {func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "http://169.254.169.254/the-uuid", http.StatusFound)
		}, "169.254.169.254"},
	} {
		w.answers(tt.answer)
		b.log.Reset()
		for range 3 {
			b.pass(every)
		}
		if s := b.Status(); !strings.Contains(s.Problem, tt.want) || strings.Contains(s.Problem, "the-uuid") {
			t.Errorf("%s: the status is %+v, want %q", name, s, tt.want)
		}
		if n := strings.Count(b.log.String(), "could not be sent"); n != 1 || strings.Contains(b.log.String(), "the-uuid") {
			t.Errorf("%s: %d lines in the log:\n%s", name, n, b.log.String())
		}
	}
	w.answers(func(rw http.ResponseWriter, _ *http.Request) { // far more than anybody wants to know
		for range 100 {
			if _, err := rw.Write(bytes.Repeat([]byte("x"), maxAnswer)); err != nil {
				return
			}
		}
	})
	b.pass(every)
	if s := b.Status(); s.Problem != "" || s.SentAt <= api.TimeOf(f.Clock.Now().Add(-every)) {
		t.Errorf("the status is %+v", s)
	}
}
