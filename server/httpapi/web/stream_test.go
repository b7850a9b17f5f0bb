package web

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// streaming is a server with one stream, in memory and on synctest's clock.
type streaming struct {
	*ground
	wake    chan struct{}
	closing chan struct{}
	send    chan Message // what the next look sends
	ended   chan error   // what Follow returned
}

func newStreaming() *streaming {
	return &streaming{
		ground: newGround(nil), wake: make(chan struct{}, 1), closing: make(chan struct{}),
		send: make(chan Message, 100), ended: make(chan error, 1),
	}
}

func (s *streaming) handle(w http.ResponseWriter, r *http.Request) error {
	stream, err := Streams{Closing: s.closing}.Open(w, r)
	if err != nil {
		return err
	}
	err = stream.Follow(s.wake, func(context.Context) error {
		for {
			select {
			case m := <-s.send:
				if string(m.Data) == "fail" {
					return errors.New("store is away")
				}
				if err := stream.Send(m); err != nil {
					return err
				}
			default:
				return nil
			}
		}
	})
	s.ended <- err
	return err
}

// open asks for the stream and gives what comes after the headers.
func (s *streaming) open(t *testing.T) (connection net.Conn, body *bufio.Reader, stop func()) {
	t.Helper()
	dial, stopServer := servePipes(s.Wrap(router(s.handle, Problems)), ServerOptions{Floor: s.Floor})
	connection = dial()
	_, _ = io.WriteString(connection, "GET /thing/x HTTP/1.1\r\nHost: x\r\n\r\n")
	got, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.StatusCode != 200 || got.Header.Get("Content-Type") != "text/event-stream" || got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", got.StatusCode, got.Header)
	}
	return connection, bufio.NewReader(got.Body), func() { _ = connection.Close(); stopServer() }
}

// next reads up to the blank line that ends a message.
func next(t *testing.T, body *bufio.Reader) string {
	t.Helper()
	var text strings.Builder
	for {
		line, err := body.ReadString('\n')
		if err != nil {
			t.Fatalf("after %q: %v", text.String(), err)
		}
		if line == "\n" {
			return text.String()
		}
		text.WriteString(line)
	}
}

func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreaming()
		s.send <- Message{ID: "1-7", Event: "event", Data: []byte(`{"a":1}`)}
		_, body, stop := s.open(t)
		defer stop()
		started := time.Now()
		expect := func(want string, after time.Duration) {
			t.Helper()
			if got := next(t, body); got != want || time.Since(started) != after {
				t.Errorf("%q after %v, want %q after %v", got, time.Since(started), want, after)
			}
		}
		expect("retry: 1000\n", 0)
		expect("id: 1-7\nevent: event\ndata: {\"a\":1}\n", 0)
		expect(": still here\n", 15*time.Second)
		expect(": still here\n", 30*time.Second)
		time.Sleep(5 * time.Second)
		s.send <- Message{Data: []byte("one\ntwo\r\nthree\rfour")}
		s.wake <- struct{}{}
		expect("data: one\ndata: two\ndata: three\ndata: four\n", 35*time.Second)
		expect(": still here\n", 50*time.Second) // a message is a sign of life too
		for range 100 {                          // longer than every time-out of the server
			next(t, body)
		}
		close(s.closing)
		expect(": closing\n", 1550*time.Second)
		if _, err := body.ReadByte(); err != io.EOF {
			t.Errorf("the end: %v", err)
		}
		if err := <-s.ended; err != nil {
			t.Error(err)
		}
		if lines := s.lines(t); len(lines) != 0 {
			t.Errorf("log %v", lines)
		}
	})
}

func TestStreamsEnd(t *testing.T) {
	for name, c := range map[string]struct {
		act    func(s *streaming, connection net.Conn)
		within time.Duration
		failed bool
	}{
		"reader leaves": {func(_ *streaming, connection net.Conn) { _ = connection.Close() }, 0, false},
		// The next heartbeat cannot be written, and waits for as long as a reader may keep it waiting.
		"reader is stuck": {func(*streaming, net.Conn) {}, 25 * time.Second, false},
		"reader is stuck in a message": {func(s *streaming, _ net.Conn) {
			s.send <- Message{Data: make([]byte, 1<<20)}
			s.wake <- struct{}{}
		}, 10 * time.Second, false},
		"look fails": {func(s *streaming, _ net.Conn) {
			s.send <- Message{Data: []byte("fail")}
			s.wake <- struct{}{}
		}, 0, true},
		"message with a broken id": {func(s *streaming, _ net.Conn) {
			s.send <- Message{ID: "1\ndata: forged"}
			s.wake <- struct{}{}
		}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStreaming()
				connection, body, stop := s.open(t)
				defer stop()
				next(t, body)
				started := time.Now()
				c.act(s, connection)
				err := <-s.ended
				if (err != nil) != c.failed || time.Since(started) > c.within {
					t.Errorf("ended after %v with %v", time.Since(started), err)
				}
				synctest.Wait()
				if lines := s.lines(t); (len(lines) > 0) != c.failed {
					t.Errorf("log %v", lines)
				}
			})
		})
	}
}

// TestStreamOverHTTP2 lives longer than the deadline of one message, in real time, since HTTP/2 has deadlines of its own.
func TestStreamOverHTTP2(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	server := serveTLS(t, g, g.Wrap(router(func(w http.ResponseWriter, r *http.Request) error {
		stream, err := Streams{Heartbeat: 50 * time.Millisecond, Write: 20 * time.Millisecond}.Open(w, r)
		if err != nil {
			return err
		}
		return stream.Follow(nil, func(context.Context) error { return nil })
	}, Problems)))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, "GET", server.URL+"/thing/x", nil)
	got, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	body := bufio.NewReader(got.Body)
	for i, want := range []string{"retry: 1000\n", ": still here\n", ": still here\n", ": still here\n"} {
		if text := next(t, body); got.ProtoMajor != 2 || text != want {
			t.Errorf("message %d by %s: %q", i, got.Proto, text)
		}
	}
}

func TestStreamNeedsAWriterThatCan(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	h := g.Wrap(router(func(w http.ResponseWriter, r *http.Request) error {
		_, err := Streams{}.Open(w, r)
		return err
	}, Problems))
	if got := answer(h, httptest.NewRequest("GET", "/thing/x", nil)); got.StatusCode != 500 {
		t.Errorf("status %d", got.StatusCode)
	}
}

func TestLastEventID(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ header, query, want string }{
		{"", "", ""}, {"1-7", "", "1-7"}, {"", "?last_event_id=1-8", "1-8"}, {"1-7", "?last_event_id=1-8", "1-7"},
	} {
		r := httptest.NewRequest("GET", "/"+c.query, nil)
		if c.header != "" {
			r.Header.Set("Last-Event-ID", c.header)
		}
		if got := LastEventID(r); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
