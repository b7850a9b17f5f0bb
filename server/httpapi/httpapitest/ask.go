package httpapitest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Ask is a request.
type Ask struct {
	To   string // method and path, such as "POST /heartbeat"
	Body string
	// Password is the header password: "" is the right one, None none at all.
	Password string
	Header   []string // "Name: value"
}

// None in the place of a password leaves the header out.
const None = "\x00none"

// Reply is what came back.
type Reply struct {
	Status int
	Header http.Header
	Body   string
}

// Ask puts a request to the routes.
func (s *Server) Ask(tb testing.TB, a Ask) *Reply {
	tb.Helper()
	method, path, _ := strings.Cut(a.To, " ")
	r := httptest.NewRequest(method, path, strings.NewReader(a.Body))
	switch a.Password {
	case "":
		r.Header.Set("password", Password)
	case None:
	default:
		r.Header.Set("password", a.Password)
	}
	for _, line := range a.Header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	return s.Serve(tb, r)
}

// Serve answers a request that a test has made itself.
func (s *Server) Serve(tb testing.TB, r *http.Request) *Reply {
	tb.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return &Reply{Status: w.Code, Header: w.Result().Header, Body: w.Body.String()}
}

// JSON reads the answer, which must be one line of JSON, as the protocol of watchTower wants it.
func (r *Reply) JSON(tb testing.TB) map[string]any {
	tb.Helper()
	if got := r.Header.Get("Content-Type"); got != "application/json" {
		tb.Fatalf("content type %q of %s", got, r.Body)
	}
	if strings.Contains(strings.TrimSuffix(r.Body, "\n"), "\n") {
		tb.Fatalf("the answer has more than one line: %s", r.Body)
	}
	var v map[string]any
	if err := json.Unmarshal([]byte(r.Body), &v); err != nil {
		tb.Fatalf("%v: %s", err, r.Body)
	}
	return v
}
