package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"watchkeeper/api"
)

// router gives a router with one route whose handler is h.
func router(h Handler, respond Responder) chi.Router {
	r := chi.NewRouter()
	r.NotFound(NotFound(Problems))
	r.MethodNotAllowed(MethodNotAllowed(Problems))
	r.Handle("/thing/{name}", Handle(h, respond))
	return r
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	var seen string
	h := g.Wrap(router(func(w http.ResponseWriter, r *http.Request) error {
		seen = exchangeOf(r.Context()).id[0]
		return nil
	}, Problems))
	for name, c := range map[string]struct {
		given []string
		kept  bool
	}{
		"none":        {nil, false},
		"plain":       {[]string{"a1-B_2.c"}, true},
		"longest":     {[]string{strings.Repeat("x", 64)}, true},
		"too long":    {[]string{strings.Repeat("x", 65)}, false},
		"empty":       {[]string{""}, false},
		"blank":       {[]string{"a b"}, false},
		"line break":  {[]string{"a\nb"}, false},
		"not ASCII":   {[]string{"ä"}, false},
		"two of them": {[]string{"a", "b"}, false},
	} {
		r := httptest.NewRequest("GET", "/thing/x", nil)
		r.Header["X-Request-Id"] = c.given
		got := answer(h, r).Header.Get("X-Request-Id")
		if got == "" || got != seen {
			t.Errorf("%s: the answer has %q, the handler %q", name, got, seen)
		}
		if c.kept != (len(c.given) == 1 && got == c.given[0]) {
			t.Errorf("%s: %q became %q", name, c.given, got)
		}
	}
	first := answer(h, httptest.NewRequest("GET", "/thing/x", nil)).Header.Get("X-Request-Id")
	second := answer(h, httptest.NewRequest("GET", "/thing/x", nil)).Header.Get("X-Request-Id")
	if first == second {
		t.Errorf("two requests share the id %q", first)
	}
}

func TestSlashesAreCollapsedWithoutRedirect(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	h := g.Wrap(router(func(w http.ResponseWriter, r *http.Request) error {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s", chi.URLParam(r, "name"), body)
		return err
	}, Problems))
	for path, want := range map[string]string{
		"/thing/a": "a body", "//thing/a": "a body", "////thing/a": "a body", "//thing/a%2Fb": "a%2Fb body",
	} {
		r := httptest.NewRequest("POST", path, strings.NewReader("body"))
		got := answer(h, r)
		text, _ := io.ReadAll(got.Body)
		if got.StatusCode != 200 || string(text) != want {
			t.Errorf("%s: %d %q, want %q", path, got.StatusCode, text, want)
		}
	}
	for _, path := range []string{"/thing//a", "/%2Fthing/a", "//%2Fthing/a"} {
		if got := answer(h, httptest.NewRequest("GET", path, nil)).StatusCode; got != 404 {
			t.Errorf("%s: %d, want 404", path, got)
		}
	}
}

func TestErrorsBecomeAnswersAndLines(t *testing.T) {
	t.Parallel()
	secret := errors.New("dial tcp 10.0.0.7: password=hunter2")
	for name, c := range map[string]struct {
		err    error
		status int
		code   api.ErrorKind
		logged string // the message of the line
	}{
		"plain error":     {secret, 500, api.KindInternal, "request failed"},
		"wrapped":         {fmt.Errorf("saving: %w", secret), 500, api.KindInternal, "request failed"},
		"internal kind":   {api.Wrap(api.KindInternal, secret, "hunter2"), 500, api.KindInternal, "request failed"},
		"unavailable":     {api.Wrap(api.KindUnavailable, secret, "the database is away"), 503, api.KindUnavailable, "requests refused"},
		"own time out":    {fmt.Errorf("query: %w", context.DeadlineExceeded), 503, api.KindUnavailable, "request failed"},
		"not found":       {api.Errorf(api.KindNotFound, "no such service"), 404, api.KindNotFound, "requests refused"},
		"wrapped kind":    {fmt.Errorf("x: %w", api.Invalid("body.a", "must be b")), 422, api.KindInvalid, "requests refused"},
		"others' reader":  {&http.MaxBytesError{Limit: 5}, 413, api.KindTooLarge, "requests refused"},
		"unknown kind":    {&api.Error{Kind: "odd", Message: "hunter2"}, 500, api.KindInternal, "request failed"},
		"cancelled by us": {context.Canceled, 500, api.KindInternal, "request failed"},
	} {
		g := newGround(nil)
		h := g.Wrap(router(func(http.ResponseWriter, *http.Request) error { return c.err }, Problems))
		got := answer(h, httptest.NewRequest("GET", "/thing/x?token=t0ps", nil))
		p := readProblem(t, got)
		if p.Status != c.status || p.Code != c.code || p.RequestID != got.Header.Get("X-Request-Id") || p.Instance != "/thing/x" {
			t.Errorf("%s: %+v", name, p)
		}
		if text := fmt.Sprint(p); strings.Contains(text, "hunter2") || strings.Contains(text, "t0ps") {
			t.Errorf("%s: the answer tells %s", name, text)
		}
		lines := g.lines(t)
		if len(lines) != 1 || lines[0]["msg"] != c.logged || lines[0]["request_id"] != p.RequestID || lines[0]["route"] != "/thing/{name}" {
			t.Errorf("%s: log %v", name, lines)
		}
	}
}

func TestCauseOfUnavailabilityIsLogged(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	h := g.Wrap(router(func(http.ResponseWriter, *http.Request) error {
		return api.Wrap(api.KindUnavailable, errors.New("disk full"), "cannot store now")
	}, Problems))
	got := answer(h, httptest.NewRequest("GET", "/thing/x", nil))
	if p := readProblem(t, got); p.Detail != "cannot store now" || got.Header.Get("Retry-After") != "1" {
		t.Errorf("%+v, Retry-After %q", p, got.Header.Get("Retry-After"))
	}
	if lines := g.lines(t); len(lines) != 1 || lines[0]["detail"] != "cannot store now: disk full" {
		t.Errorf("log %v", lines)
	}
}

func TestClientThatLeavesIsNoError(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	ctx, cancel := context.WithCancel(t.Context())
	h := g.Wrap(router(func(_ http.ResponseWriter, r *http.Request) error {
		cancel()
		return fmt.Errorf("waiting: %w", r.Context().Err())
	}, Problems))
	got := answer(h, httptest.NewRequest("GET", "/thing/x", nil).WithContext(ctx))
	if got.StatusCode != 503 || got.Header.Get("Retry-After") == "" {
		t.Errorf("status %d", got.StatusCode) // only a server that goes down is heard
	}
	if lines := g.lines(t); len(lines) != 0 {
		t.Errorf("log %v", lines)
	}
}

func TestPanics(t *testing.T) {
	t.Parallel()
	handlers := map[string]func(r chi.Router){
		"in a handler": func(r chi.Router) {
			r.Get("/thing", Handle(func(http.ResponseWriter, *http.Request) error { panic("hunter2") }, Problems))
		},
		"in a foreign handler": func(r chi.Router) {
			r.Get("/thing", func(http.ResponseWriter, *http.Request) { panic(errors.New("hunter2")) })
		},
	}
	for name, route := range handlers {
		g := newGround(nil)
		r := chi.NewRouter()
		route(r)
		got := answer(g.Wrap(r), httptest.NewRequest("GET", "/thing", nil))
		if p := readProblem(t, got); p.Status != 500 || strings.Contains(fmt.Sprint(p), "hunter2") {
			t.Errorf("%s: %+v", name, p)
		}
		lines := g.lines(t)
		if len(lines) != 1 || lines[0]["error"] != "panic: hunter2" || !strings.Contains(fmt.Sprint(lines[0]["stack"]), "floor_test.go") {
			t.Errorf("%s: log %v", name, lines)
		}
		if seen := g.observations(); len(seen) != 1 || seen[0].Status != 500 || seen[0].Route != "/thing" {
			t.Errorf("%s: observed %v", name, seen)
		}
	}
}

func TestBrokenAnswerCutsTheConnection(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]Handler{
		"error": func(w http.ResponseWriter, _ *http.Request) error {
			_, _ = io.WriteString(w, "half")
			return errors.New("disk")
		},
		"panic": func(w http.ResponseWriter, _ *http.Request) error {
			_, _ = io.WriteString(w, "half")
			panic("oops")
		},
	} {
		g := newGround(nil)
		server := httptest.NewServer(g.Wrap(router(h, Problems)))
		got, err := http.Get(server.URL + "/thing/x")
		if err == nil {
			_, err = io.ReadAll(got.Body)
			got.Body.Close()
		}
		if err == nil {
			t.Errorf("%s: the client took half an answer for a whole one", name)
		}
		if lines := g.lines(t); len(lines) != 1 || lines[0]["msg"] != "request failed" {
			t.Errorf("%s: log %v", name, lines)
		}
		http.DefaultClient.CloseIdleConnections()
		server.Close()
	}
}

func TestObservations(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	sub := chi.NewRouter()
	sub.Get("/items/{id}", Handle(func(w http.ResponseWriter, r *http.Request) error {
		g.pass(250 * time.Millisecond)
		return WriteJSON(w, r, 201, "ok")
	}, Problems))
	r := router(func(http.ResponseWriter, *http.Request) error { return nil }, Problems)
	r.Mount("/api", sub)
	h := g.Wrap(r)
	for _, c := range []struct {
		method, path string
		want         Observation
	}{
		{"GET", "/thing/x", Observation{Route: "/thing/{name}", Method: "GET", Status: 200}},
		{"GET", "/api/items/7", Observation{Route: "/api/items/{id}", Method: "GET", Status: 201, Seconds: 0.25, Bytes: 5}},
		{"GET", "/nothing/here", Observation{Route: "unmatched", Method: "GET", Status: 404}},
		{"BREW", "/thing/x", Observation{Route: "unmatched", Method: "other", Status: 405}},
	} {
		answer(h, httptest.NewRequest(c.method, c.path, nil))
		seen := g.observations()
		if len(seen) != 1 {
			t.Fatalf("%s %s: %d observations", c.method, c.path, len(seen))
		}
		if seen[0].Status >= 400 {
			seen[0].Bytes = 0
		}
		if diff := cmp.Diff(c.want, seen[0]); diff != "" {
			t.Errorf("%s %s: %s", c.method, c.path, diff)
		}
	}
}

func TestClientAddress(t *testing.T) {
	t.Parallel()
	trusted := []string{"10.0.0.0/8", "fd00::/8"}
	for name, c := range map[string]struct {
		trusted   []string
		peer      string
		forwarded []string
		proto     string
		address   string
		scheme    string
	}{
		"no proxies":           {nil, "192.0.2.1:99", []string{"198.51.100.1"}, "https", "192.0.2.1", "http"},
		"no proxies, IPv6":     {nil, "[2001:db8::1]:99", nil, "", "2001:db8::1", "http"},
		"no proxies, mapped":   {nil, "[::ffff:192.0.2.1]:99", nil, "", "192.0.2.1", "http"},
		"no proxies, socket":   {nil, "@", nil, "", "invalid IP", "http"},
		"untrusted peer":       {trusted, "192.0.2.1:99", []string{"198.51.100.1"}, "https", "192.0.2.1", "http"},
		"one":                  {trusted, "10.0.0.1:99", []string{"198.51.100.1"}, "https", "198.51.100.1", "https"},
		"list":                 {trusted, "10.0.0.1:99", []string{"6.6.6.6, 198.51.100.1, 10.2.2.2"}, "HTTP", "198.51.100.1", "http"},
		"two lines":            {trusted, "10.0.0.1:99", []string{"198.51.100.1", "10.2.2.2"}, "", "198.51.100.1", "http"},
		"IPv6":                 {trusted, "[fd00::1]:99", []string{"2001:db8::1"}, "", "2001:db8::1", "http"},
		"with a port":          {trusted, "10.0.0.1:99", []string{"1.2.3.4:567"}, "", "1.2.3.4", "http"},
		"IPv6 with a port":     {trusted, "10.0.0.1:99", []string{"[2001:db8::1]:567, 10.1.1.1:80"}, "", "2001:db8::1", "http"},
		"IPv6 in brackets":     {trusted, "10.0.0.1:99", []string{"[2001:db8::1]"}, "", "2001:db8::1", "http"},
		"mapped":               {trusted, "10.0.0.1:99", []string{"::ffff:1.2.3.4"}, "", "1.2.3.4", "http"},
		"garbage":              {trusted, "10.0.0.1:99", []string{"1.2.3.4, unknown"}, "ftp", "invalid IP", "http"},
		"nothing but a proxy":  {trusted, "10.0.0.1:99", nil, "", "invalid IP", "http"},
		"garbage behind a hop": {trusted, "10.0.0.1:99", []string{"::::, 10.1.1.1"}, "", "invalid IP", "http"},
	} {
		g := newGround(func(o *FloorOptions) { o.TrustedProxies = prefixes(c.trusted...) })
		var address, scheme string
		h := g.Wrap(router(func(_ http.ResponseWriter, r *http.Request) error {
			address, scheme = ClientAddress(r.Context()).String(), Scheme(r.Context())
			return nil
		}, Problems))
		r := httptest.NewRequest("GET", "/thing/x", nil)
		r.RemoteAddr = c.peer
		r.Header["X-Forwarded-For"] = c.forwarded
		r.Header.Set("X-Forwarded-Proto", c.proto)
		answer(h, r)
		if address != c.address || scheme != c.scheme {
			t.Errorf("%s: %s by %s, want %s by %s", name, address, scheme, c.address, c.scheme)
		}
	}
}
