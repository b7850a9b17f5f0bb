package v1_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"watchkeeper/api"
)

// tail is a reader of the stream.
type tail struct {
	tb     testing.TB
	answer *http.Response
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

// follow opens the stream on a real server, which the test closes.
func (s *server) follow(tb testing.TB, base, query string, header map[string]string) *tail {
	tb.Helper()
	// A stream that stays silent is a test that fails, not one that hangs.
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	r := must(http.NewRequestWithContext(ctx, "GET", base+"/api/v1/events/stream?"+query, nil))(tb)
	r.Header.Set("password", password)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	answer := must(http.DefaultClient.Do(r))(tb)
	return &tail{tb: tb, answer: answer, lines: bufio.NewScanner(answer.Body), cancel: cancel}
}

func (t *tail) close() {
	t.cancel()
	_, _ = io.Copy(io.Discard, t.answer.Body)
	_ = t.answer.Body.Close()
}

// next gives the next message and its id.
func (t *tail) next() (id string, e api.Event) {
	t.tb.Helper()
	for t.lines.Scan() {
		line := t.lines.Text()
		if rest, found := strings.CutPrefix(line, "id: "); found {
			id = rest
		}
		if rest, found := strings.CutPrefix(line, "data: "); found {
			if err := json.Unmarshal([]byte(rest), &e); err != nil {
				t.tb.Fatalf("%s: %v", line, err)
			}
			return id, e
		}
	}
	t.tb.Fatalf("the stream ended: %v", t.lines.Err())
	return "", e
}

// ended waits for the end and gives the last line that is not blank.
func (t *tail) ended() string {
	t.tb.Helper()
	last := ""
	for t.lines.Scan() {
		if line := t.lines.Text(); line != "" {
			last = line
		}
	}
	if err := t.lines.Err(); err != nil {
		t.tb.Errorf("the stream was cut: %v", err)
	}
	return last
}

func streaming(tb testing.TB) (*server, string) {
	tb.Helper()
	s := onSQLite(tb)
	front := httptest.NewServer(s)
	tb.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		front.Close()
	})
	return s, front.URL
}

func (s *server) say(tb testing.TB, service string, n int) {
	tb.Helper()
	s.post(tb, "/api/v1/events", fmt.Sprintf(`{"service":%q,"message":"%d","level":%d}`, service, n, n%5)).want(201)
}

func TestStreamGivesWhatComes(t *testing.T) {
	s, base := streaming(t)
	s.say(t, "a", 0)
	tail := s.follow(t, base, "", nil)
	defer tail.close()
	if got := tail.answer.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("content type %q", got)
	}
	for n := 1; n < 5; n++ {
		s.say(t, "a", n)
		id, e := tail.next()
		if e.Message != fmt.Sprint(n) || id != fmt.Sprintf("3-%d", e.ID) || e.LevelName == "" {
			t.Errorf("%s %+v", id, e)
		}
	}
}

func TestStreamGoesOnWhereItWas(t *testing.T) {
	s, base := streaming(t)
	inputs := make([]api.EventInput, 1200) // more than one look reads
	for n := range inputs {
		inputs[n] = api.EventInput{Service: "a", Message: fmt.Sprint(n)}
	}
	must(s.options.Events.Add(inputs, nil))(t)
	first := s.follow(t, base, "after=3-0", nil)
	var id string
	for n := range 700 {
		var e api.Event
		if id, e = first.next(); e.Message != fmt.Sprint(n) {
			t.Fatalf("message %s, want %d", e.Message, n)
		}
	}
	first.close()
	for name, again := range map[string]*tail{
		"header":          s.follow(t, base, "after=3-0", map[string]string{"Last-Event-ID": id}),
		"after":           s.follow(t, base, "after="+id, nil),
		"other parameter": s.follow(t, base, "last_event_id="+id, nil),
	} {
		for n := 700; n < 1200; n++ {
			if _, e := again.next(); e.Message != fmt.Sprint(n) {
				t.Fatalf("%s: message %s, want %d", name, e.Message, n)
			}
		}
		again.close()
	}
}

func TestStreamIsNarrowed(t *testing.T) {
	s, base := streaming(t)
	for query, header := range map[string]map[string]string{
		"after=3-0&service=b":                  nil,
		"after=3-0&service_re=^B$&level=error": nil,
		"after=3-0&message=3&level=3":          nil,
		"after=3-0&message_re=^[38]$":          nil,
		"after=3-0":                            {"password": s.token(t, api.ScopeRead, "b*")},
	} {
		tail := s.follow(t, base, strings.ReplaceAll(query, "^", "%5E"), header)
		defer tail.close()
		s.say(t, "a", 2)
		s.say(t, "b", 3)
		if _, e := tail.next(); e.Service != "b" || e.Message != "3" {
			t.Errorf("%s: %+v", query, e)
		}
	}
}

func TestStreamEndsWithTheServer(t *testing.T) {
	s, base := streaming(t)
	tail := s.follow(t, base, "", nil)
	defer tail.close()
	s.say(t, "a", 1)
	tail.next()
	close(s.closing)
	if last := tail.ended(); last != ": closing" {
		t.Errorf("last line %q", last)
	}
}

func TestStreamEndsWithTheCredential(t *testing.T) {
	s, base := streaming(t)
	text, token, err := s.options.Tokens.Create(t.Context(), api.TokenInput{Name: "t", Scopes: []api.Scope{api.ScopeRead}})
	if err != nil {
		t.Fatal(err)
	}
	tail := s.follow(t, base, "", map[string]string{"password": text})
	defer tail.close()
	s.say(t, "a", 1)
	tail.next()
	s.ask(t, ask{method: "DELETE", path: "/api/v1/tokens/" + token.ID}).want(204)
	if last := tail.ended(); last != "" {
		t.Errorf("last line %q", last)
	}
}

// TestStreamSaysWhereItBegins reads what comes before any event, which is enough to come back without a gap.
func TestStreamSaysWhereItBegins(t *testing.T) {
	s, base := streaming(t)
	begin := func(query string, header map[string]string) string {
		tail := s.follow(t, base, query, header)
		defer tail.close()
		first := ""
		for !strings.HasPrefix(first, "id: ") && tail.lines.Scan() {
			first = tail.lines.Text()
		}
		if tail.lines.Scan(); tail.lines.Text() != "" {
			t.Errorf("%s is followed by %q", first, tail.lines.Text())
		}
		return first
	}
	if got := begin("after=3-41", nil); got != "id: 3-41" { // while there is none, all may have been removed
		t.Errorf("an empty stream begins with %q", got)
	}
	s.say(t, "a", 1)
	s.say(t, "a", 2)
	if got := begin("", nil); got != "id: 3-2" {
		t.Errorf("a new reader begins with %q", got)
	}
	if got := begin("", map[string]string{"Last-Event-ID": "3-1"}); got != "id: 3-1" {
		t.Errorf("one that comes back begins with %q", got)
	}
	r := s.ask(t, ask{method: "HEAD", path: "/api/v1/events/stream"})
	if r.status != 405 { // this router does not lead HEAD to GET; see TestHeadOfTheStream of package httpapi
		t.Errorf("asked for the head alone: %d %q", r.status, r.body)
	}
}

func TestStreamThatCannotBegin(t *testing.T) {
	s := onSQLite(t)
	s.say(t, "a", 1)
	for _, c := range []struct {
		query, position string
		kind            api.ErrorKind
	}{
		{"after=x", "", api.KindMalformed},
		{"after=2-7", "", api.KindGone},
		{"", "4-1", api.KindGone},
		{"", "3-2", api.KindGone}, // there is one event
		{"after=3-9000000000000000000", "", api.KindGone},
		{"level=loud", "", api.KindInvalid},
		{"service_re=(", "", api.KindInvalid},
		{"from=1", "", api.KindInvalid},
		{"service=%zz", "", api.KindMalformed},
	} {
		header := map[string]string{}
		if c.position != "" {
			header["Last-Event-ID"] = c.position
		}
		s.ask(t, ask{method: "GET", path: "/api/v1/events/stream?" + c.query, header: header}).refused(c.kind)
	}
	s.ask(t, ask{method: "GET", path: "/api/v1/events/stream", token: "none"}).refused(api.KindUnauthorized)
}
