package web

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-chi/chi/v5"
)

// readAndCount answers with the length of the body, after a while.
func readAndCount(wait time.Duration) chi.Router {
	return router(func(w http.ResponseWriter, r *http.Request) error {
		body, err := ReadBody(r, 1<<20)
		if err != nil {
			return err
		}
		defer body.Release()
		select {
		case <-time.After(wait):
		case <-r.Context().Done():
			return r.Context().Err()
		}
		_, err = fmt.Fprint(w, len(body.Data))
		return err
	}, Problems)
}

// TestSlowBodies runs a server in memory on synctest's clock.
func TestSlowBodies(t *testing.T) {
	type burst struct {
		after time.Duration
		bytes int
	}
	every := func(d time.Duration, bytes, times int) []burst {
		var list []burst
		for range times {
			list = append(list, burst{d, bytes})
		}
		return list
	}
	for name, c := range map[string]struct {
		announced int
		sent      []burst
		wait      time.Duration // of the handler, after the body
		status    int
		min, max  time.Duration
	}{
		"at once":              {100, every(0, 100, 1), 0, 200, 0, 0},
		"nothing":              {100, nil, 0, 408, 30 * time.Second, 31 * time.Second},
		"a byte a second":      {1000, every(time.Second, 1, 1000), 0, 408, 10 * time.Second, 12 * time.Second},
		"begins, then stalls":  {1000, every(0, 10, 1), 0, 408, 10 * time.Second, 11 * time.Second},
		"fast, then stalls":    {200_000, every(0, 100_000, 1), 0, 408, 10 * time.Second, 11 * time.Second},
		"fast, then drips":     {200_000, append(every(0, 100_000, 1), every(time.Second, 100, 1000)...), 0, 408, 10 * time.Second, 25 * time.Second},
		"slow and steady":      {100_000, every(time.Second, 2000, 50), 0, 200, 50 * time.Second, 51 * time.Second},
		"slow, then work":      {100_000, every(time.Second, 2000, 50), 55 * time.Second, 200, 105 * time.Second, 106 * time.Second},
		"work that takes long": {100, every(0, 100, 1), 29 * time.Second, 200, 29 * time.Second, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGround(nil)
				dial, stop := servePipes(g.Wrap(readAndCount(c.wait)), ServerOptions{Floor: g.Floor})
				defer stop()
				connection := dial()
				defer connection.Close()
				started := time.Now()
				fmt.Fprintf(connection, "POST /thing/x HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", c.announced)
				sent := make(chan struct{})
				go func() {
					defer close(sent)
					for _, b := range c.sent {
						time.Sleep(b.after)
						if _, err := connection.Write(make([]byte, b.bytes)); err != nil {
							return
						}
					}
				}()
				got, err := http.ReadResponse(bufio.NewReader(connection), nil)
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, got.Body)
				took := time.Since(started)
				_ = connection.Close()
				<-sent
				if got.StatusCode != c.status || took < c.min || took > c.max {
					t.Errorf("status %d after %v", got.StatusCode, took)
				}
				if got.Close != (c.status == 408) {
					t.Errorf("the connection is closed: %v", got.Close)
				}
			})
		})
	}
}

func TestExtend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGround(nil)
		h := g.Wrap(router(func(w http.ResponseWriter, r *http.Request) error {
			Extend(w, 5*time.Minute)
			select {
			case <-time.After(4 * time.Minute):
			case <-r.Context().Done():
				return r.Context().Err()
			}
			_, err := io.WriteString(w, "done")
			return err
		}, Problems))
		dial, stop := servePipes(h, ServerOptions{Floor: g.Floor})
		defer stop()
		connection := dial()
		defer connection.Close()
		_, _ = io.WriteString(connection, "GET /thing/x HTTP/1.1\r\nHost: x\r\n\r\n")
		got, err := http.ReadResponse(bufio.NewReader(connection), nil)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(got.Body); string(text) != "done" || err != nil {
			t.Errorf("%q, %v", text, err)
		}
	})
}

// TestSlowBodyOverTCP sees that the limits hold on real connections, and that others are served meanwhile.
func TestSlowBodyOverTCP(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	server := NewServer(g.Wrap(readAndCount(0)), ServerOptions{Floor: g.Floor, ReadTimeout: 300 * time.Millisecond})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	defer func() { _ = server.Close(); <-done }()

	var dialer net.Dialer
	slow, err := dialer.DialContext(context.Background(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	_, _ = io.WriteString(slow, "POST /thing/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")

	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for range 20 {
		got, err := client.Post("http://"+listener.Addr().String()+"/thing/x", "", strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := io.ReadAll(got.Body); string(text) != "5" {
			t.Errorf("a quick request beside it: %q", text)
		}
		got.Body.Close()
	}

	_ = slow.SetReadDeadline(time.Now().Add(10 * time.Second))
	reader := bufio.NewReader(slow)
	got, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if p := readProblem(t, got); p.Status != 408 {
		t.Errorf("%+v", p)
	}
	if _, err := reader.ReadByte(); err != io.EOF {
		t.Errorf("the connection stays open: %v", err)
	}
}
