package web

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"watchkeeper/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ground is a Floor with everything that can be seen of it.
type ground struct {
	*Floor
	mu       sync.Mutex
	log      bytes.Buffer
	observed []Observation
	time     time.Time
}

// newGround makes a Floor with a clock of its own; change sets what a test needs otherwise.
func newGround(change func(*FloorOptions)) *ground {
	g := &ground{time: time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC)}
	o := FloorOptions{
		Logger: slog.New(slog.NewJSONHandler(lockedWriter{g}, nil)),
		Now:    g.now,
		Observe: func(o Observation) {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.observed = append(g.observed, o)
		},
	}
	if change != nil {
		change(&o)
	}
	g.Floor = NewFloor(o)
	return g
}

type lockedWriter struct{ g *ground }

func (w lockedWriter) Write(b []byte) (int, error) {
	w.g.mu.Lock()
	defer w.g.mu.Unlock()
	return w.g.log.Write(b)
}

func (g *ground) now() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.time
}

func (g *ground) pass(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.time = g.time.Add(d)
}

// lines gives what has been logged since the last call.
func (g *ground) lines(t *testing.T) []map[string]any {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	var lines []map[string]any
	for line := range bytes.Lines(g.log.Bytes()) {
		var m map[string]any
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		lines = append(lines, m)
	}
	g.log.Reset()
	return lines
}

// observations gives what has been measured since the last call.
func (g *ground) observations() []Observation {
	g.mu.Lock()
	defer g.mu.Unlock()
	seen := g.observed
	g.observed = nil
	return seen
}

func answer(h http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func readProblem(t *testing.T, answer *http.Response) *api.Problem {
	t.Helper()
	if got := answer.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %q", got)
	}
	p := new(api.Problem)
	if err := json.NewDecoder(answer.Body).Decode(p); err != nil {
		t.Fatalf("problem: %v", err)
	}
	if p.Status != answer.StatusCode {
		t.Errorf("status %d in the document, %d on the wire", p.Status, answer.StatusCode)
	}
	return p
}

// pipes is a listener whose connections are in memory, so that a server can run on synctest's clock.
type pipes struct {
	connections chan net.Conn
	closed      chan struct{}
	once        sync.Once
}

func newPipes() *pipes { return &pipes{connections: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.connections <- server
	return client
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.connections:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// servePipes runs a server in memory; the function that it returns stops it.
func servePipes(handler http.Handler, o ServerOptions) (dial func() net.Conn, stop func()) {
	p := newPipes()
	server := NewServer(handler, o)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(p) }()
	return p.dial, func() { _ = server.Close(); <-done }
}

func prefixes(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}
