package web

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
)

// pulseBody is what a typical client sends.
const pulseBody = `{"service":"backup nightly","alertType":"mail","alertTarget":"me@example.org","nextIn":90000}`

type pulse struct {
	Service     string `json:"service"`
	AlertType   string `json:"alertType"`
	AlertTarget string `json:"alertTarget"`
	NextIn      int64  `json:"nextIn"`
}

// sink is the cheapest writer there is, so that the benchmarks see our own work.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(int)             {}

type body struct{ *strings.Reader }

func (body) Close() error { return nil }

func request(b *testing.B) (*http.Request, *strings.Reader) {
	reader := strings.NewReader(pulseBody)
	r, err := http.NewRequestWithContext(context.Background(), "POST", "http://x/heartbeat", body{reader})
	if err != nil {
		b.Fatal(err)
	}
	r.ContentLength = int64(len(pulseBody))
	r.RemoteAddr = "192.0.2.7:4711"
	r.Header.Set("Content-Type", "application/json")
	return r, reader
}

func answerPulse(w http.ResponseWriter, r *http.Request) error {
	read, err := ReadBody(r, 64<<10)
	if err != nil {
		return err
	}
	defer read.Release()
	var p pulse
	if err := DecodeJSON(read.Data, &p, Decoding{}); err != nil {
		return err
	}
	return WriteJSON(w, r, http.StatusOK, &p)
}

func benchmarkRoute(b *testing.B, handler http.Handler) {
	r, reader := request(b)
	w := &sink{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(pulseBody)
		clear(w.header)
		handler.ServeHTTP(w, r)
	}
}

// BenchmarkPulse compares a route on the floor with the bare chi handler that figure 1 is measured against.
func BenchmarkPulse(b *testing.B) {
	b.Run("floor", func(b *testing.B) {
		floor := NewFloor(FloorOptions{
			Logger: slog.New(slog.DiscardHandler), Now: time.Now, Observe: func(Observation) {},
		})
		router := chi.NewRouter()
		router.Post("/heartbeat", Handle(answerPulse, Problems))
		benchmarkRoute(b, floor.Wrap(router))
	})
	b.Run("bare", func(b *testing.B) {
		router := chi.NewRouter()
		router.Post("/heartbeat", func(w http.ResponseWriter, r *http.Request) {
			data, _ := io.ReadAll(r.Body)
			var p pulse
			if json.Unmarshal(data, &p) == nil {
				w.Header().Set("Content-Type", "application/json")
				_ = json.NewEncoder(w).Encode(&p)
			}
		})
		benchmarkRoute(b, router)
	})
}

func BenchmarkReadBody(b *testing.B) {
	floor := NewFloor(FloorOptions{Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	r, reader := request(b)
	r = r.WithContext(&exchange{Context: r.Context(), ResponseWriter: &sink{header: http.Header{}}, floor: floor})
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(pulseBody)
		read, err := ReadBody(r, 64<<10)
		if err != nil {
			b.Fatal(err)
		}
		read.Release()
	}
}

func BenchmarkDecodeJSON(b *testing.B) {
	data := []byte(pulseBody)
	b.ReportAllocs()
	for b.Loop() {
		var p pulse
		if err := DecodeJSON(data, &p, Decoding{}); err != nil {
			b.Fatal(err)
		}
	}
}
