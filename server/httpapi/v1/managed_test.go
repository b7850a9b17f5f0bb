package v1_test

import (
	"strings"
	"testing"

	"watchkeeper/api"
)

func TestWhatMadeAThingIsKept(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		mark := func(r *reply) any { return into[object](r)["managed_by"] }
		for _, noun := range []struct{ list, one, put, body string }{
			{"/api/v1/services", "/api/v1/services/a", "/api/v1/services/by-name/a", `"next_in":60`},
			{"/api/v1/channels", "/api/v1/channels/a", "/api/v1/channels/a", `"kind":"mail","settings":{"to":"a@example.org"}`},
			{"/api/v1/routes", "/api/v1/routes/a", "/api/v1/routes/a", `"to":["mail:a@example.org"]`},
			{"/api/v1/maintenance", "/api/v1/maintenance/a", "/api/v1/maintenance/a", `"match":["tag=\"x\""],"cron":"0 3 * * *","duration":60,"comment":"x"`},
		} {
			body := `{"name":"a",` + noun.body
			if got := mark(s.post(t, noun.list, body+`,"managed_by":"apply"}`).want(201)); got != "apply" {
				t.Errorf("%s: made %v", noun.list, got)
			}
			if got := mark(s.get(t, noun.one).want(200)); got != "apply" {
				t.Errorf("%s: kept %v", noun.list, got)
			}
			s.ask(t, ask{method: "PUT", path: noun.put, body: body + `}`}).want(200)
			if got := mark(s.get(t, noun.one).want(200)); got != nil {
				t.Errorf("%s: replaced by what says nothing of it %v", noun.list, got)
			}
			for _, wrong := range []string{strings.Repeat("x", api.MaxManagedBy+1), `a\nb`} {
				at := s.post(t, noun.list, strings.Replace(body, `"a"`, `"b"`, 1)+`,"managed_by":"`+wrong+`"}`).refused(api.KindInvalid)
				if len(at) != 1 || at[0] != "body.managed_by" {
					t.Errorf("%s: refused %q at %v", noun.list, wrong, at)
				}
			}
		}
		// A change of something else leaves it.
		s.post(t, "/api/v1/services", `{"name":"c","next_in":60,"managed_by":"apply"}`).want(201)
		s.ask(t, ask{method: "PATCH", path: "/api/v1/services/c", body: `{"grace":5}`}).want(200)
		if got := s.service(t, "c"); got.ManagedBy != "apply" {
			t.Errorf("patched %+v", got)
		}
	})
}

func TestAPeriodThatAPulseStatesIsToldFromThatOfTheSettings(t *testing.T) {
	s := onSQLite(t)
	s.post(t, "/api/v1/services", `{"name":"n","next_in":600}`).want(201)
	if got := s.service(t, "n"); got.NextIn != 600 || got.SetNextIn != nil {
		t.Errorf("before a pulse: %d, %v", got.NextIn, got.SetNextIn)
	}
	s.post(t, "/api/v1/services/n/pulses", `{"next_in":60}`).want(200)
	if got := s.service(t, "n"); got.NextIn != 60 || got.SetNextIn == nil || *got.SetNextIn != 600 {
		t.Errorf("after a pulse that states another: %d, %v", got.NextIn, got.SetNextIn)
	}
}
