package watchtower_test

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"watchkeeper/server/httpapi/httpapitest"
	"watchkeeper/server/store/storetest/pgtest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(pgtest.Wrap(m))
}

// tower is a server as clients of watchTower see it.
type tower struct{ *httpapitest.Server }

// onSQLite is for what cannot differ between the engines.
func onSQLite(tb testing.TB) tower {
	tb.Helper()
	return tower{httpapitest.SQLite(tb, httpapitest.Options{})}
}

func onEach(t *testing.T, test func(t *testing.T, s tower)) {
	t.Helper()
	httpapitest.Each(t, httpapitest.Options{}, func(t *testing.T, s *httpapitest.Server) { test(t, tower{s}) })
}

// object is a JSON object.
type object = map[string]any

// call puts a request with the right password and gives the answer, which must have HTTP status 200.
func (s tower) call(tb testing.TB, to, body string, header ...string) object {
	tb.Helper()
	r := s.Ask(tb, httpapitest.Ask{To: to, Body: body, Header: header})
	if r.Status != 200 {
		tb.Fatalf("%s: HTTP status %d: %s", to, r.Status, r.Body)
	}
	return r.JSON(tb)
}

// done is call for what must succeed.
func (s tower) done(tb testing.TB, to, body string, header ...string) object {
	tb.Helper()
	answer := s.call(tb, to, body, header...)
	if answer["result"] != 200.0 {
		tb.Fatalf("%s %s: %v", to, body, answer)
	}
	return answer
}

// hint is call for what must fail, and gives the hint.
func (s tower) hint(tb testing.TB, to, body string, header ...string) string {
	tb.Helper()
	answer := s.call(tb, to, body, header...)
	hint, _ := answer["hint"].(string)
	if answer["result"] != 500.0 || hint == "" || len(answer) != 2 {
		tb.Fatalf("%s %.200s: %v, want result 500 with a hint", to, body, answer)
	}
	return hint
}

// pulse sends a pulse of a service and gives its heartbeat.
func (s tower) pulse(tb testing.TB, service string, nextIn int) object {
	tb.Helper()
	body := text(object{"service": service, "alertType": "mail", "alertTarget": "me@example.org", "nextIn": nextIn})
	return s.done(tb, "POST /heartbeat", body)["heartBeat"].(object)
}

func (s tower) cancel(tb testing.TB, service string) any {
	tb.Helper()
	return s.done(tb, "DELETE /heartbeat", text(object{"service": service}))["heartBeat"]
}

// get gives the heartbeat of a service.
func (s tower) get(tb testing.TB, service string) object {
	tb.Helper()
	return s.done(tb, "GET /heartbeat/"+url.PathEscape(service), "")["heartBeat"].(object)
}

// heartbeats gives the names of all services that are listed.
func (s tower) heartbeats(tb testing.TB) []string {
	tb.Helper()
	return texts(s.done(tb, "GET /heartbeats", "")["heartBeats"], "service")
}

// event adds an event; the fields come in pairs of a name and a value.
func (s tower) event(tb testing.TB, service, message string, fields ...any) {
	tb.Helper()
	body := object{"service": service, "message": message}
	for i := 0; i < len(fields); i += 2 {
		body[fields[i].(string)] = fields[i+1]
	}
	s.done(tb, "POST /event", text(body))
}

// events gives a list of events; query is what stands behind the question mark.
func (s tower) events(tb testing.TB, query string) []any {
	tb.Helper()
	return s.done(tb, "GET /events?"+query, "")["events"].([]any)
}

// messages gives the messages of a list of events.
func (s tower) messages(tb testing.TB, query string) []string {
	tb.Helper()
	return texts(s.events(tb, query), "message")
}

// texts gives one text of each object of a list.
func texts(list any, key string) []string {
	all := []string{}
	for _, item := range list.([]any) {
		all = append(all, item.(object)[key].(string))
	}
	return all
}

// text gives v as JSON.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func same(tb testing.TB, what string, got, want any) {
	tb.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
