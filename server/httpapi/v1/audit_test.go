package v1_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"watchkeeper/api"
)

func TestAudit(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		for _, name := range []string{"a", "b", "c"} {
			s.post(t, "/api/v1/services", `{"name":"`+name+`","next_in":60,"alerts":["webhook:https://example.org/secret"]}`).want(201)
			s.Clock.Advance(time.Second)
		}
		s.post(t, "/api/v1/services/b/pause", "").want(200)
		token := s.token(t, api.ScopeRead, "")
		ids := func(query string) (ids []int64) {
			t.Helper()
			eachPage(t, s, "/api/v1/audit?limit=2"+query, func(r api.AuditRow) {
				if r.Hash != r.Sum() {
					t.Errorf("the hash of %+v is not that of what was answered", r)
				}
				ids = append(ids, r.ID)
			})
			return ids
		}
		for query, want := range map[string][]int64{
			"":                         {5, 4, 3, 2, 1},
			"&action=service":          {4, 3, 2, 1},
			"&action=service.pause":    {4},
			"&subject=b":               {4, 2},
			"&actor=password":          {4, 3, 2, 1},
			"&actor_kind=server":       {5},
			"&to=2026-03-01T12:00:00Z": {1},
			"&from=2026-03-01T12:00:01Z&to=2026-03-01T12:00:02Z": {3, 2},
		} {
			if got := ids(query); !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", query, got, want)
			}
		}
		if body := s.get(t, "/api/v1/audit").body; strings.Contains(body, "secret") || !strings.Contains(body, `"detail":{"`) {
			t.Error(body)
		}
		s.ask(t, ask{method: "GET", path: "/api/v1/audit", token: token}).refused(api.KindForbidden)
		s.ask(t, ask{method: "GET", path: "/api/v1/audit", token: s.token(t, api.ScopeAdmin, "a*")}).refused(api.KindForbidden)
		for query, want := range map[string]string{
			"?actor_kind=robot": "query.actor_kind", "?from=soon": "query.from", "?actor=%00": "query.actor", "?who=x": "query.who",
		} {
			if at := strings.Join(s.get(t, "/api/v1/audit"+query).refused(api.KindInvalid), " "); at != want {
				t.Errorf("%s: %s, want %s", query, at, want)
			}
		}
		other := api.Cursor{Generation: 3, Order: "audit", ID: "-1"}.String()
		s.get(t, "/api/v1/audit?cursor="+other).refused(api.KindMalformed)
		s.get(t, "/api/v1/audit?cursor="+api.Cursor{Generation: 2, Order: "audit", ID: "1"}.String()).refused(api.KindGone)
	})
}
