package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchkeeper/api"
)

// pipes is a network within the bubble of a test, where time passes only when everybody waits.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accepted:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { close(p.closed); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.accepted <- far:
		return near, nil
	case <-p.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// within starts a server in the bubble and gives a client of it.
func within(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	p := pipes{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: h}
	served := make(chan error)
	go func() { served <- server.Serve(p) }()
	c, err := New(Options{URL: "http://in-the-bubble", HTTPClient: &http.Client{Transport: &http.Transport{DialContext: p.dial}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		_ = server.Close()
		<-served
	})
	return c
}

// script is a server whose connections each do what one step says.
type script struct {
	t     *testing.T
	steps []func(w http.ResponseWriter, r *http.Request)
	asked []string // Last-Event-ID of each connection, with the time since the start
	start time.Time
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked = append(s.asked, fmt.Sprintf("%s after %q", time.Since(s.start).Round(time.Second), r.Header.Get("Last-Event-ID")))
	if len(s.asked) > len(s.steps) {
		s.t.Errorf("a connection too many: %v", s.asked)
		w.WriteHeader(http.StatusForbidden)
		return
	}
	s.steps[len(s.asked)-1](w, r)
}

// says sends text and then does what then says.
func says(text string, then func(r *http.Request)) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		_, _ = io.WriteString(w, text)
		_ = http.NewResponseController(w).Flush()
		then(r)
	}
}

func ends(*http.Request)    {}
func stays(r *http.Request) { <-r.Context().Done() }
func breaks(*http.Request)  { panic(http.ErrAbortHandler) }
func event(id int64) string { return fmt.Sprintf("id: 1-%d\ndata: {\"id\":%d}\n\n", id, id) }
func refuses(kind api.ErrorKind) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(kind.Status()) }
}

// follow gives what FollowEvents gave until n events came, or all if n is 0, and its last error.
func follow(ctx context.Context, c *Client, o Follow, n int) (ids []int64, positions []string, err error) {
	for e, err := range c.FollowEvents(ctx, o) {
		if err != nil {
			return ids, positions, err
		}
		ids, positions = append(ids, e.ID), append(positions, e.Position)
		if len(ids) == n {
			break
		}
	}
	return ids, positions, nil
}

func TestFollowGoesOnWhereItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t, start: time.Now()}
		s.steps = []func(http.ResponseWriter, *http.Request){
			says("retry: 2000\n\n"+event(7)+event(8), ends),
			says(event(9)+"id: 1-10\ndata: {\"id\"", breaks), // half a message is none
			refuses(api.KindUnavailable),
			refuses(api.KindInternal),
			says(event(10), stays), // falls silent
			says(": still here\n\n"+event(11), stays),
		}
		var waits []string
		ids, positions, err := follow(t.Context(), within(t, s.ServeHTTP), Follow{Broken: func(cause error, wait time.Duration) {
			if wait <= 0 {
				t.Errorf("a wait of %s", wait)
			}
			waits = append(waits, cause.Error())
		}}, 5)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int64{7, 8, 9, 10, 11}, ids); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if want := "1-11"; positions[4] != want {
			t.Errorf("position %s, want %s", positions[4], want)
		}
		after := make([]string, len(s.asked))
		for i, a := range s.asked {
			_, after[i], _ = strings.Cut(a, " after ")
		}
		if diff := cmp.Diff([]string{`""`, `"1-8"`, `"1-9"`, `"1-9"`, `"1-9"`, `"1-10"`}, after); diff != "" {
			t.Errorf("Last-Event-ID (-want +got):\n%s", diff)
		}
		if len(waits) != 5 || !strings.Contains(waits[1], "broke") || waits[4] != errSilent.Error() {
			t.Errorf("breaks %q", waits)
		}
	})
}

func TestFollowBeginsWhereItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		level := api.LevelError
		c := within(t, func(w http.ResponseWriter, r *http.Request) {
			if got, want := r.RequestURI, "/api/v1/events/stream?level=3&service=x"; got != want {
				t.Errorf("asked for %s, want %s", got, want)
			}
			if got := r.Header.Get("Last-Event-ID"); got != "1-6" {
				t.Errorf("Last-Event-ID %q", got)
			}
			says("event: later\ndata: ?\n\n"+event(7), stays)(w, r)
		})
		ids, _, err := follow(t.Context(), c, Follow{EventFilter: EventFilter{Service: "x", Level: &level, From: 5}, After: "1-6"}, 1)
		if err != nil || !slices.Equal(ids, []int64{7}) {
			t.Errorf("events %v, %v", ids, err)
		}
	})
}

func TestFollowLearnsWhereItIsBeforeTheFirstEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t, start: time.Now()}
		s.steps = []func(http.ResponseWriter, *http.Request){says("id: 1-41\n\n", ends), says(event(42), stays)}
		if _, _, err := follow(t.Context(), within(t, s.ServeHTTP), Follow{}, 1); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(s.asked[1], `"1-41"`) {
			t.Errorf("connections %v", s.asked)
		}
	})
}

func TestFollowWaitsLongerEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		c := within(t, refuses(api.KindUnavailable))
		var waits []time.Duration
		_, _, err := follow(ctx, c, Follow{Broken: func(_ error, wait time.Duration) {
			if waits = append(waits, wait); len(waits) == 9 {
				cancel()
			}
		}}, 0)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		for i, wait := range waits {
			most := min(time.Second<<i, usualPatience.most)
			if wait < most/2 || wait > most {
				t.Errorf("wait %d is %s, want %s to %s", i+1, wait, most/2, most)
			}
		}
	})
}

func TestFollowHeedsRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t, start: time.Now()}
		s.steps = []func(http.ResponseWriter, *http.Request){
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "20")
				w.WriteHeader(http.StatusTooManyRequests)
			},
			says(event(1), stays),
		}
		if _, _, err := follow(t.Context(), within(t, s.ServeHTTP), Follow{}, 1); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(s.asked[1], "20s") {
			t.Errorf("connections %v", s.asked)
		}
	})
}

func TestFollowEndsForGood(t *testing.T) {
	tests := map[string]struct {
		step func(http.ResponseWriter, *http.Request)
		kind api.ErrorKind
	}{
		"not allowed":          {refuses(api.KindForbidden), api.KindForbidden},
		"another generation":   {refuses(api.KindGone), api.KindGone},
		"somebody else's page": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, api.KindInternal},
		"no event":             {says("data: <html>\n\n", stays), api.KindInternal},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{t: t, start: time.Now(), steps: []func(http.ResponseWriter, *http.Request){test.step}}
				ids, _, err := follow(t.Context(), within(t, s.ServeHTTP), Follow{}, 0)
				if api.KindOf(err) != test.kind || len(ids) > 0 {
					t.Errorf("kind %s, error %v, events %v", api.KindOf(err), err, ids)
				}
			})
		})
	}
}

func TestFollowGivesUpOnSomebodyWhoNeverAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t, start: time.Now()}
		s.steps = []func(http.ResponseWriter, *http.Request){
			func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			says(event(1), stays),
		}
		if _, _, err := follow(t.Context(), within(t, s.ServeHTTP), Follow{}, 1); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(s.asked[1], "31s") && !strings.HasPrefix(s.asked[1], "30s") {
			t.Errorf("connections %v", s.asked)
		}
	})
}

func TestFollowEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		alive := func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				says(": still here\n\n", func(r *http.Request) {
					select {
					case <-r.Context().Done():
					case <-time.After(15 * time.Second):
					}
				})(w, r)
			}
		}
		_, _, err := follow(ctx, within(t, alive), Follow{Broken: func(cause error, _ time.Duration) { t.Errorf("broken by %v", cause) }}, 0)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	})
}
