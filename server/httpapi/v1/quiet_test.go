package v1_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store/storetest"
)

func (s *server) put(tb testing.TB, path, body string) *reply {
	tb.Helper()
	return s.ask(tb, ask{method: "PUT", path: path, body: body})
}

func (s *server) patch(tb testing.TB, path, body string) *reply {
	tb.Helper()
	return s.ask(tb, ask{method: "PATCH", path: path, body: body})
}

func (s *server) delete(tb testing.TB, path string) *reply {
	tb.Helper()
	return s.ask(tb, ask{method: "DELETE", path: path})
}

func (s *server) routeNames(tb testing.TB) string {
	tb.Helper()
	var names []string
	eachPage(tb, s, "/api/v1/routes?limit=2", func(r api.Route) { names = append(names, r.Name+" "+r.Source) })
	return strings.Join(names, ", ")
}

func TestRoutes(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		r := s.post(t, "/api/v1/routes", `{"name":"nights","match":["tag=~\"prod|staging\"","level=\"error\""],
			"to":["mail:night@example.org","fixed"],"continue":true,"after":600,"repeat":3600,
			"hours":{"days":"mon-fri","from":"20:00","to":"06:00","zone":"Europe/Paris"}}`).want(201)
		nights := into[api.Route](r)
		if r.header.Get("Location") != "/api/v1/routes/"+nights.ID || nights.Position != 1 || nights.Source != "api" || nights.CreatedAt == 0 {
			t.Errorf("made %s", r.body)
		}
		if !strings.Contains(r.body, `"match":["tag=~\"prod|staging\"","level=\"error\""]`) {
			t.Errorf("matchers %s", r.body)
		}
		s.post(t, "/api/v1/routes", `{"name":"rest","to":["fixed"]}`).want(201)
		first := into[api.Route](s.post(t, "/api/v1/routes", `{"name":"first","position":1,"match":"name=\"db1\", tag!=\"x\"","to":["fixed"]}`).want(201))
		if len(first.Match) != 2 {
			t.Errorf("one text with two matchers: %v", first.Match)
		}
		if got := s.routeNames(t); got != "fixed file, first api, nights api, rest api" {
			t.Errorf("order %s", got)
		}
		if got := into[api.Route](s.get(t, "/api/v1/routes/rest").want(200)); got.Position != 3 || got.Match == nil || got.Hours != nil {
			t.Errorf("%+v", got)
		}
		moved := into[api.Route](s.patch(t, "/api/v1/routes/rest", `{"position":1,"repeat":60}`).want(200))
		if moved.Position != 1 || moved.Repeat != 60 || !slices.Equal(moved.To, []string{"fixed"}) {
			t.Errorf("moved %+v", moved)
		}
		if got := s.routeNames(t); got != "fixed file, rest api, first api, nights api" {
			t.Errorf("order %s", got)
		}
		replaced := into[api.Route](s.put(t, "/api/v1/routes/"+nights.ID, `{"name":"days","to":["mail:day@example.org"]}`).want(200))
		if replaced.ID != nights.ID || replaced.Position != 3 || replaced.Hours != nil || replaced.After != 0 || replaced.Continue {
			t.Errorf("replaced %+v", replaced)
		}
		s.post(t, "/api/v1/routes", `{"name":"days","to":["fixed"]}`).refused(api.KindConflict)
		s.post(t, "/api/v1/routes", `{"name":"fixed","to":["fixed"]}`).refused(api.KindConflict)
		s.put(t, "/api/v1/routes/days", `{"name":"rest","to":["fixed"]}`).refused(api.KindConflict)
		for _, r := range []*reply{
			s.put(t, "/api/v1/routes/fixed", `{"name":"fixed","to":["fixed"]}`), s.patch(t, "/api/v1/routes/fixed", `{"position":2}`),
			s.delete(t, "/api/v1/routes/fixed"),
		} {
			r.refused(api.KindConflict)
		}
		s.delete(t, "/api/v1/routes/days").want(204)
		for _, id := range []string{"days", nights.ID, "%00", "%ff", "a%2Fb"} {
			s.get(t, "/api/v1/routes/"+id).refused(api.KindNotFound)
			s.patch(t, "/api/v1/routes/"+id, `{}`).refused(api.KindNotFound)
			s.delete(t, "/api/v1/routes/"+id).refused(api.KindNotFound)
		}
		s.ask(t, ask{method: "GET", path: "/api/v1/routes", token: s.token(t, api.ScopeAdmin, "db*")}).refused(api.KindForbidden)
	})
}

func TestRoutesThatBreakRules(t *testing.T) {
	s := onSQLite(t)
	s.post(t, "/api/v1/routes", `{"name":"good","to":["fixed"]}`).want(201)
	for body, want := range map[string][]string{
		`{}`: {"body.name", "body.to"},
		`{"name":"x y","to":["fixed"],"position":-1}`:                                     {"body.name", "body.position"},
		`{"name":"x","to":["nobody","mail:nobody"]}`:                                      {"body.to[0]", "body.to[1]"},
		`{"name":"x","to":["fixed"],"match":["tag=prod"]}`:                                {"body.match"},
		`{"name":"x","to":["fixed"],"match":["tag=~\"(\""]}`:                              {"body.match"},
		`{"name":"x","to":["fixed"],"match":[7]}`:                                         {"body.match"},
		`{"name":"x","to":["fixed"],"after":-1,"repeat":5}`:                               {"body.after", "body.repeat"},
		`{"name":"x","to":["fixed"],"hours":{"from":"8","to":"17:00"}}`:                   {"body.hours"},
		`{"name":"x","to":["fixed"],"hours":{"from":"08:00","to":"17:00","zone":"Mars"}}`: {"body.hours.zone"},
		`{"name":"x","to":["fixed"],"hours":{"from":"08:00","to":"17:00","at":"x"}}`:      {"body.hours.at"},
		`{"name":"x","to":["fixed"],"until":1}`:                                           {"body.until"},
	} {
		r := s.post(t, "/api/v1/routes", body)
		if r.status != 422 && r.status != 400 {
			t.Errorf("%s: %d %s", body, r.status, r.body)
			continue
		}
		var at []string
		for _, f := range into[api.Problem](r).Errors {
			at = append(at, f.Location)
		}
		if !slices.Equal(at, want) {
			t.Errorf("%s: %v, want %v: %s", body, at, want, r.body)
		}
	}
	if at := s.patch(t, "/api/v1/routes/good", `{"repeat":5}`).refused(api.KindInvalid); !slices.Equal(at, []string{"body.repeat"}) {
		t.Errorf("a change that breaks a rule: %v", at)
	}
	if got := into[api.Route](s.get(t, "/api/v1/routes/good").want(200)); got.Repeat != 0 {
		t.Errorf("was changed all the same: %+v", got)
	}
}

func TestSilences(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		r := s.ask(t, ask{
			method: "POST", path: "/api/v1/silences", body: `{"match":"name=\"db1\"","for":7200,"comment":"upgrade"}`,
			token: s.token(t, api.ScopeOperate, ""),
		}).want(201)
		made := into[api.Silence](r)
		if made.CreatedBy != "test" || !made.Active || made.EndsAt.Sub(made.StartsAt) != 2*time.Hour || r.header.Get("Location") != "/api/v1/silences/"+made.ID {
			t.Errorf("made %s", r.body)
		}
		s.Clock.Advance(time.Second)
		future := into[api.Silence](s.post(t, "/api/v1/silences", fmt.Sprintf(
			`{"match":["tag=\"x\""],"starts_at":%d,"ends_at":%d,"comment":"c"}`, storetest.Start.Unix()+60, storetest.Start.Unix()+120)).want(201))
		if future.Active || future.CreatedBy != "password" {
			t.Errorf("future %+v", future)
		}
		list := func(query, token string) string {
			var got []string
			for _, one := range into[api.Page[api.Silence]](s.ask(t, ask{method: "GET", path: "/api/v1/silences?" + query, token: token}).want(200)).Items {
				got = append(got, one.Match.String())
			}
			return strings.Join(got, "; ")
		}
		for query, want := range map[string]string{
			"": `tag="x"; name="db1"`, "state=active": `name="db1"`, "state=future": `tag="x"`, "state=ended": "", "limit=1": `tag="x"`,
		} {
			if got := list(query, ""); got != want {
				t.Errorf("%s: %s, want %s", query, got, want)
			}
		}
		s.delete(t, "/api/v1/silences/"+made.ID).want(204)
		s.delete(t, "/api/v1/silences/"+strings.ToUpper(made.ID)).want(204)
		ended := into[api.Silence](s.get(t, "/api/v1/silences/"+made.ID).want(200))
		if ended.Active || ended.EndsAt != api.TimeOf(s.Clock.Now()) {
			t.Errorf("ended %+v", ended)
		}
		if got := list("state=ended", ""); got != `name="db1"` {
			t.Errorf("ended ones: %s", got)
		}
		for _, id := range []string{"x", "%00", "00000000-0000-7000-8000-000000000000"} {
			s.get(t, "/api/v1/silences/"+id).refused(api.KindNotFound)
			s.delete(t, "/api/v1/silences/"+id).refused(api.KindNotFound)
		}
	})
}

func TestSilencesOfATokenWithAPattern(t *testing.T) {
	s := onSQLite(t)
	operator := s.token(t, api.ScopeOperate, "db.*")
	all := into[api.Silence](s.post(t, "/api/v1/silences", `{"match":"name=~\".*\"","for":60,"comment":"all"}`).want(201))
	made := into[api.Silence](s.ask(t, ask{
		method: "POST", path: "/api/v1/silences", body: `{"match":"name=~\".*\"","for":60,"comment":"mine"}`, token: operator,
	}).want(201))
	for name, want := range map[string]bool{"db.1": true, "db.": true, "dbx1": false, "web": false} {
		if got := made.Match.Match(api.Labels{api.LabelName: {name}}); got != want {
			t.Errorf("covers %s: %v", name, got)
		}
	}
	page := into[api.Page[api.Silence]](s.ask(t, ask{method: "GET", path: "/api/v1/silences", token: operator}).want(200))
	if len(page.Items) != 1 || page.Items[0].ID != made.ID {
		t.Errorf("sees %+v", page.Items)
	}
	s.ask(t, ask{method: "DELETE", path: "/api/v1/silences/" + all.ID, token: operator}).refused(api.KindNotFound)
	s.ask(t, ask{method: "DELETE", path: "/api/v1/silences/" + made.ID, token: operator}).want(204)
	long := s.token(t, api.ScopeOperate, strings.Repeat(".", 900))
	s.ask(t, ask{method: "POST", path: "/api/v1/silences", body: `{"match":"name=\"a\"","for":60,"comment":"c"}`, token: long}).refused(api.KindInvalid)
}

func TestSilencesThatBreakRules(t *testing.T) {
	s := onSQLite(t)
	for body, want := range map[string][]string{
		`{}`:                                  {"body.match", "body.comment", "body.ends_at"},
		`{"match":[],"for":60,"comment":"c"}`: {"body.match"},
		`{"match":"name=\"x\"","for":60,"comment":" "}`:                                          {"body.comment"},
		`{"match":"name=\"x\"","for":60,"ends_at":"2026-04-01T00:00:00Z","comment":"c"}`:         {"body.ends_at"},
		`{"match":"name=\"x\"","ends_at":"2026-01-01T00:00:00Z","comment":"c"}`:                  {"body.ends_at"},
		`{"match":"name=\"x\"","ends_at":"2028-01-01T00:00:00Z","comment":"c"}`:                  {"body.ends_at"},
		`{"match":"name=\"x\"","for":40000000,"comment":"c"}`:                                    {"body.for"},
		`{"match":"name=\"x\"","for":-1,"comment":"c"}`:                                          {"body.for"},
		`{"match":"name=\"x\"","for":60,"comment":"` + strings.Repeat("x", 1001) + `"}`:          {"body.comment"},
		`{"match":"` + strings.Repeat(`a=\"b\",`, 21) + `","for":60,"comment":"c"}`:              {"body.match"},
		`{"match":"name=\"` + strings.Repeat("x", 1000) + `\"","for":60,"comment":"c"}`:          {"body.match"},
		`{"match":"name=\"x\"","starts_at":"2026-04-01T00:00:00Z","for":60,"comment":"c\u0000"}`: nil,
	} {
		r := s.post(t, "/api/v1/silences", body)
		if want == nil {
			r.want(201)
			continue
		}
		var at []string
		for _, f := range into[api.Problem](r).Errors {
			at = append(at, f.Location)
		}
		if r.status != 422 && r.status != 400 || !slices.Equal(at, want) {
			t.Errorf("%.100s: %d %v, want %v: %s", body, r.status, at, want, r.body)
		}
	}
	s.get(t, "/api/v1/silences?state=loud").refused(api.KindInvalid)
}

func TestMaintenance(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		r := s.post(t, "/api/v1/maintenance",
			`{"name":"backup","match":["tag=\"db\""],"cron":"0 3 * * 0","duration":7200,"zone":"Europe/Paris","comment":"weekly"}`).want(201)
		made := into[api.Maintenance](r)
		// The clock of tests begins on Sunday, 1 March 2026 at noon; on 29 March Paris goes over to summer.
		if got := fmt.Sprint(made.Next); got != "[{2026-03-08T02:00:00.000Z 2026-03-08T04:00:00.000Z} {2026-03-15T02:00:00.000Z 2026-03-15T04:00:00.000Z} {2026-03-22T02:00:00.000Z 2026-03-22T04:00:00.000Z}]" {
			t.Errorf("next %s", got)
		}
		if made.Active || made.CreatedBy != "password" || made.Source != "api" || r.header.Get("Location") != "/api/v1/maintenance/"+made.ID {
			t.Errorf("made %s", r.body)
		}
		once := into[api.Maintenance](s.put(t, "/api/v1/maintenance/backup",
			`{"name":"move","match":"host=\"h1\"","starts_at":"2026-03-01T11:00:00Z","ends_at":"2026-03-01T13:00:00Z","comment":"rack"}`).want(200))
		if !once.Active || len(once.Next) != 1 || once.Cron != "" || once.ID != made.ID {
			t.Errorf("once %+v", once)
		}
		var names []string
		eachPage(t, s, "/api/v1/maintenance?limit=1", func(m api.Maintenance) { names = append(names, m.Name+" "+m.Source) })
		if got := strings.Join(names, ", "); got != "fixed file, move api" {
			t.Errorf("list %s", got)
		}
		s.Clock.Advance(2 * time.Hour)
		if got := into[api.Maintenance](s.get(t, "/api/v1/maintenance/move").want(200)); got.Active || got.Next == nil || len(got.Next) != 0 {
			t.Errorf("over %+v", got)
		}
		s.put(t, "/api/v1/maintenance/fixed", `{}`).refused(api.KindConflict)
		s.delete(t, "/api/v1/maintenance/fixed").refused(api.KindConflict)
		operator := s.token(t, api.ScopeOperate, "db*")
		s.ask(t, ask{method: "GET", path: "/api/v1/maintenance/move", token: operator}).refused(api.KindNotFound)
		s.ask(t, ask{method: "DELETE", path: "/api/v1/maintenance/move", token: operator}).refused(api.KindForbidden)
		mine := into[api.Maintenance](s.ask(t, ask{
			method: "POST", path: "/api/v1/maintenance", token: operator,
			body: `{"name":"mine","match":"tag=\"x\"","cron":"0 4 * * *","duration":60,"comment":"c"}`,
		}).want(201))
		if mine.Match.Match(api.Labels{"tag": {"x"}, "name": {"web"}}) || !mine.Match.Match(api.Labels{"tag": {"x"}, "name": {"db1"}}) {
			t.Errorf("covers %v", mine.Match)
		}
		if page := into[api.Page[api.Maintenance]](s.ask(t, ask{method: "GET", path: "/api/v1/maintenance", token: operator}).want(200)); len(page.Items) != 1 {
			t.Errorf("sees %+v", page.Items)
		}
		s.ask(t, ask{method: "DELETE", path: "/api/v1/maintenance/mine", token: operator}).want(204)
		s.delete(t, "/api/v1/maintenance/move").want(204)
		s.get(t, "/api/v1/maintenance/move").refused(api.KindNotFound)
	})
}

func TestMaintenanceThatBreaksRules(t *testing.T) {
	s := onSQLite(t)
	s.post(t, "/api/v1/maintenance", `{"name":"taken","match":"tag=\"x\"","cron":"0 3 * * *","duration":60,"comment":"c"}`).want(201)
	for body, want := range map[string][]string{
		`{}`: {"body.name", "body.match", "body.comment", "body.cron"},
		`{"name":"x","match":"tag=\"x\"","comment":"c","cron":"0 3 * *","duration":60}`:                 {"body.cron"},
		`{"name":"x","match":"tag=\"x\"","comment":"c","cron":"0 3 31 2 *","duration":60}`:              {"body.cron"},
		`{"name":"x","match":"tag=\"x\"","comment":"c","cron":"0 3 * * *","duration":59}`:               {"body.duration"},
		`{"name":"x","match":"tag=\"x\"","comment":"c","cron":"0 3 * * *","duration":60,"zone":"Mars"}`: {"body.zone"},
		`{"name":"x","match":"tag=\"x\"","comment":"c","cron":"0 3 * * *","duration":60,"starts_at":1}`: {"body.cron"},
		`{"name":"x","match":"tag=\"x\"","comment":"c","starts_at":200,"ends_at":100}`:                  {"body.ends_at"},
		`{"name":"x","match":"tag=\"x\"","comment":"c","starts_at":100,"ends_at":9999999}`:              {"body.ends_at"},
	} {
		r := s.post(t, "/api/v1/maintenance", body)
		if at := r.refused(api.KindInvalid); !slices.Equal(at, want) {
			t.Errorf("%s: %v, want %v", body, at, want)
		}
	}
	for _, name := range []string{"taken", "fixed"} {
		s.post(t, "/api/v1/maintenance", `{"name":"`+name+`","match":"tag=\"x\"","cron":"0 3 * * *","duration":60,"comment":"c"}`).refused(api.KindConflict)
	}
}

func TestAcknowledging(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		s.goesDown(t, "db1")
		s.goesDown(t, "web")
		path := func(name string) string {
			return "/api/v1/incidents/" + into[api.Page[api.Incident]](s.get(t, "/api/v1/incidents?subject="+name).want(200)).Items[0].ID + "/acknowledge"
		}
		operator := s.token(t, api.ScopeOperate, "db*")
		s.ask(t, ask{method: "POST", path: path("web"), token: operator}).refused(api.KindNotFound)
		s.ask(t, ask{method: "DELETE", path: path("web"), token: operator}).refused(api.KindNotFound)
		got := into[api.Incident](s.ask(t, ask{method: "POST", path: path("db1"), body: `{"comment":"on it"}`, token: operator}).want(200))
		if got.AcknowledgedBy != "test" || got.Comment != "on it" || got.AcknowledgedAt != api.TimeOf(s.Clock.Now()) || got.State != api.IncidentOpen {
			t.Errorf("%+v", got)
		}
		s.Clock.Advance(time.Second)
		if again := into[api.Incident](s.post(t, path("db1"), ``).want(200)); again.AcknowledgedBy != "test" || again.AcknowledgedAt != got.AcknowledgedAt {
			t.Errorf("again %+v", again)
		}
		if got := into[api.Incident](s.post(t, path("web"), ``).want(200)); got.AcknowledgedBy != "password" {
			t.Errorf("%+v", got)
		}
		r := s.ask(t, ask{method: "DELETE", path: path("db1"), token: operator}).want(200)
		if got := into[api.Incident](r); got.AcknowledgedBy != "" || strings.Contains(r.body, "acknowledged") {
			t.Errorf("withdrawn %s", r.body)
		}
		s.delete(t, path("db1")).want(200)
		s.post(t, "/api/v1/services/web/pulses", ``).want(200)
		s.post(t, path("web"), ``).refused(api.KindConflict)
		s.delete(t, path("web")).refused(api.KindConflict)
		s.post(t, path("db1"), `{"comment":"`+strings.Repeat("x", 1001)+`"}`).refused(api.KindInvalid)
		s.post(t, path("db1"), `{"note":"x"}`).refused(api.KindInvalid)
		s.post(t, "/api/v1/incidents/x/acknowledge", ``).refused(api.KindNotFound)
		s.post(t, "/api/v1/incidents/00000000-0000-7000-8000-000000000000/acknowledge", ``).refused(api.KindNotFound)
	})
}

func TestPreviewOfTemplates(t *testing.T) {
	s := onSQLite(t)
	page := into[api.Page[api.MessagePreview]](s.post(t, "/api/v1/templates/preview", `{"title_template":"{{.Name}} {{.About}}"}`).want(200))
	var got []string
	for _, p := range page.Items {
		if p.Body == "" {
			t.Errorf("%s has no body", p.About)
		}
		got = append(got, p.About+": "+p.Title)
	}
	if want := "opened: nightly backup opened, repeated: nightly backup repeated, recovered: nightly backup recovered, digest: digest, " +
		"event: raid event, flapping: nightly backup opened, test: ops test"; strings.Join(got, ", ") != want {
		t.Errorf("%s", strings.Join(got, ", "))
	}
	if at := s.post(t, "/api/v1/templates/preview", `{"title_template":"{{","body_template":"{{.X}}"}`).refused(api.KindInvalid); !slices.Equal(at, []string{"body.title_template", "body.body_template"}) {
		t.Errorf("wrong ones: %v", at)
	}
	s.post(t, "/api/v1/channels", `{"name":"worded","kind":"mail","settings":{"to":"a@example.org","body_template":"{{.Colour}}"}}`).refused(api.KindInvalid)
	s.post(t, "/api/v1/channels", `{"name":"worded","kind":"mail","settings":{"to":"a@example.org","body_template":"{{.Text}}"}}`).want(201)
	if got := into[api.Channel](s.get(t, "/api/v1/channels/worded").want(200)); got.Settings["body_template"] != "{{.Text}}" {
		t.Errorf("%+v", got)
	}
}
