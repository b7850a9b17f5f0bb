package httpapi_test

import (
	"context"
	"testing"

	"watchkeeper/api"
	"watchkeeper/server/httpapi/httpapitest"
)

// TestTheAuditSaysWhoAsked looks at what requests of two protocols leave in the audit of whoever made them.
func TestTheAuditSaysWhoAsked(t *testing.T) {
	s := httpapitest.SQLite(t, httpapitest.Options{})
	token := s.Token(t, api.ScopeAdmin, "")
	for _, a := range []httpapitest.Ask{
		{To: "POST /api/v1/services", Body: `{"name":"db","next_in":60}`, Password: httpapitest.None, Header: []string{"Authorization: Bearer " + token, "X-Request-Id: req-7"}},
		{To: "POST /api/v1/services/db/pause", Header: []string{"X-Request-Id: req-8"}},
	} {
		if r := s.Ask(t, a); r.Status >= 300 {
			t.Fatalf("%s: %d %s", a.To, r.Status, r.Body)
		}
	}
	rows, err := s.Audit.List(context.Background(), api.AuditFilter{Limit: 10})
	if err != nil || len(rows) != 3 {
		t.Fatalf("%+v, %v", rows, err)
	}
	tokens, err := s.Tokens.List(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if want := (api.Actor{Kind: api.ActorToken, Name: "test", Ref: tokens[0].ID, Address: "192.0.2.1", RequestID: "req-7"}); rows[1].Actor != want {
		t.Errorf("by a token: %+v, want %+v", rows[1].Actor, want)
	}
	if want := (api.Actor{Kind: api.ActorPassword, Name: "password", Address: "192.0.2.1", RequestID: "req-8"}); rows[0].Actor != want {
		t.Errorf("by the password: %+v, want %+v", rows[0].Actor, want)
	}
	if want := (api.Actor{Kind: api.ActorServer, Name: "watchkeeper"}); rows[2].Actor != want {
		t.Errorf("by the test itself: %+v, want %+v", rows[2].Actor, want)
	}
}
