package httpapi_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"watchkeeper/api"
	"watchkeeper/server/httpapi"
	"watchkeeper/server/httpapi/httpapitest"
)

func TestProbes(t *testing.T) {
	s := httpapitest.SQLite(t, httpapitest.Options{})
	probe := func(path string) (int, string) {
		t.Helper()
		r := s.Ask(t, httpapitest.Ask{To: "GET " + path, Password: httpapitest.None})
		same(t, path+": type", r.Header.Get("Content-Type"), "text/plain; charset=utf-8")
		same(t, path+": cache", r.Header.Get("Cache-Control"), "no-store")
		if (r.Status == 503) != (r.Header.Get("Retry-After") == "1") {
			t.Errorf("%s: %d with Retry-After %q", path, r.Status, r.Header.Get("Retry-After"))
		}
		return r.Status, strings.TrimSpace(r.Body)
	}
	want := func(when string, status int, text string) {
		t.Helper()
		gotStatus, gotText := probe("/readyz")
		same(t, when, []any{gotStatus, gotText}, []any{status, text})
		gotStatus, gotText = probe("/healthz")
		same(t, "alive, "+when, []any{gotStatus, gotText}, []any{200, "ok"})
	}
	want("at first", 503, "starting")
	s.Health.Starting("migrating the database")
	want("migrating", 503, "migrating the database")
	s.Health.Serve(s.Ping)
	want("serving", 200, "ready")
	s.Health.Serve(func(context.Context) error { return errors.New("secret cause") })
	if status, text := probe("/readyz"); status != 503 || strings.Contains(text, "secret") {
		t.Errorf("failing: %d %q", status, text)
	}
	s.Health.Serve(func(context.Context) error { return api.Errorf(api.KindUnavailable, "the database is away") })
	want("without database", 503, "the database is away")
	s.Health.Stopping()
	want("stopping", 503, "stopping")
	for _, path := range []string{"/healthz", "/readyz"} {
		if r := s.Ask(t, httpapitest.Ask{To: "POST " + path}); r.Status != 405 || r.Header.Get("Allow") == "" {
			t.Errorf("POST %s: %d, Allow %q", path, r.Status, r.Header.Get("Allow"))
		}
	}
}

// While the server starts, everybody is told to come back in the shape that they know, and nobody is sent elsewhere.
func TestStarting(t *testing.T) {
	var health httpapi.Health
	health.Starting("migrating the database")
	h := health.Handler()
	for to, want := range map[string]struct {
		status            int
		contentType, body string
	}{
		"GET /healthz":          {200, "text/plain; charset=utf-8", "ok"},
		"GET /readyz":           {503, "text/plain; charset=utf-8", "migrating the database"},
		"HEAD /readyz":          {503, "text/plain; charset=utf-8", ""},
		"POST /heartbeat":       {503, "application/json", `{"hint":"the server is starting, try again","result":500}`},
		"DELETE //heartbeat":    {503, "application/json", `{"hint":"the server is starting, try again","result":500}`},
		"GET /":                 {503, "application/json", `{"hint":"the server is starting, try again","result":500}`},
		"POST /ping/x/../y":     {503, "text/plain; charset=utf-8", "the server is starting, try again"},
		"GET /api/v1/services":  {503, api.ProblemMediaType, `"code":"unavailable"`},
		"POST /api/v1/services": {503, api.ProblemMediaType, `"code":"unavailable"`},
	} {
		method, path, _ := strings.Cut(to, " ")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		if w.Code != want.status || w.Header().Get("Content-Type") != want.contentType || method != http.MethodHead && !strings.Contains(w.Body.String(), want.body) {
			t.Errorf("%s: %d %v %s", to, w.Code, w.Header(), w.Body)
		}
		same(t, to+": pages", w.Header().Get("Access-Control-Allow-Origin"), "*")
		if want.status == 503 {
			same(t, to+": wait", w.Header().Get("Retry-After"), "1")
		}
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest("OPTIONS", "/heartbeat", nil)
	r.Header.Set("Access-Control-Request-Method", "DELETE")
	h.ServeHTTP(w, r)
	same(t, "a preflight", w.Code, 200)
}
