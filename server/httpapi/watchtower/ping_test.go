package watchtower_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/httpapi/httpapitest"
	"watchkeeper/server/store/storetest"
)

func TestPings(t *testing.T) {
	onEach(t, func(t *testing.T, s tower) {
		var broken atomic.Bool
		target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if broken.Load() {
				w.WriteHeader(http.StatusBadGateway)
			}
		}))
		defer target.Close()
		put := func(body string) {
			t.Helper()
			if r := s.Ask(t, httpapitest.Ask{To: "POST /api/v1/services", Body: body}); r.Status != 201 {
				t.Fatalf("%d %s", r.Status, r.Body)
			}
		}
		run := func() {
			t.Helper()
			if r := s.Ask(t, httpapitest.Ask{To: "POST /api/v1/services/shop/probe"}); r.Status != 200 {
				t.Fatalf("%d %s", r.Status, r.Body)
			}
		}
		put(`{"name":"shop","alerts":["pushover:u123","ops"],"failures_to_alert":1,"probe":{"kind":"http","url":"` + target.URL + `/?key=geheim",
			"interval":30,"statuses":["200"]}}`)
		put(`{"name":"other","probe":{"kind":"http","url":"http://other.example.org","interval":5,"method":"HEAD","proxy":"http://proxy:3128"}}`)
		put(`{"name":"port","probe":{"kind":"tcp","address":"example.org:1"}}`)
		put(`{"name":"plain","next_in":60}`)
		pings := func() []any {
			t.Helper()
			list := s.done(t, "GET /pings", "")["pings"].([]any)
			if len(list) != 2 {
				t.Fatalf("pings: %v", list)
			}
			return list
		}
		start := float64(storetest.Start.Unix())
		shop := object{
			"service": "shop", "url": target.URL + "/?key=geheim", "frequency": 30.0, "alertType": "pushover", "alertTarget": "u123",
			"method": "get", "login": nil, "password": nil, "timeout": 10.0, "expectedCode": 200.0, "proxyURL": nil,
			"lastPing": 0.0, "lastPingSuccess": start, "alerted": false,
		}
		same(t, "pings before the first run", pings(), []any{shop, object{
			"service": "other", "url": "http://other.example.org", "frequency": 5.0, "alertType": "", "alertTarget": "",
			"method": "head", "login": nil, "password": nil, "timeout": 2.5, "expectedCode": 200.0, "proxyURL": "http://proxy:3128",
			"lastPing": 0.0, "lastPingSuccess": start, "alerted": false,
		}})
		s.Clock.Advance(time.Minute)
		run()
		shop["lastPing"], shop["lastPingSuccess"] = start+60, start+60
		same(t, "after a success", pings()[0], shop)
		s.Clock.Advance(time.Minute)
		broken.Store(true)
		run()
		shop["lastPing"], shop["alerted"] = start+120, true
		same(t, "after a failure", pings()[0], shop)

		human := s.done(t, "GET /pings?humanDates=1", "")["pings"].([]any)[0].(object)
		same(t, "dates for people", []any{human["lastPing"], human["lastPingSuccess"]}, []any{"2026-03-01 12:02:00", "2026-03-01 12:01:00"})
		same(t, "heartbeats", s.done(t, "GET /heartbeats", "")["heartBeats"], []any{})
	})
}

func TestPingsOfATokenThatMayRead(t *testing.T) {
	s := onSQLite(t)
	for _, name := range []string{"shop", "mine"} {
		s.Ask(t, httpapitest.Ask{To: "POST /api/v1/services", Body: `{"name":"` + name + `","probe":{"kind":"http","url":"http://me:word@example.org/?key=geheim"}}`})
	}
	r := s.Ask(t, httpapitest.Ask{To: "GET /pings", Password: s.Token(t, api.ScopeRead, "m*")})
	list := r.JSON(t)["pings"].([]any)
	if len(list) != 1 || list[0].(object)["url"] != "http://me:***@example.org/?key=***" {
		t.Errorf("pings: %v", list)
	}
}
