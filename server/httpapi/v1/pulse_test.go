package v1_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchkeeper/api"
	"watchkeeper/server/store/storetest"
)

func TestPulses(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		s.post(t, "/api/v1/services", `{"name":"a/b","next_in":600,"grace":60,"max_run":100}`).want(201)
		id := s.service(t, "a/b").ID
		start := api.TimeOf(storetest.Start)
		for _, c := range []struct {
			path, body string
			want       api.PulseAnswer
		}{
			{"a%2Fb", ``, api.PulseAnswer{Kind: "success", State: "up", LastPulse: start, NextIn: 600}},
			{"a%2Fb", `{}`, api.PulseAnswer{Kind: "success", State: "up", LastPulse: start + 1000, NextIn: 600}},
			{id, `{"next_in":30}`, api.PulseAnswer{Kind: "success", State: "up", LastPulse: start + 2000, NextIn: 30}},
			{strings.ToUpper(id), ` {"kind":"log","body":"x"} `, api.PulseAnswer{Kind: "log", State: "up", LastPulse: start + 2000, NextIn: 30}},
			{"a%2Fb", `{"exit_code":3}`, api.PulseAnswer{Kind: "fail", State: "down", LastPulse: start + 4000, NextIn: 600}},
			{"a%2Fb", `{"kind":"start","rid":"r"}`, api.PulseAnswer{Kind: "start", State: "down", LastPulse: start + 4000, NextIn: 600}},
			{"a%2Fb", `{"rid":"r","exit_code":0}`, api.PulseAnswer{Kind: "success", State: "up", LastPulse: start + 6000, NextIn: 600, Duration: 1}},
			{"a%2Fb", `{"duration":100.5}`, api.PulseAnswer{Kind: "fail", State: "down", LastPulse: start + 7000, NextIn: 600, Duration: 100.5}},
			{"a%2Fb", `{"duration":null,"time":"2026-03-01T12:00:07.5Z"}`, api.PulseAnswer{Kind: "success", State: "up", LastPulse: start + 7500, NextIn: 600}},
			{"a%2Fb", `{"time":1772366408}`, api.PulseAnswer{Kind: "success", State: "up", LastPulse: start + 8000, NextIn: 600}},
		} {
			c.want.Service = "a/b"
			if c.want.State == api.StateUp {
				c.want.Expected = c.want.LastPulse.Add(c.want.NextIn.Duration())
				c.want.Deadline = c.want.Expected.Add(time.Minute)
			}
			got := into[api.PulseAnswer](s.post(t, "/api/v1/services/"+c.path+"/pulses", c.body).want(200))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s: %s", c.body, diff)
			}
			s.Clock.Advance(time.Second)
		}
	})
}

func TestPulseKeepsHowItCame(t *testing.T) {
	s := onSQLite(t)
	s.post(t, "/api/v1/services", `{"name":"n","next_in":600}`).want(201)
	s.ask(t, ask{
		method: "POST", path: "/api/v1/services/n/pulses", header: map[string]string{"User-Agent": "curl/8"},
		body: `{"body":"` + strings.Repeat("é", 100) + `","rid":"r1","exit_code":0,"duration":0.25}`,
	}).want(200)
	got := into[api.Page[api.PulseRecord]](s.get(t, "/api/v1/services/n/pulses").want(200)).Items[0]
	code := 0
	want := api.PulseRecord{
		ID: got.ID, Kind: api.PulseSuccess, ReceivedAt: got.ReceivedAt, Time: got.ReceivedAt, Duration: 0.25, ExitCode: &code,
		RID: "r1", Scheme: "http", Method: "POST", RemoteAddress: "192.0.2.1", UserAgent: "curl/8",
		Body: []byte(strings.Repeat("é", 50)),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPulsesThatBreakRules(t *testing.T) {
	s := onSQLite(t)
	s.post(t, "/api/v1/services", `{"name":"n","next_in":600}`).want(201)
	for _, c := range []struct {
		path, body string
		kind       api.ErrorKind
		at         []string
	}{
		{"other", ``, api.KindNotFound, nil},
		{"%00", ``, api.KindNotFound, nil},
		{"%ff", ``, api.KindNotFound, nil},
		{"00000000-0000-7000-8000-000000000000", ``, api.KindNotFound, nil},
		{"n", `{"next_in":-1}`, api.KindInvalid, []string{"body.next_in"}},
		{"n", `{"next_in":1e300}`, api.KindInvalid, []string{"body.next_in"}},
		{"n", `{"next_in":315360001}`, api.KindInvalid, []string{"body.next_in"}},
		{"n", `{"next_in":9223372036854775808}`, api.KindInvalid, []string{"body.next_in"}},
		{"n", `{"next_in":"60"}`, api.KindInvalid, []string{"body.next_in"}},
		{"n", `{"nextIn":60}`, api.KindInvalid, []string{"body.nextIn"}},
		{"n", `{"kind":"ignored"}`, api.KindInvalid, []string{"body.kind"}},
		{"n", `{"kind":"fine","exit_code":256}`, api.KindInvalid, []string{"body.kind", "body.exit_code"}},
		{"n", `{"duration":-0.1}`, api.KindInvalid, []string{"body.duration"}},
		{"n", `{"duration":1e99}`, api.KindInvalid, []string{"body.duration"}},
		{"n", `{"time":"yesterday"}`, api.KindInvalid, []string{"body.time"}},
		{"n", `{"time":-5}`, api.KindInvalid, []string{"body.time"}},
		{"n", `{"rid":"` + strings.Repeat("x", 101) + `"}`, api.KindInvalid, []string{"body.rid"}},
		{"n", `{"next_in":NaN}`, api.KindMalformed, []string{"body"}},
		{"n", `{"next_in":60`, api.KindMalformed, []string{"body"}},
		{"n", `{} {}`, api.KindMalformed, []string{"body"}},
		{"n", ` `, api.KindMalformed, []string{"body"}},
		{"n", strings.Repeat("[", 100_000), api.KindMalformed, []string{"body"}},
		{"n", `{"body":"` + strings.Repeat("x", 1<<20) + `"}`, api.KindTooLarge, nil},
	} {
		r := s.post(t, "/api/v1/services/"+c.path+"/pulses", c.body)
		if r.status != c.kind.Status() {
			t.Errorf("%s %.50s: %d %s", c.path, c.body, r.status, r.body)
			continue
		}
		if at := r.refused(c.kind); c.at != nil && !slices.Equal(at, c.at) {
			t.Errorf("%.50s: places %v, want %v", c.body, at, c.at)
		}
	}
	if got := s.service(t, "n"); got.State != api.StateNew {
		t.Errorf("a refused pulse changed the service: %+v", got)
	}
}

func FuzzPulseBody(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `null`, `{"next_in":60}`, `{"kind":"fail","rid":"r","exit_code":3,"duration":1.5,"body":"x","time":1700000000.5}`,
		`{"next_in":`, `[1]`, `{"time":"2026-01-31T08:00:00Z"}`, "\ufeff{}", `{"body":"\ud800"}`, `{"NEXT_IN":1}`,
	} {
		f.Add([]byte(seed))
	}
	s := onSQLite(f)
	s.post(f, "/api/v1/services", `{"name":"n","next_in":600}`).want(201)
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest("POST", "/api/v1/services/n/pulses", bytes.NewReader(body))
		r.Header.Set("password", password)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		answer := &reply{tb: t, status: w.Code, header: w.Header(), body: w.Body.String()}
		switch w.Code {
		case http.StatusOK:
			if got := into[api.PulseAnswer](answer); got.Service != "n" || !got.Kind.Valid() || !got.State.Valid() {
				t.Fatalf("%q: %+v", body, got)
			}
		case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
			if !json.Valid(w.Body.Bytes()) {
				t.Fatalf("%q: %s", body, w.Body)
			}
		default:
			t.Fatalf("%q: %d %s", body, w.Code, w.Body)
		}
	})
}
