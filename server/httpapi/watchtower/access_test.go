package watchtower_test

import (
	"encoding/base64"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/httpapi/httpapitest"
)

// everything is all routes.
var everything = []string{
	"GET /", "POST /", "DELETE /", "POST /heartbeat", "DELETE /heartbeat", "GET /heartbeats", "GET /get/a", "GET /heartbeat/a",
	"POST /add-event", "POST /event", "GET /list-events", "GET /events", "GET /hello", "GET /pings",
}

const refusal = `{"result":403}` + "\n"

func TestPasswordIsNeeded(t *testing.T) {
	s := onSQLite(t)
	for _, to := range everything {
		for name, a := range map[string]httpapitest.Ask{
			"missing":     {Password: httpapitest.None},
			"wrong":       {Password: "wrong"},
			"empty":       {Password: httpapitest.None, Header: []string{"password: "}},
			"other case":  {Password: "Correct-horse-battery"},
			"longer":      {Password: httpapitest.Password + "x"},
			"a false key": {Password: httpapitest.None, Header: []string{"Authorization: Bearer wk_nothing"}},
		} {
			a.To, a.Body = to, `{"broken`
			r := s.Ask(t, a)
			if r.Status != 200 || r.Body != refusal || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s with %s password: %d %q", to, name, r.Status, r.Body)
			}
		}
	}
}

// unread is a body that must not be looked at.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read before the password")
	return 0, io.EOF
}

func TestPasswordComesBeforeTheBody(t *testing.T) {
	s := onSQLite(t)
	for _, to := range []string{"/", "/heartbeat", "/add-event", "/event"} {
		r := httptest.NewRequest("POST", to, unread{t})
		r.ContentLength = 1 << 40
		if got := s.Serve(t, r); got.Body != refusal {
			t.Errorf("%s: %s", to, got.Body)
		}
		r = httptest.NewRequest("POST", to, unread{t})
		r.Header.Set("password", s.Token(t, api.ScopeRead, ""))
		if got := s.Serve(t, r); got.Body != refusal {
			t.Errorf("%s with too little: %s", to, got.Body)
		}
	}
}

func TestTokensInThePasswordHeader(t *testing.T) {
	s := onSQLite(t)
	s.pulse(t, "web-1", 60)
	s.pulse(t, "db-1", 60)
	s.event(t, "web-1", "of web")
	s.event(t, "db-1", "of db")
	allowed := map[api.Scope][]string{
		api.ScopeRead:    {"GET /", "GET /heartbeats", "GET /events", "GET /list-events", "GET /hello", "GET /pings", "GET /get/web-1", "GET /heartbeat/web-1"},
		api.ScopePulse:   {"POST /", "POST /heartbeat", "DELETE /", "DELETE /heartbeat"},
		api.ScopeEvent:   {"POST /event", "POST /add-event"},
		api.ScopeMetrics: {},
	}
	const body = `{"service":"web-1","message":"m","alertType":"mail","alertTarget":"b","nextIn":60}`
	all := append([]string{"GET /get/web-1", "GET /heartbeat/web-1"}, everything...)
	for scope, may := range allowed {
		token := s.Token(t, scope, "")
		for _, to := range all {
			want := 403.0
			for _, m := range may {
				if m == to || to == "GET /get/a" && scope == api.ScopeRead || to == "GET /heartbeat/a" && scope == api.ScopeRead {
					want = 200
				}
			}
			got := s.Ask(t, httpapitest.Ask{To: to, Body: body, Password: token}).JSON(t)["result"]
			if want == 200 && (to == "GET /get/a" || to == "GET /heartbeat/a") {
				want = 500 // there is no such service
			}
			same(t, string(scope)+" "+to, got, any(want))
		}
	}

	as := func(scope api.Scope, to, body string) object {
		t.Helper()
		return s.Ask(t, httpapitest.Ask{To: to, Body: body, Password: s.Token(t, scope, "web*")}).JSON(t)
	}
	const foreign = `{"service":"db-1","message":"m","alertType":"mail","alertTarget":"b","nextIn":60}`
	same(t, "own pulse", as(api.ScopePulse, "POST /heartbeat", body)["result"], any(200.0))
	same(t, "foreign pulse", as(api.ScopePulse, "POST /heartbeat", foreign), object{"result": 403.0})
	same(t, "foreign cancel", as(api.ScopePulse, "DELETE /heartbeat", foreign), object{"result": 403.0})
	same(t, "foreign event", as(api.ScopeEvent, "POST /event", foreign), object{"result": 403.0})
	same(t, "foreign service", as(api.ScopeRead, "GET /get/db-1", ""), object{"hint": "service not found", "result": 500.0})
	same(t, "services", texts(as(api.ScopeRead, "GET /heartbeats", "")["heartBeats"], "service"), []string{"web-1"})
	same(t, "events", texts(as(api.ScopeRead, "GET /events?message=of", "")["events"], "message"), []string{"of web"})

	token := s.Token(t, api.ScopeRead, "")
	for _, header := range []string{
		"Authorization: Bearer " + token, "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("x:"+token)),
	} {
		r := s.Ask(t, httpapitest.Ask{To: "GET /hello", Password: httpapitest.None, Header: []string{header}})
		same(t, header[:21], r.JSON(t)["result"], any(200.0))
	}
}

func TestThrottlingNeverRefusesARightPassword(t *testing.T) {
	s := onSQLite(t)
	for i := range 50 {
		r := s.Ask(t, httpapitest.Ask{To: "GET /hello", Password: "wrong"})
		if r.Status != 200 || r.Body != refusal {
			t.Fatalf("attempt %d: %d %s", i, r.Status, r.Body)
		}
		s.done(t, "GET /hello", "")
	}
	s.Clock.Advance(time.Second)
	s.pulse(t, "a", 60)
}

func TestPulseTokenNamesNoURLOfShoutrrr(t *testing.T) {
	s := onSQLite(t)
	for _, test := range []struct{ password, want string }{
		{s.Token(t, api.ScopePulse, ""), ""},
		{httpapitest.Password, "discord://token@id"},
	} {
		r := s.Ask(t, httpapitest.Ask{
			To: "POST /heartbeat", Password: test.password,
			Body: `{"service":"job","nextIn":60,"alertType":"Shoutrrr","alertTarget":"discord://token@id"}`,
		})
		if !strings.Contains(r.Body, `"alertTarget":"`+test.want+`"`) || !strings.Contains(r.Body, `"result":200`) {
			t.Errorf("%q, want the target %q", r.Body, test.want)
		}
	}
}
