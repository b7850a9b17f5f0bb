package v1_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

// goesDown makes a service and lets it say that it failed.
func (s *server) goesDown(tb testing.TB, name string) {
	tb.Helper()
	s.post(tb, "/api/v1/services", fmt.Sprintf(`{"name":%q,"next_in":60,"tags":["t"],"host":"h1"}`, name)).want(201)
	s.post(tb, "/api/v1/services/"+strings.ReplaceAll(name, "/", "%2F")+"/pulses", `{"kind":"fail"}`).want(200)
}

// tell makes a delivery that failed for each incident that nobody has looked at.
func (s *server) tell(tb testing.TB) {
	tb.Helper()
	must(s.Incidents.Attend(context.Background(), func(a store.Attended) store.Verdict {
		return store.Verdict{Deliver: []store.DeliveryOrder{{
			ChangeID: a.Changes[0].ID, About: api.AboutOpened, Lane: "webhook hooks.example.org", State: api.DeliveryFailed, Reason: "nobody is there",
			Target: api.Target{Channel: "webhook", Address: "https://hooks.example.org/secret-path"},
		}}}
	}))(tb)
}

func TestIncidentsAndDeliveries(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		for _, name := range []string{"db/1", "db/2", "web/1"} {
			s.goesDown(t, name)
			s.Clock.Advance(time.Second)
		}
		s.tell(t)
		s.post(t, "/api/v1/services/db%2F2/pulses", ``).want(200)
		s.post(t, "/api/v1/events", `{"service":"db/9","message":"look","alert":true}`).want(201)

		reader := s.token(t, api.ScopeRead, "db/*")
		for query, want := range map[string]string{
			"":                     "event web/1 db/2 db/1",
			"state=open":           "web/1 db/1",
			"state=closed":         "event db/2",
			"subject=db/1":         "db/1",
			"subject_kind=event":   "event",
			"subject_kind=service": "web/1 db/2 db/1",
			"subject=none":         "",
		} {
			for _, limit := range []int{1, 2, 10} {
				var got []string
				eachPage(t, s, fmt.Sprintf("/api/v1/incidents?limit=%d&%s", limit, query), func(i api.Incident) {
					if i.SubjectKind == api.SubjectEvent {
						i.Subject = "event"
					}
					got = append(got, i.Subject)
				})
				if got := strings.Join(got, " "); got != want {
					t.Errorf("%s by %d: %s, want %s", query, limit, got, want)
				}
			}
		}
		page := into[api.Page[api.Incident]](s.ask(t, ask{method: "GET", path: "/api/v1/incidents", token: reader}).want(200))
		if len(page.Items) != 2 || page.Items[0].Subject != "db/2" || page.Items[1].Subject != "db/1" {
			t.Errorf("with a pattern: %+v", page.Items)
		}

		web := into[api.Page[api.Incident]](s.get(t, "/api/v1/incidents?subject=web/1").want(200)).Items[0]
		if len(web.Deliveries) != 1 || strings.Contains(web.Deliveries[0].Target, "secret") {
			t.Fatalf("deliveries %+v", web.Deliveries)
		}
		id := web.Deliveries[0].ID
		if got := into[api.Incident](s.get(t, "/api/v1/incidents/"+strings.ToUpper(web.ID)).want(200)); got.ID != web.ID {
			t.Errorf("%+v", got)
		}
		if got := into[api.Delivery](s.get(t, "/api/v1/deliveries/"+id).want(200)); got.State != api.DeliveryFailed || got.Incident != web.ID {
			t.Errorf("%+v", got)
		}
		for query, want := range map[string]int{
			"": 3, "state=failed": 3, "state=sent": 0, "channel=webhook": 3, "channel=mail": 0, "incident=" + web.ID: 1, "incident=x": 0,
		} {
			n := 0
			eachPage(t, s, "/api/v1/deliveries?limit=2&"+query, func(api.Delivery) { n++ })
			if n != want {
				t.Errorf("%s: %d deliveries", query, n)
			}
		}
		s.ask(t, ask{method: "GET", path: "/api/v1/incidents/" + web.ID, token: reader}).refused(api.KindNotFound)
		s.ask(t, ask{method: "GET", path: "/api/v1/deliveries/" + id, token: reader}).refused(api.KindNotFound)
		operator := s.token(t, api.ScopeOperate, "db/*")
		s.ask(t, ask{method: "POST", path: "/api/v1/deliveries/" + id + "/retry", token: operator}).refused(api.KindForbidden)
		for range 2 { // asking for it twice does no harm
			if got := into[api.Delivery](s.post(t, "/api/v1/deliveries/"+id+"/retry", "").want(200)); got.State != api.DeliveryWaiting {
				t.Errorf("%+v", got)
			}
		}
		for _, path := range []string{"/api/v1/incidents/", "/api/v1/deliveries/"} {
			for _, id := range []string{"x", "%00", "%ff", "00000000-0000-7000-8000-000000000000"} {
				s.get(t, path+id).refused(api.KindNotFound)
			}
		}
	})
}

func TestAlertListsThatBreakRules(t *testing.T) {
	s := onSQLite(t)
	odd := api.Cursor{Generation: 3, Order: "incidents", Key: "soon", ID: "x"}.String()
	for query, want := range map[string]string{
		"incidents?state=ajar":       "query.state",
		"incidents?subject_kind=cat": "query.subject_kind",
		"incidents?subject=%00":      "query.subject",
		"incidents?service=x":        "query.service",
		"incidents?limit=no":         "query.limit",
		"incidents?cursor=" + odd:    "query.cursor",
		"deliveries?state=lost":      "query.state",
		"deliveries?channel=%ff":     "query.channel",
		"deliveries?incident=%ff":    "query.incident",
		"deliveries?cursor=" + odd:   "query.cursor",
		"channels?limit=0":           "query.limit",
		"status?verbose=1":           "query.verbose",
	} {
		r := s.get(t, "/api/v1/"+query)
		if p := into[api.Problem](r); r.status != 422 && r.status != 400 || len(p.Errors) != 1 || p.Errors[0].Location != want {
			t.Errorf("%s: %d %s", query, r.status, r.body)
		}
	}
}

func TestChannels(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		body := `{"name":"ops","kind":"webhook","settings":{"url":"https://hooks.example.org/abc","secret":"0123456789abcdef"}}`
		r := s.post(t, "/api/v1/channels", body).want(201)
		if at := r.header.Get("Location"); at != "/api/v1/channels/ops" {
			t.Errorf("location %s", at)
		}
		got := into[api.Channel](s.get(t, "/api/v1/channels/ops").want(200))
		if got.Kind != api.ChannelWebhook || got.Settings["secret"] != "***" || got.Source != "api" || strings.Contains(r.body, "0123456789abcdef") {
			t.Errorf("%+v", got)
		}
		s.post(t, "/api/v1/channels", body).refused(api.KindConflict)
		s.ask(t, ask{method: "PUT", path: "/api/v1/channels/ops", body: `{"kind":"mail","settings":{"to":"a@example.org"}}`}).want(200)
		var names []string
		eachPage(t, s, "/api/v1/channels?limit=1", func(c api.Channel) { names = append(names, c.Name+" "+string(c.Kind)) })
		if got := strings.Join(names, ", "); got != "fixed mail, ops mail" {
			t.Errorf("listed %s", got)
		}
		s.post(t, "/api/v1/services", `{"name":"n","next_in":60,"alerts":["ops"]}`).want(201)
		for _, method := range []string{"PUT", "DELETE"} {
			s.ask(t, ask{method: method, path: "/api/v1/channels/fixed", body: `{"kind":"mail","settings":{"to":"a@example.org"}}`}).refused(api.KindConflict)
		}
		s.ask(t, ask{method: "DELETE", path: "/api/v1/channels/ops"}).want(204)
		for _, name := range []string{"ops", "%00", "%ff", "a%2Fb"} {
			s.get(t, "/api/v1/channels/"+name).refused(api.KindNotFound)
			s.ask(t, ask{method: "DELETE", path: "/api/v1/channels/" + name}).refused(api.KindNotFound)
		}
	})
}

func TestChannelsThatBreakRules(t *testing.T) {
	s := onSQLite(t)
	for body, want := range map[string][]string{
		`{}`:                            {"body.name", "body.kind"},
		`{"name":"mail","kind":"mail"}`: {"body.name"},
		`{"name":"a b","kind":"smoke"}`: {"body.name", "body.kind"},
		`{"name":"x","kind":"webhook","settings":{"url":"ftp://x"}}`:      {"body.settings.url"},
		`{"name":"x","kind":"webhook","settings":{"uri":"https://x"}}`:    {"body.settings.uri"},
		`{"name":"x","kind":"webhook","settings":{"url":7}}`:              {"body.settings.url"},
		`{"name":"x","kind":"webhook","setting":{"url":"https://x.org"}}`: {"body.setting"},
	} {
		if at := s.post(t, "/api/v1/channels", body).refused(api.KindInvalid); !slices.Equal(at, want) {
			t.Errorf("%s: %v, want %v", body, at, want)
		}
	}
}

func TestTestMessages(t *testing.T) {
	s := onSQLite(t)
	asked := make(chan string, 1)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		if r.URL.Path == "/no" {
			http.Error(w, "not today", http.StatusForbidden)
		}
	}))
	defer hook.Close()
	test := func(name, body string) *reply { return s.post(t, "/api/v1/channels/"+name+"/test", body) }

	got := into[api.ChannelTest](test("webhook", fmt.Sprintf(`{"address":"%s/yes"}`, hook.URL)).want(200))
	if !got.OK || <-asked != "/yes" {
		t.Errorf("%+v", got)
	}
	got = into[api.ChannelTest](test("webhook", fmt.Sprintf(`{"address":"%s/no"}`, hook.URL)).want(200))
	if <-asked; got.OK || !strings.Contains(got.Answer, "403") {
		t.Errorf("%+v", got)
	}
	s.post(t, "/api/v1/channels", fmt.Sprintf(`{"name":"hook","kind":"webhook","settings":{"url":"%s/own"}}`, hook.URL)).want(201)
	if got := into[api.ChannelTest](test("hook", ``).want(200)); !got.OK || <-asked != "/own" {
		t.Errorf("%+v", got)
	}
	if at := test("webhook", ``).refused(api.KindInvalid); !slices.Equal(at, []string{"body.address"}) {
		t.Errorf("without an address: %v", at)
	}
	if at := test("webhook", `{"to":"x"}`).refused(api.KindInvalid); !slices.Equal(at, []string{"body.to"}) {
		t.Errorf("a slip of the pen: %v", at)
	}
	test("other", ``).refused(api.KindNotFound)
}

func TestStatus(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		s.Servers.Register(store.Presence{ID: "a", Name: "one"})
		must(s.Servers.Beat(context.Background()))(t)
		s.Clock.Advance(time.Minute)
		must(s.Servers.Beat(context.Background()))(t)
		got := into[api.Status](s.get(t, "/api/v1/status").want(200))
		if !got.OK || got.Version != "1.2.3" || got.Engine != string(s.Engine()) || got.StartedAt != api.TimeOf(storetest.Start) ||
			got.Now != got.StartedAt.Add(time.Minute) || got.LastGap == nil || got.LastGap.To != got.Now {
			t.Errorf("at rest: %+v", got)
		}

		s.goesDown(t, "db/1")
		s.Clock.Advance(time.Second)
		s.goesDown(t, "web/1")
		s.tell(t)
		s.post(t, "/api/v1/services", `{"name":"web/2","next_in":1,"grace":3600}`).want(201)
		s.post(t, "/api/v1/services/web%2F2/pulses", ``).want(200)
		s.post(t, "/api/v1/services", `{"name":"web/3","next_in":1}`).want(201)
		for range 60 { // else silence would be the server's own
			s.Clock.Advance(time.Second)
			must(s.Servers.Beat(context.Background()))(t)
		}
		must(s.Services.Sweep(context.Background(), 0))(t)

		got = into[api.Status](s.get(t, "/api/v1/status").want(200))
		if want := (api.ServiceCounts{Total: 4, New: 1, Late: 1, Down: 2}); got.OK || got.Services != want {
			t.Errorf("counts %+v", got)
		}
		if len(got.Down) != 2 || got.Down[0].Service != "web/1" || got.Down[1].Service != "db/1" || len(got.Late) != 1 || got.Late[0].Service != "web/2" {
			t.Fatalf("troubles %+v %+v", got.Down, got.Late)
		}
		down := got.Down[1]
		if down.Reason != api.ReasonFail || down.Since != down.LastPulse || down.Host != "h1" || !slices.Equal(down.Tags, []string{"t"}) ||
			len(down.Told) != 1 || down.Told[0].State != api.DeliveryFailed || down.Told[0].Incident != down.Incident {
			t.Errorf("down %+v", down)
		}
		if got.Late[0].Deadline == 0 || got.Late[0].Told == nil {
			t.Errorf("late %+v", got.Late[0])
		}
		if len(got.Deliveries.Failed) != 2 {
			t.Errorf("deliveries %+v", got.Deliveries)
		}

		some := into[api.Status](s.ask(t, ask{method: "GET", path: "/api/v1/status", token: s.token(t, api.ScopeRead, "db/*")}).want(200))
		if want := (api.ServiceCounts{Total: 1, Down: 1}); some.Services != want || len(some.Down) != 1 || len(some.Late) != 0 || len(some.Deliveries.Failed) != 1 {
			t.Errorf("with a pattern: %+v", some)
		}
	})
}

func TestStatusSaysWhatDoesNotWork(t *testing.T) {
	s := onSQLite(t)
	if got := into[api.Status](s.get(t, "/api/v1/status").want(200)); !got.OK || got.Problem != "" {
		t.Errorf("ok is %v, the problem %q, while all works", got.OK, got.Problem)
	}
	s.problem = "services should have been judged 10 s ago"
	if got := into[api.Status](s.get(t, "/api/v1/status").want(200)); got.OK || got.Problem != s.problem {
		t.Errorf("ok is %v, the problem %q, want %q", got.OK, got.Problem, s.problem)
	}
	some := into[api.Status](s.ask(t, ask{method: "GET", path: "/api/v1/status", token: s.token(t, api.ScopeRead, "db/*")}).want(200))
	if !some.OK || some.Problem != "" {
		t.Errorf("a token with a pattern learns of %q", some.Problem)
	}
}
