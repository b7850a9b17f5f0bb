package web

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-chi/chi/v5"
)

// serveTLS runs a real server with TLS and HTTP/2.
func serveTLS(t *testing.T, g *ground, h http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Config = NewServer(h, ServerOptions{Floor: g.Floor, TLS: new(tls.Config)})
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestServerSpeaksHTTP2(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	server := serveTLS(t, g, g.Wrap(readAndCount(0)))
	got, err := server.Client().Post(server.URL+"/thing/x", "text/plain", strings.NewReader(strings.Repeat("x", 500_000)))
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	if text, _ := io.ReadAll(got.Body); got.ProtoMajor != 2 || string(text) != "500000" {
		t.Errorf("%s %q", got.Proto, text)
	}
	got, err = server.Client().Post(server.URL+"/thing/x", "text/plain", strings.NewReader(strings.Repeat("x", 2<<20)))
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	if p := readProblem(t, got); p.Status != 413 {
		t.Errorf("%+v", p)
	}
}

func TestServerRefusesLargeHeaders(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	server := serveTLS(t, g, g.Wrap(readAndCount(0)))
	for size, want := range map[int]int{32 << 10: 404, 128 << 10: 431} {
		r, _ := http.NewRequest("GET", server.URL+"/nothing", nil)
		r.Header.Set("X-Large", strings.Repeat("x", size))
		transport := server.Client().Transport.(*http.Transport).Clone()
		transport.ForceAttemptHTTP2 = false
		transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
		got, err := (&http.Client{Transport: transport}).Do(r)
		if err != nil {
			t.Errorf("headers of %d bytes: %v", size, err)
			continue
		}
		got.Body.Close()
		transport.CloseIdleConnections()
		if got.StatusCode != want {
			t.Errorf("headers of %d bytes: %d", size, got.StatusCode)
		}
	}
}

func TestConnectionsThatFailAreCounted(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	server := serveTLS(t, g, g.Wrap(readAndCount(0)))
	for range 3 {
		connection, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(connection, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		text, _ := io.ReadAll(connection)
		if !strings.HasPrefix(string(text), "HTTP/1.0 400 ") {
			t.Errorf("plain HTTP is answered with %q", text)
		}
		connection.Close()
	}
	server.Close()
	g.refusals.flush(0)
	if got := causes(g.lines(t)); got != "tls_handshake unmatched 1; tls_handshake unmatched 2" {
		t.Error(got)
	}
}

func TestSlowHeadersAndIdleConnectionsAreCut(t *testing.T) {
	for name, c := range map[string]struct {
		sent     string
		min, max time.Duration
	}{
		"nothing":     {"", 10 * time.Second, 11 * time.Second},
		"half a line": {"GET /thing", 10 * time.Second, 11 * time.Second},
		"idle":        {"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 2 * time.Minute, 2*time.Minute + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGround(nil)
				dial, stop := servePipes(g.Wrap(readAndCount(0)), ServerOptions{Floor: g.Floor})
				defer stop()
				connection := dial()
				defer connection.Close()
				started := time.Now()
				_, _ = io.WriteString(connection, c.sent)
				_, _ = io.Copy(io.Discard, connection)
				if took := time.Since(started); took < c.min || took > c.max {
					t.Errorf("cut after %v", took)
				}
			})
		})
	}
}

func TestInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGround(nil)
		release := make(chan struct{})
		r := chi.NewRouter()
		r.With(InFlight(2, Problems)).Get("/", func(http.ResponseWriter, *http.Request) { <-release })
		h := g.Wrap(r)
		ask := func() *http.Response { return answer(h, httptest.NewRequest("GET", "/", nil)) }
		statuses := make(chan int)
		for range 2 {
			go func() { statuses <- ask().StatusCode }()
		}
		synctest.Wait()
		for range 3 {
			got := ask()
			if got.StatusCode != 503 || got.Header.Get("Retry-After") != "1" {
				t.Errorf("the third at once: %d, Retry-After %q", got.StatusCode, got.Header.Get("Retry-After"))
			}
		}
		close(release)
		for range 2 {
			if status := <-statuses; status != 200 {
				t.Errorf("one of the first two: %d", status)
			}
		}
		if got := ask(); got.StatusCode != 200 {
			t.Errorf("afterwards: %d", got.StatusCode)
		}
	})
}

func TestBodyIsReadOverOneConnectionManyTimes(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	server := httptest.NewServer(g.Wrap(readAndCount(0)))
	defer server.Close()
	connection, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	reader := bufio.NewReader(connection)
	for _, size := range []int{0, 1, smallBody, 100_000, 7} {
		fmt.Fprintf(connection, "POST /thing/x HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size))
		got, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := io.ReadAll(got.Body); string(text) != fmt.Sprint(size) {
			t.Errorf("%d bytes: %q", size, text)
		}
	}
}

func TestLengthOfAnswers(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	size := 0
	server := httptest.NewServer(g.Wrap(router(func(w http.ResponseWriter, r *http.Request) error {
		return WriteJSON(w, r, http.StatusOK, strings.Repeat("x", size))
	}, Problems)))
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for _, size = range []int{0, 1000, countedBody, 100_000} {
		for _, method := range []string{"GET", "HEAD"} {
			r, _ := http.NewRequest(method, server.URL+"/thing/x", nil)
			got, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(got.Body)
			got.Body.Close()
			want := size + len("\"\"\n")
			if got.ContentLength != int64(want) || err != nil || method == "GET" && len(text) != want {
				t.Errorf("%s of %d bytes: length %d, %d bytes, %v", method, want, got.ContentLength, len(text), err)
			}
		}
	}
}
