package v1_test

import (
	"strings"
	"testing"

	"watchkeeper/api"
)

// TestEveryRouteAsksForItsScope tries every route of the document with every scope.
func TestEveryRouteAsksForItsScope(t *testing.T) {
	s := onSQLite(t)
	tokens := map[api.Scope]string{}
	for _, scope := range api.Scopes {
		tokens[scope] = s.token(t, scope, "")
	}
	path := strings.NewReplacer("{service}", "x", "{name}", "x", "{id}", "00000000-0000-7000-8000-000000000000")
	for _, op := range operations(s.openAPI(t)) {
		if !strings.HasPrefix(op.path, "/api/") || strings.HasSuffix(op.path, "/stream") {
			continue
		}
		needs := api.Scope(op.object["security"].([]any)[0].(object)["password"].([]any)[0].(string))
		a := ask{method: strings.ToUpper(op.method), path: path.Replace(op.path), body: "{"}
		for _, credential := range []string{"none", "wrong", "wk_" + strings.Repeat("0", 43)} {
			a.token = credential
			if r := s.ask(t, a); r.status != 401 || r.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s with %s: %d", a.method, a.path, credential, r.status)
			}
		}
		for scope, token := range tokens {
			a.token = token
			r := s.ask(t, a)
			if may := scope.Includes(needs); (r.status != 403) != may {
				t.Errorf("%s %s with %s: %d, needs %s", a.method, a.path, scope, r.status, needs)
			}
		}
	}
}

func TestCredentialsAreTakenInEveryForm(t *testing.T) {
	s := onSQLite(t)
	token := s.token(t, api.ScopeRead, "")
	for _, header := range []map[string]string{
		{"password": token},
		{"Authorization": "Bearer " + token},
		{"Authorization": "Basic " + basic("anybody", token)},
		{"Authorization": "Basic " + basic("", password)},
	} {
		s.ask(t, ask{method: "GET", path: "/api/v1/services", token: "none", header: header}).want(200)
	}
}

func TestTokens(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		r := s.post(t, "/api/v1/tokens", `{"name":"scripts","scopes":["pulse","event"],"match":"db/*","expires_at":"2026-03-02T00:00:00Z"}`).want(201)
		made := into[api.TokenAnswer](r)
		if !strings.HasPrefix(made.Text, "wk_") || made.Name != "scripts" || made.Match != "db/*" || made.ExpiresAt == 0 {
			t.Errorf("made %+v", made)
		}
		for range 3 {
			s.post(t, "/api/v1/tokens", `{"name":"more","scopes":["read"]}`).want(201)
		}
		var listed []api.Token
		eachPage(t, s, "/api/v1/tokens?limit=2", func(token api.Token) { listed = append(listed, token) })
		if len(listed) != 4 || listed[3].ID != made.ID || strings.Contains(s.get(t, "/api/v1/tokens").body, made.Text) {
			t.Errorf("listed %+v", listed)
		}
		s.ask(t, ask{method: "POST", path: "/api/v1/events", body: `{"service":"db/1","message":"m"}`, token: made.Text}).want(201)
		s.ask(t, ask{method: "DELETE", path: "/api/v1/tokens/" + made.ID}).want(204)
		s.ask(t, ask{method: "POST", path: "/api/v1/events", body: `{"service":"db/1","message":"m"}`, token: made.Text}).refused(api.KindUnauthorized)
		for _, id := range []string{made.ID, "more", "%00", "%ff"} {
			s.ask(t, ask{method: "DELETE", path: "/api/v1/tokens/" + id}).refused(api.KindNotFound)
		}
	})
}

func TestTokensThatBreakRules(t *testing.T) {
	s := onSQLite(t)
	for body, want := range map[string]string{
		`{}`:                            "body.name body.scopes",
		`{"name":"x","scopes":["all"]}`: "body.scopes",
		`{"name":"x","scopes":["read"],"expires_at":"2026-02-28T00:00:00Z"}`: "body.expires_at",
		`{"name":"x","scopes":["read"],"match":"\u0000"}`:                    "body.match",
		`{"name":"x","scopes":"read"}`:                                       "body.scopes",
		`{"name":"x","scope":"read"}`:                                        "body.scope",
	} {
		if at := strings.Join(s.post(t, "/api/v1/tokens", body).refused(api.KindInvalid), " "); at != want {
			t.Errorf("%s: %s, want %s", body, at, want)
		}
	}
}

func TestPingKey(t *testing.T) {
	s := onSQLite(t)
	got := into[api.PingKeyAnswer](s.get(t, "/api/v1/ping-key").want(200))
	if len(got.PingKey) != 22 || got.URL != "https://watch.example.org:8443/ping/"+got.PingKey+"/" {
		t.Errorf("%+v", got)
	}
}
