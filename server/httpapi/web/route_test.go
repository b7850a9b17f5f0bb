package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"watchkeeper/api"
)

func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	nothing := Handle(func(http.ResponseWriter, *http.Request) error { return nil }, Problems)
	root := chi.NewRouter()
	root.NotFound(NotFound(Problems))
	root.MethodNotAllowed(MethodNotAllowed(Problems))
	root.Post("/heartbeat", nothing)
	root.Delete("/heartbeat", nothing)
	root.Get("/get/*", nothing)
	root.Route("/api/v1", func(r chi.Router) {
		r.Get("/services", nothing)
		r.Route("/services/{name}", func(r chi.Router) {
			r.Get("/", nothing)
			r.Patch("/", nothing)
		})
	})
	h := g.Wrap(root)
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"POST", "/heartbeat", 200, ""},
		{"GET", "/heartbeat", 405, "POST, DELETE, OPTIONS"},
		{"OPTIONS", "/heartbeat", 204, "POST, DELETE, OPTIONS"},
		{"POST", "/get/a/b", 405, "GET, HEAD, OPTIONS"},
		{"POST", "/api/v1/services", 405, "GET, HEAD, OPTIONS"},
		{"PUT", "/api/v1/services/x", 405, "GET, HEAD, PATCH, OPTIONS"},
		{"PUT", "/api/v1/services/a%2Fb", 405, "GET, HEAD, PATCH, OPTIONS"},
		{"GET", "/api/v1/nothing", 404, ""},
		{"GET", "/nothing", 404, ""},
		{"OPTIONS", "/nothing", 404, ""},
		{"BREW", "/heartbeat", 405, "POST, DELETE, OPTIONS"},
		{"BREW", "/nothing", 404, ""},
	} {
		got := answer(h, httptest.NewRequest(c.method, c.path, nil))
		if got.StatusCode != c.status || got.Header.Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, Allow %q", c.method, c.path, got.StatusCode, got.Header.Get("Allow"))
		}
		if c.status >= 400 {
			readProblem(t, got)
		}
	}
}

func TestResponders(t *testing.T) {
	t.Parallel()
	// The shape of an old protocol, to see that the seam carries it.
	legacy := func(w http.ResponseWriter, r *http.Request, p *api.Problem) {
		status, result := 200, 500
		switch p.Code {
		case api.KindUnauthorized, api.KindForbidden:
			result = 403
		case api.KindUnavailable:
			status = 503
			SetRetryAfter(w, p.RetryAfter)
		}
		_ = WriteJSON(w, r, status, map[string]any{"result": result, "hint": p.Detail})
	}
	type want struct {
		status               int
		body, retry, contest string
	}
	for name, c := range map[string]struct {
		respond Responder
		method  string
		err     error
		want    want
	}{
		"plain": {Plain, "GET", api.Errorf(api.KindNotFound, "not found"), want{404, "not found", "", ""}},
		"plain, asked for the head": {
			Plain, "HEAD", api.Errorf(api.KindNotFound, "not found"), want{404, "", "", ""},
		},
		"plain, no message": {Plain, "GET", &api.Error{Kind: api.KindConflict}, want{409, "Conflict", "", ""}},
		"plain, not known who": {
			Plain, "GET", api.Errorf(api.KindUnauthorized, "no"), want{401, "no", "", `Bearer realm="watchkeeper"`},
		},
		"plain, wait": {
			Plain, "GET", &api.Error{Kind: api.KindTooMany, Message: "slow down", RetryAfter: 1500_000_000},
			want{429, "slow down", "2", ""},
		},
		"legacy": {
			legacy, "POST", api.Errorf(api.KindInvalid, "no service <&> provided"),
			want{200, `{"hint":"no service <&> provided","result":500}` + "\n", "", ""},
		},
		"legacy, away": {
			legacy, "POST", api.Errorf(api.KindUnavailable, "later"),
			want{503, `{"hint":"later","result":500}` + "\n", "1", ""},
		},
	} {
		g := newGround(nil)
		h := g.Wrap(router(func(http.ResponseWriter, *http.Request) error { return c.err }, c.respond))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(c.method, "/thing/x", nil))
		got := want{w.Code, w.Body.String(), w.Header().Get("Retry-After"), w.Header().Get("WWW-Authenticate")}
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: the browser may sniff", name)
		}
	}
}

func TestProblemWithValueThatIsNoJSON(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	h := g.Wrap(router(func(http.ResponseWriter, *http.Request) error {
		return &api.Error{Kind: api.KindInvalid, Fields: []api.FieldError{{Location: "body.x", Value: func() {}}}}
	}, Problems))
	if p := readProblem(t, answer(h, httptest.NewRequest("GET", "/thing/x", nil))); p.Status != 422 || p.Errors != nil {
		t.Errorf("%+v", p)
	}
}

func TestWriteJSONThatFailsIsAnswered(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	h := g.Wrap(router(func(w http.ResponseWriter, r *http.Request) error {
		return WriteJSON(w, r, 200, map[string]any{"text": strings.Repeat("x", 10), "bad": func() {}})
	}, Problems))
	for range 2 { // the buffer of the first one must not show up in the second
		if p := readProblem(t, answer(h, httptest.NewRequest("GET", "/thing/x", nil))); p.Status != 500 {
			t.Errorf("%+v", p)
		}
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	r := chi.NewRouter()
	r.Use(CORS)
	r.NotFound(NotFound(Problems))
	r.MethodNotAllowed(MethodNotAllowed(Problems))
	r.Delete("/heartbeat", Handle(func(http.ResponseWriter, *http.Request) error {
		return api.Errorf(api.KindUnauthorized, "no")
	}, Problems))
	h := g.Wrap(r)
	preflight := func(headers string) *http.Response {
		r := httptest.NewRequest("OPTIONS", "/heartbeat", nil)
		r.Header.Set("Access-Control-Request-Method", "DELETE")
		r.Header.Set("Access-Control-Request-Headers", headers)
		return answer(h, r)
	}
	for asked, want := range map[string]string{
		"password,content-type":     "password,content-type",
		"password, X-Other":         "password, X-Other",
		"":                          corsHeaders,
		"a\r\nSet-Cookie: x":        corsHeaders,
		strings.Repeat("a,", 10000): corsHeaders,
	} {
		got := preflight(asked)
		if got.StatusCode != 200 || got.Header.Get("Access-Control-Allow-Headers") != want ||
			!strings.Contains(got.Header.Get("Access-Control-Allow-Methods"), "DELETE") {
			t.Errorf("preflight for %.30q: %d %v", asked, got.StatusCode, got.Header)
		}
	}
	for path, status := range map[string]int{"/heartbeat": 401, "/nothing": 404} {
		got := answer(h, httptest.NewRequest("DELETE", path, nil))
		if got.StatusCode != status || got.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d %v", path, got.StatusCode, got.Header)
		}
	}
}

func TestHeadersOfPages(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	r := chi.NewRouter()
	r.Use(NoStore, PageHeaders(PagePolicy))
	r.Get("/", func(http.ResponseWriter, *http.Request) {})
	got := answer(g.Wrap(r), httptest.NewRequest("GET", "/", nil)).Header
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Content-Security-Policy": PagePolicy, "X-Frame-Options": "DENY",
		"Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
	} {
		if got.Get(name) != want {
			t.Errorf("%s: %q", name, got.Get(name))
		}
	}
	if strings.Contains(PagePolicy, "unsafe") {
		t.Error("the policy lets pages run what stands in them")
	}
}
