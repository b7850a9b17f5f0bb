package v1_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

// target is a web server that wants a key.
func target(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Key") != "geheim" || r.URL.Query().Get("token") != "verborgen" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL + "/?token=verborgen"
}

func TestProbeOfAService(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		url := target(t)
		made := into[api.ServiceView](s.post(t, "/api/v1/services",
			`{"name":"web","probe":{"kind":"http","url":"`+url+`","headers":{"X-Key":"geheim"},"interval":30}}`).want(201))
		if made.Probe == nil || made.Probe.URL != url || made.Probe.Headers["X-Key"] != "geheim" || made.Probe.Timeout != 10 {
			t.Fatalf("made %+v", made.Probe)
		}
		same(t, "period and grace", []api.Seconds{made.NextIn, made.Grace}, []api.Seconds{0, 60})
		if made.ProbeResult != nil {
			t.Errorf("a result before the first run: %+v", made.ProbeResult)
		}
		result := into[api.ProbeResult](s.post(t, "/api/v1/services/web/probe", "").want(200))
		if !result.OK || result.Status != 200 || result.Timing == nil || result.At == 0 {
			t.Errorf("result %+v", result)
		}
		shown := into[api.ServiceView](s.get(t, "/api/v1/services/web").want(200))
		same(t, "state", shown.State, api.StateUp)
		result.LastOK = result.At
		same(t, "result in the service", *shown.ProbeResult, result)

		// Who could not have made the probe sees no secrets, and a list shows them to nobody.
		for scope, secret := range map[api.Scope]bool{api.ScopeRead: false, api.ScopeOperate: false, api.ScopeAdmin: true} {
			r := s.ask(t, ask{method: "GET", path: "/api/v1/services/web", token: s.token(t, scope, "")}).want(200)
			if got := strings.Contains(r.body, "geheim") && strings.Contains(r.body, "verborgen"); got != secret {
				t.Errorf("%s sees the secrets: %v", scope, got)
			}
			if !secret && (strings.Contains(r.body, "geheim") || strings.Contains(r.body, "verborgen") || !strings.Contains(r.body, "token=***")) {
				t.Errorf("%s sees %s", scope, r.body)
			}
		}
		if r := s.get(t, "/api/v1/services").want(200); strings.Contains(r.body, "geheim") || !strings.Contains(r.body, `"probe_result":{`) {
			t.Errorf("the list shows %s", r.body)
		}

		// What is sent as it was shown keeps its secrets; the whole of it put again changes nothing.
		masked := strings.Replace(url, "verborgen", "***", 1)
		s.Clock.Advance(time.Minute)
		r := s.ask(t, ask{method: "PATCH", path: "/api/v1/services/web", body: `{"probe":{"kind":"http","url":"` + masked + `","headers":{"X-Key":"***"},"interval":60}}`}).want(200)
		patched := into[api.ServiceView](r)
		same(t, "after a patch with masks", []any{patched.Probe.URL, patched.Probe.Headers["X-Key"], patched.Probe.Interval}, []any{url, "geheim", api.Seconds(60)})
		s.Clock.Advance(time.Minute)
		body := `{"probe":{"kind":"http","url":"` + url + `","headers":{"X-Key":"geheim"},"interval":60}}`
		again := into[api.ServiceView](s.ask(t, ask{method: "PUT", path: "/api/v1/services/by-name/web", body: body}).want(200))
		same(t, "updated, after the same was put", again.UpdatedAt, patched.UpdatedAt)
		if result := into[api.ProbeResult](s.post(t, "/api/v1/services/web/probe", "").want(200)); !result.OK {
			t.Errorf("with the secrets that were kept: %+v", result)
		}

		// A period takes the place of a probe.
		period := into[api.ServiceView](s.ask(t, ask{method: "PATCH", path: "/api/v1/services/web", body: `{"next_in":60}`}).want(200))
		if period.Probe != nil || period.NextIn != 60 {
			t.Errorf("with a period: %+v, %d", period.Probe, period.NextIn)
		}
		s.post(t, "/api/v1/services/web/probe", "").want(409)
	})
}

func TestProbesThatAreRefused(t *testing.T) {
	s := onSQLite(t)
	for body, at := range map[string]string{
		`{"name":"a","probe":{"kind":"http"}}`:                                           "body.probe.url",
		`{"name":"a","probe":{"kind":"smtp"}}`:                                           "body.probe.kind",
		`{"name":"a","probe":{"kind":"tcp","address":"a:1","url":"http://a"}}`:           "body.probe.url",
		`{"name":"a","next_in":60,"probe":{"kind":"tcp","address":"a:1"}}`:               "body.probe",
		`{"name":"a","cron":"* * * * *","probe":{"kind":"tcp","address":"a:1"}}`:         "body.probe",
		`{"name":"a","probe":{"kind":"http","url":"http://a","headers":{"X":"***"}}}`:    "body.probe.headers",
		`{"name":"a","probe":{"kind":"http","url":"http://a","timeout":-1}}`:             "body.probe.timeout",
		`{"name":"a","probe":{"kind":"dns","name":"a","record":"A","answers":["x.de"]}}`: "body.probe.answers",
	} {
		problem := into[api.Problem](s.post(t, "/api/v1/services", body).want(422))
		if len(problem.Errors) != 1 || problem.Errors[0].Location != at {
			t.Errorf("%s: %+v, want %s", body, problem.Errors, at)
		}
	}
	s.post(t, "/api/v1/services", `{"name":"a","probe":{"kind":"tcp","address":"a:1","from_file":true}}`).want(422)
	s.post(t, "/api/v1/services", `{"name":"a","probe":{"kind":"tcp","address":"a:1"},"next_in":0}`).want(201)
	for _, scope := range []api.Scope{api.ScopePulse, api.ScopeOperate} {
		s.ask(t, ask{method: "POST", path: "/api/v1/services", body: `{"name":"b","probe":{"kind":"tcp","address":"a:1"}}`, token: s.token(t, scope, "")}).want(403)
	}
	s.ask(t, ask{method: "POST", path: "/api/v1/services/a/probe", token: s.token(t, api.ScopeRead, "")}).want(403)
	s.ask(t, ask{method: "POST", path: "/api/v1/services/a/probe", token: s.token(t, api.ScopeOperate, "b*")}).want(403)
}

// TestProbeSecretsAreSealed looks at what the store gives to everybody else.
func TestProbeSecretsAreSealed(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		s.post(t, "/api/v1/services", `{"name":"web","probe":{"kind":"http","url":"`+target(t)+`","headers":{"X-Key":"geheim"},"body":"leib"}}`).want(201)
		svc := must(s.Services.ByName(context.Background(), "web"))(t)
		for _, p := range []*api.Probe{svc.Probe, must(s.Probes.Watched(context.Background()))(t)[0].Probe} {
			if p.Headers["X-Key"] != "***" || p.Body != "***" || strings.Contains(p.URL, "verborgen") || p.Sealed == "" || strings.Contains(p.Sealed, "geheim") {
				t.Errorf("kept as %+v", p)
			}
		}
		s.post(t, "/api/v1/services/web/probe", "").want(200)
		pulses := must(s.Pulses.List(context.Background(), svc.ID, store.Mark{}, 10))(t)
		if len(pulses) != 1 || strings.Contains(string(pulses[0].Body), "geheim") {
			t.Errorf("pulses %+v", pulses)
		}
	})
}

func same(tb testing.TB, what string, got, want any) {
	tb.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("%s differs (-want +got):\n%s", what, diff)
	}
}
