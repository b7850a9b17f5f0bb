package v1_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchkeeper/api"
	"watchkeeper/server/store/storetest"
)

// service gives a service as GET shows it.
func (s *server) service(tb testing.TB, name string) api.ServiceView {
	tb.Helper()
	return into[api.ServiceView](s.get(tb, "/api/v1/services/"+url.PathEscape(name)).want(200))
}

func TestServiceLife(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		const name = "a/b ü%"
		path := "/api/v1/services/" + url.PathEscape(name)
		r := s.post(t, "/api/v1/services", `{"name":"a/b ü%","next_in":600,"tags":["x"],"alerts":["mail:me@example.org"]}`).want(201)
		made := into[api.ServiceView](r)
		if made.Name != name || made.NextIn != 600 || made.Grace != 60 || made.State != api.StateNew || made.Deadline != 0 ||
			made.PingURL != "https://watch.example.org:8443/ping/"+made.ID {
			t.Fatalf("made %+v", made)
		}
		if at := r.header.Get("Location"); into[api.ServiceView](s.get(t, at).want(200)).ID != made.ID {
			t.Errorf("location %s", at)
		}
		s.post(t, "/api/v1/services", `{"name":"a/b ü%","next_in":1}`).refused(api.KindConflict)
		if diff := cmp.Diff(made, s.service(t, name)); diff != "" {
			t.Errorf("by name: %s", diff)
		}
		if diff := cmp.Diff(made, s.service(t, strings.ToUpper(made.ID))); diff != "" {
			t.Errorf("by id: %s", diff)
		}

		s.Clock.Advance(time.Second)
		changed := into[api.ServiceView](s.ask(t, ask{method: "PATCH", path: path, body: `{"grace":5,"host":"web-1","slug":null}`}).want(200))
		if changed.Grace != 5 || changed.Host != "web-1" || changed.Slug != made.Slug || changed.UpdatedAt == made.UpdatedAt {
			t.Errorf("changed %+v", changed)
		}
		if got := into[api.ServiceView](s.post(t, path+"/pause", "").want(200)); got.State != api.StatePaused {
			t.Errorf("paused %+v", got)
		}
		s.post(t, path+"/pause", "").want(200)
		if got := into[api.ServiceView](s.post(t, path+"/resume", "").want(200)); got.State != api.StateNew {
			t.Errorf("resumed %+v", got)
		}
		s.post(t, path+"/resume", "").refused(api.KindConflict)

		s.ask(t, ask{method: "DELETE", path: path}).want(204)
		s.ask(t, ask{method: "DELETE", path: path}).refused(api.KindNotFound)
		s.get(t, path).refused(api.KindNotFound)
	})
}

func TestPutServiceChangesNothingWhenRepeated(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		put := func(body string) *reply {
			return s.ask(t, ask{method: "PUT", path: "/api/v1/services/by-name/nightly%2Fdb", body: body})
		}
		first := into[api.ServiceView](put(`{"next_in":86400,"tags":["db"]}`).want(201))
		s.Clock.Advance(time.Minute)
		if diff := cmp.Diff(first, into[api.ServiceView](put(`{"next_in":86400,"tags":["db"]}`).want(200))); diff != "" {
			t.Error(diff)
		}
		if got := into[api.ServiceView](put(`{"next_in":3600}`).want(200)); got.ID != first.ID || got.NextIn != 3600 || len(got.Tags) != 0 {
			t.Errorf("other settings: %+v", got)
		}
		if at := put(`{"name":"other","next_in":1}`).refused(api.KindInvalid); !slices.Equal(at, []string{"body.name"}) {
			t.Errorf("another name: %v", at)
		}
	})
}

func TestCronServiceShowsWhatItExpects(t *testing.T) {
	s := onSQLite(t)
	got := into[api.ServiceView](s.post(t, "/api/v1/services", `{"name":"n","cron":"0 3 * * *","time_zone":"Europe/Paris"}`).want(201))
	day := 24 * time.Hour
	first := api.TimeOf(time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC))
	if diff := cmp.Diff([]api.Time{first, first.Add(day), first.Add(2 * day)}, got.Upcoming); diff != "" {
		t.Error(diff)
	}
	if s.service(t, "n").Upcoming == nil {
		t.Error("shown without its next times")
	}
}

func TestNextInIsTheOneInForce(t *testing.T) {
	s := onSQLite(t)
	s.post(t, "/api/v1/services", `{"name":"n","next_in":600}`).want(201)
	s.post(t, "/api/v1/services/n/pulses", `{"next_in":60}`).want(200)
	if got := s.service(t, "n"); got.NextIn != 60 || got.Expected != got.LastPulse.Add(time.Minute) {
		t.Errorf("%+v", got)
	}
}

func TestServiceInputThatBreaksRules(t *testing.T) {
	s := onSQLite(t)
	s.post(t, "/api/v1/services", `{"name":"n","next_in":60}`).want(201)
	for _, c := range []struct {
		method, path, body string
		kind               api.ErrorKind
		at                 []string
	}{
		{"POST", "", `{"name":"x"}`, "", nil}, // without a period nothing is expected
		{"POST", "", `{}`, api.KindInvalid, []string{"body.name"}},
		{"POST", "", `{"name":"x","next_in":0}`, api.KindInvalid, []string{"body.next_in"}},
		{"POST", "", `{"name":"x","next_in":-1}`, api.KindInvalid, []string{"body.next_in"}},
		{"POST", "", `{"name":"x","next_in":1.5}`, api.KindInvalid, []string{"body.next_in"}},
		{"POST", "", `{"name":"x","next_in":1e99}`, api.KindInvalid, []string{"body.next_in"}},
		{"POST", "", `{"name":"x","next_in":99999999999999999999}`, api.KindInvalid, []string{"body.next_in"}},
		{"POST", "", `{"name":"x","next_in":NaN}`, api.KindMalformed, []string{"body"}},
		{"POST", "", `{"name":"x","nextIn":60}`, api.KindInvalid, []string{"body.nextIn"}},
		{"POST", "", `{"name":7,"tags":"x","grace":"1"}`, api.KindInvalid, []string{"body.name", "body.tags", "body.grace"}},
		{"POST", "", `{"name":"a\u0000b","next_in":60}`, api.KindInvalid, []string{"body.name"}},
		{"POST", "", `{"name":"a\nb","next_in":60}`, api.KindInvalid, []string{"body.name"}},
		{"POST", "", `{"name":"` + strings.Repeat("x", 200_000) + `","next_in":60}`, api.KindInvalid, []string{"body.name"}},
		{"POST", "", `{"name":"x","next_in":60,"cron":"* * * * *"}`, api.KindInvalid, []string{"body.cron"}},
		{"POST", "", `{"name":"x","cron":"61 * * * *"}`, api.KindInvalid, []string{"body.cron"}},
		{"POST", "", `{"name":"x","cron":"* * * * *","time_zone":"Mars/Olympus"}`, api.KindInvalid, []string{"body.time_zone"}},
		{"POST", "", `{"name":"x","next_in":60,"alerts":["smoke:hill"]}`, api.KindInvalid, []string{"body.alerts"}},
		{"POST", "", `{"name":"x","next_in":60,"tags":["a b"]}`, api.KindInvalid, []string{"body.tags"}},
		{"POST", "", `{"name":"x","next_in":60,"host":"a/b"}`, api.KindInvalid, []string{"body.host"}},
		{"POST", "", `[]`, api.KindInvalid, []string{"body"}},
		{"PATCH", "/n", `{"name":""}`, api.KindInvalid, []string{"body.name"}},
		{"PATCH", "/n", `{"next_in":315360001}`, api.KindInvalid, []string{"body.next_in"}},
		{"PATCH", "/missing", `{}`, api.KindNotFound, nil},
		{"PUT", "/by-name/%00", `{"next_in":60}`, api.KindInvalid, []string{"path.name"}},
		{"PUT", "/by-name/%ff", `{"next_in":60}`, api.KindInvalid, []string{"path.name"}},
		{"GET", "/%00", ``, api.KindNotFound, nil},
		{"GET", "/%ff", ``, api.KindNotFound, nil},
		{"GET", "/" + strings.Repeat("x", 5000), ``, api.KindNotFound, nil},
		{"GET", "/00000000-0000-0000-0000-000000000000", ``, api.KindNotFound, nil},
		{"DELETE", "/%ff", ``, api.KindNotFound, nil},
	} {
		r := s.ask(t, ask{method: c.method, path: "/api/v1/services" + c.path, body: c.body})
		if c.kind == "" {
			r.want(201)
			continue
		}
		name := fmt.Sprintf("%s %.40s %.60s", c.method, c.path, c.body)
		if r.status != c.kind.Status() {
			t.Errorf("%s: %d %s", name, r.status, r.body)
			continue
		}
		if at := r.refused(c.kind); c.at != nil && !slices.Equal(at, c.at) {
			t.Errorf("%s: places %v, want %v", name, at, c.at)
		}
	}
}

func TestListServices(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		for i := range 7 {
			s.post(t, "/api/v1/services", fmt.Sprintf(
				`{"name":"job %d","next_in":%d,"tags":["all","t%d"],"host":"h%d"}`, i, 600-60*i, i%2, i%3)).want(201)
			s.Clock.Advance(time.Second)
		}
		for i := range 4 {
			s.post(t, fmt.Sprintf("/api/v1/services/job%%20%d/pulses", i), "").want(200)
		}
		s.post(t, "/api/v1/services/job%206/pause", "").want(200)
		for query, want := range map[string]string{
			"":                       "0123456",
			"sort=-name":             "6543210",
			"sort=created_at":        "0123456",
			"sort=-created_at":       "6543210",
			"sort=deadline&state=up": "3210",
			"sort=-last_pulse":       "3210654",
			"sort=-state_since&limit=1000&state=new,paused": "654",
			"state=up":               "0123",
			"state=up,paused":        "01236",
			"state=up&state=paused":  "01236",
			"state=down":             "",
			"tag=t1":                 "135",
			"tag=t1&tag=all":         "135",
			"tag=t1,t0":              "",
			"tag=T1":                 "",
			"host=h2":                "25",
			"slug=job-4":             "4",
			"q=JOB+3":                "3",
			"q=%25":                  "",
			"host=h0&state=up&q=job": "03",
			"limit=99999999999999":   "0123456",
		} {
			for _, limit := range []string{"", "1", "2", "3", "7"} {
				got, pages := s.names(t, query, limit)
				if got != want {
					t.Errorf("%s by %s: %s, want %s", query, limit, got, want)
				}
				if limit == "7" && pages > 1 {
					t.Errorf("%s: %d pages, the last of them empty", query, pages)
				}
			}
		}
	})
}

// names gives the last letters of the names of all pages of a list.
func (s *server) names(tb testing.TB, query, limit string) (names string, pages int) {
	tb.Helper()
	path := "/api/v1/services?" + query
	if limit != "" && !strings.Contains(query, "limit") {
		path += "&limit=" + limit
	}
	for cursor := ""; ; {
		page := into[api.Page[api.ServiceView]](s.get(tb, path+cursor).want(200))
		for _, item := range page.Items {
			names += item.Name[len(item.Name)-1:]
		}
		pages++
		if page.Next == "" {
			return names, pages
		}
		cursor = "&cursor=" + page.Next
	}
}

func TestListParametersThatBreakRules(t *testing.T) {
	s := onSQLite(t)
	s.post(t, "/api/v1/services", `{"name":"a","next_in":60}`).want(201)
	s.post(t, "/api/v1/services", `{"name":"b","next_in":60}`).want(201)
	next := into[api.Page[api.ServiceView]](s.get(t, "/api/v1/services?limit=1").want(200)).Next
	older := api.Cursor{Generation: 2, Order: "services:name", Key: "a", ID: "1"}.String()
	odd := api.Cursor{Generation: 3, Order: "services:name", Key: "a\x00", ID: "1"}.String()
	odder := api.Cursor{Generation: 3, Order: "services:deadline", Key: "x", ID: "y"}.String()
	for query, want := range map[string]struct {
		kind api.ErrorKind
		at   []string
	}{
		"services?limit=0":                               {api.KindInvalid, []string{"query.limit"}},
		"services?limit=x":                               {api.KindInvalid, []string{"query.limit"}},
		"services?state=ill":                             {api.KindInvalid, []string{"query.state"}},
		"services?sort=colour":                           {api.KindInvalid, []string{"query.sort"}},
		"services?stat=up":                               {api.KindInvalid, []string{"query.stat"}},
		"services?q=%00":                                 {api.KindInvalid, []string{"query.q"}},
		"services?host=%ff&slug=%ff&tag=%ff":             {api.KindInvalid, []string{"query.tag", "query.host", "query.slug"}},
		"services?tag=" + strings.Repeat("a,", 101):      {api.KindInvalid, []string{"query.tag"}},
		"services?q=%zz":                                 {api.KindMalformed, []string{"query"}},
		"services?cursor=x":                              {api.KindMalformed, []string{"query.cursor"}},
		"services?cursor=" + odd:                         {api.KindMalformed, []string{"query.cursor"}},
		"services?sort=deadline&cursor=" + odder:         {api.KindMalformed, []string{"query.cursor"}},
		"services?sort=-name&cursor=" + next:             {api.KindInvalid, []string{"query.cursor"}},
		"services?cursor=" + older:                       {api.KindGone, []string{}},
		"services/a/pulses?cursor=" + next:               {api.KindInvalid, []string{"query.cursor"}},
		"services/a/flips?limit=-1":                      {api.KindInvalid, []string{"query.limit"}},
		"services/b?x=1":                                 {api.KindInvalid, []string{"query.x"}},
		"events?level=loud&from=noon&to=1e40":            {api.KindInvalid, []string{"query.level", "query.from", "query.to"}},
		"events?service_re=(&message_re=*":               {api.KindInvalid, []string{"query.service_re", "query.message_re"}},
		"events?service=%00":                             {api.KindInvalid, []string{"query.service"}},
		"events?message_re=" + strings.Repeat("x", 2000): {api.KindInvalid, []string{"query.message_re"}},
		"tokens?cursor=" + next:                          {api.KindInvalid, []string{"query.cursor"}},
	} {
		r := s.get(t, "/api/v1/"+query)
		if r.status != want.kind.Status() {
			t.Errorf("%.60s: %d %s", query, r.status, r.body)
			continue
		}
		at := r.refused(want.kind)
		slices.Sort(at)
		slices.Sort(want.at)
		if !slices.Equal(at, want.at) {
			t.Errorf("%.60s: places %v, want %v", query, at, want.at)
		}
	}
}

func TestHistoryOfAService(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		s.post(t, "/api/v1/services", `{"name":"n","next_in":60,"grace":0}`).want(201)
		for i := range 5 {
			s.post(t, "/api/v1/services/n/pulses", fmt.Sprintf(`{"kind":"log","body":"%d"}`, i)).want(200)
			if i%2 == 0 {
				s.Clock.Advance(time.Second)
			}
		}
		s.post(t, "/api/v1/services/n/pulses", ``).want(200)
		s.post(t, "/api/v1/services/n/pulses", `{"kind":"fail"}`).want(200)
		s.post(t, "/api/v1/services/n/pulses", ``).want(200)

		var kinds, bodies []string
		eachPage(t, s, "/api/v1/services/n/pulses?limit=3", func(p api.PulseRecord) {
			kinds, bodies = append(kinds, string(p.Kind)), append(bodies, string(p.Body))
		})
		if got := strings.Join(kinds, " "); got != "success fail success log log log log log" {
			t.Errorf("kinds %s", got)
		}
		if got := strings.Join(bodies, ""); got != "43210" {
			t.Errorf("bodies %s", got)
		}
		var flips []string
		eachPage(t, s, "/api/v1/services/n/flips?limit=1", func(c api.Change) { flips = append(flips, string(c.To)) })
		if got := strings.Join(flips, " "); got != "up down up" {
			t.Errorf("flips %s", got)
		}
	})
}

// eachPage goes through all pages of a list.
func eachPage[T any](tb testing.TB, s *server, path string, f func(T)) {
	tb.Helper()
	for cursor := ""; ; {
		page := into[api.Page[T]](s.get(tb, path+cursor).want(200))
		for _, item := range page.Items {
			f(item)
		}
		if page.Next == "" {
			return
		}
		cursor = "&cursor=" + page.Next
	}
}

func TestPatternLimitsWhatIsSeen(t *testing.T) {
	s := newServer(t, storetest.Open(t, "sqlite"))
	for _, name := range []string{"db/a", "db/b", "web/a", "db/c"} {
		s.post(t, "/api/v1/services", fmt.Sprintf(`{"name":%q,"next_in":60}`, name)).want(201)
		s.post(t, "/api/v1/events", fmt.Sprintf(`{"service":%q,"message":"m"}`, name)).want(201)
	}
	reader, admin := s.token(t, api.ScopeRead, "db/*"), s.token(t, api.ScopeAdmin, "db/*")
	as := func(token, method, path, body string) *reply {
		return s.ask(t, ask{method: method, path: path, body: body, token: token})
	}
	var names []string
	for cursor := ""; ; {
		page := into[api.Page[api.ServiceView]](as(reader, "GET", "/api/v1/services?limit=2"+cursor, "").want(200))
		for _, item := range page.Items {
			names = append(names, item.Name)
		}
		if page.Next == "" {
			break
		}
		cursor = "&cursor=" + page.Next
	}
	if got := strings.Join(names, " "); got != "db/a db/b db/c" {
		t.Errorf("services %s", got)
	}
	names = nil
	for _, e := range into[api.Page[api.Event]](as(reader, "GET", "/api/v1/events", "").want(200)).Items {
		names = append(names, e.Service)
	}
	if got := strings.Join(names, " "); got != "db/c db/b db/a" {
		t.Errorf("events %s", got)
	}
	web := s.service(t, "web/a")
	as(reader, "GET", "/api/v1/services/db%2Fa", "").want(200)
	as(reader, "GET", "/api/v1/services/web%2Fa", "").refused(api.KindNotFound)
	as(reader, "GET", "/api/v1/services/"+web.ID, "").refused(api.KindNotFound)
	as(reader, "GET", "/api/v1/services/web%2Fa/pulses", "").refused(api.KindNotFound)
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/api/v1/services", `{"name":"web/b","next_in":60}`},
		{"PATCH", "/api/v1/services/db%2Fa", `{"name":"web/z"}`},
		{"PATCH", "/api/v1/services/web%2Fa", `{}`},
		{"DELETE", "/api/v1/services/" + web.ID, ``},
		{"PUT", "/api/v1/services/by-name/web%2Fa", `{"next_in":60}`},
		{"POST", "/api/v1/services/web%2Fa/pause", ``},
		{"POST", "/api/v1/services/web%2Fa/pulses", ``},
		{"POST", "/api/v1/services/" + web.ID + "/pulses", ``},
		{"POST", "/api/v1/services/not%20there/pulses", ``},
		{"POST", "/api/v1/events", `[{"service":"db/a","message":"m"},{"service":"web/a","message":"m"}]`},
		{"GET", "/api/v1/tokens", ``},
		{"POST", "/api/v1/tokens", `{"name":"x","scopes":["admin"]}`},
		{"GET", "/api/v1/ping-key", ``},
	} {
		if r := as(admin, c.method, c.path, c.body); r.status != 403 {
			t.Errorf("%s %s: %d %s", c.method, c.path, r.status, r.body)
		}
	}
	as(admin, "POST", "/api/v1/services/"+s.service(t, "db/a").ID+"/pulses", "").want(200)
}

// TestNamesThatAreNoText sends bytes that are no UTF-8: in names they are refused, in other text they become U+FFFD.
func TestNamesThatAreNoText(t *testing.T) {
	s := onSQLite(t)
	for to, body := range map[string]string{
		"POST /api/v1/services":          "{\"name\":\"a\xff\",\"next_in\":60}",
		"PUT /api/v1/services/by-name/x": "{\"name\":\"\xe2\x82\",\"next_in\":60}",
		"POST /api/v1/tokens":            "{\"name\":\"a\xff\",\"scopes\":[\"read\"]}",
		"POST /api/v1/events":            "{\"service\":\"a\xff\",\"message\":\"m\"}",
	} {
		method, path, _ := strings.Cut(to, " ")
		s.ask(t, ask{method: method, path: path, body: body}).refused(api.KindInvalid)
	}
	made := into[api.ServiceView](s.post(t, "/api/v1/services", "{\"name\":\"a\",\"next_in\":60,\"description\":\"x\xff\xfey\"}").want(201))
	if made.Description != "x\uFFFD\uFFFDy" {
		t.Errorf("the description is %q", made.Description)
	}
	s.post(t, "/api/v1/events", "{\"service\":\"a\",\"message\":\"\xff\"}").want(201)
	if body := s.get(t, "/api/v1/events").body; !strings.Contains(body, `"message":"\uFFFD"`) && !strings.Contains(body, "\"message\":\"\uFFFD\"") {
		t.Errorf("the events are %s", body)
	}
}
