package v1

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"watchkeeper/api"
	"watchkeeper/server/auth"
	"watchkeeper/server/httpapi/web"
	"watchkeeper/server/store"
)

func TestPulseAnswerIsWhatJSONWouldBe(t *testing.T) {
	for _, name := range []string{"plain", `q"\`, "ü\u2028<&>", "a\x7fb", strings.Repeat("long ", 200)} {
		for _, r := range []store.PulseResult{
			{Kind: api.PulseLog, State: api.StateNew},
			{Kind: api.PulseSuccess, State: api.StateUp, Last: 1, NextIn: 1 << 40, Expected: 1772366408123, Deadline: api.MaxTime, Duration: 1500 * time.Millisecond},
			{Kind: api.PulseSuccess, State: api.StateUp, Duration: 366 * 24 * time.Hour},
		} {
			r.Name = name
			var got, want bytes.Buffer
			if err := writeJSON(&want, api.PulseAnswer{
				Service: name, Kind: r.Kind, State: r.State, LastPulse: r.Last, NextIn: r.NextIn, Expected: r.Expected,
				Deadline: r.Deadline, Duration: r.Duration.Seconds(),
			}); err != nil {
				t.Fatal(err)
			}
			got.Write(appendPulse(nil, &r))
			if diff := cmp.Diff(want.String(), got.String()); diff != "" {
				t.Error(diff)
			}
		}
	}
}

// Whatever scanPulse takes, the slow way takes too, and makes the same of it.
func FuzzScanPulse(f *testing.F) {
	for _, seed := range []string{
		`{}`, ` { } `, `{"next_in":60}`, `{"kind":"fail","rid":"r","exit_code":3,"duration":1.5,"body":"x","time":1700000000.5}`,
		`{"time":"2026-01-31T08:00:00Z","next_in":0}`, `{"next_in":01}`, `{"next_in":-1}`, `{"next_in":1.0}`, `{"duration":1.}`,
		`{"duration":.5}`, `{"duration":1e3}`, `{"kind":"a","kind":"b"}`, `{"body":"A"}`, `{"body":"é"}`, `{"next_in":1,}`,
		`{,}`, `{"next_in":60} x`, `{"rid":null}`, `{"Kind":"fail"}`, `{"time": 7 }`, `{"exit_code":99999999999999999999}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fast, ok := scanPulse(data)
		if !ok {
			return
		}
		var slow api.PulseInput
		if err := web.DecodeJSON(data, &slow, web.Decoding{Unknown: web.RefuseUnknown}); err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if diff := cmp.Diff(slow, fast); diff != "" {
			t.Fatalf("%q: %s", data, diff)
		}
	})
}

func TestScanPulseTakesWhatScriptsSend(t *testing.T) {
	for _, body := range []string{
		`{}`, `{"next_in":60}`, "{\n  \"kind\": \"fail\",\n  \"exit_code\": 3\n}\n", `{"duration":12.75,"rid":"a-1","body":"done"}`,
		`{"time":1700000000}`, `{"time":"2026-01-31T08:00:00Z"}`,
	} {
		if _, ok := scanPulse([]byte(body)); !ok {
			t.Errorf("%s takes the slow way", body)
		}
	}
}

// sink is the cheapest writer there is, so that the benchmark sees our own work.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(int)             {}

type unclosed struct{ *strings.Reader }

func (unclosed) Close() error { return nil }

// BenchmarkPulse measures what the handler costs beside the credential and the store.
func BenchmarkPulse(b *testing.B) {
	h := &routes{Options: Options{Authenticate: func(*http.Request) (auth.Principal, error) {
		return auth.Principal{Scopes: []api.Scope{api.ScopeAdmin}}, nil
	}}}
	h.buffers.New = func() any { b := make([]byte, 0, 512); return &b }
	result := store.PulseResult{
		Name: "backup nightly", Kind: api.PulseSuccess, State: api.StateUp, Last: 1772366408123, NextIn: 90_000,
		Expected: 1772456408123, Deadline: 1772460008123,
	}
	router := chi.NewRouter()
	router.Post(servicePath+"/pulses", web.Handle(func(w http.ResponseWriter, r *http.Request) error {
		_, err := h.allow(r, api.ScopePulse)
		if err != nil {
			return err
		}
		if _, err := readPulse(r); err != nil {
			return err
		}
		_ = signOf(r)
		_ = pathParam(r, "service")
		h.writePulse(w, &result)
		return nil
	}, web.Problems))
	handler := web.NewFloor(web.FloorOptions{Logger: slog.New(slog.DiscardHandler), Now: time.Now}).Wrap(router)
	for name, body := range map[string]string{"empty": "", "json": `{"kind":"success","next_in":90000}`} {
		b.Run(name, func(b *testing.B) {
			reader := strings.NewReader(body)
			r, err := http.NewRequestWithContext(context.Background(), "POST", "http://x/api/v1/services/backup%20nightly/pulses", unclosed{reader})
			if err != nil {
				b.Fatal(err)
			}
			r.ContentLength, r.RemoteAddr = int64(len(body)), "192.0.2.1:4711"
			w := &sink{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				reader.Reset(body)
				handler.ServeHTTP(w, r)
			}
		})
	}
}
