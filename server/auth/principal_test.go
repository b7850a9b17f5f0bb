package auth_test

import (
	"testing"

	"watchkeeper/api"
	"watchkeeper/server/auth"
)

func TestPrincipalMay(t *testing.T) {
	tests := []struct {
		name  string
		held  []api.Scope
		may   []api.Scope
		match string
		reach map[string]bool
	}{
		{"nobody", nil, nil, "", map[string]bool{"x": true}},
		{"reader", []api.Scope{api.ScopeRead}, []api.Scope{api.ScopeRead}, "web", map[string]bool{"web": true, "webs": false}},
		{
			"operator",
			[]api.Scope{api.ScopeOperate, api.ScopePulse},
			[]api.Scope{api.ScopeRead, api.ScopePulse, api.ScopeOperate},
			"web-*",
			map[string]bool{"web-": true, "web-1": true, "web": false},
		},
		{"administrator", []api.Scope{api.ScopeAdmin}, api.Scopes, "", map[string]bool{"anything": true}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := auth.Principal{Scopes: test.held, Match: test.match}
			may := map[api.Scope]bool{}
			for _, s := range test.may {
				may[s] = true
			}
			for _, s := range api.Scopes {
				err := p.Require(s)
				if p.May(s) != may[s] || (err == nil) != may[s] || err != nil && api.KindOf(err) != api.KindForbidden {
					t.Errorf("may %s: %v, want %v: %v", s, p.May(s), may[s], err)
				}
			}
			for name, want := range test.reach {
				err := p.RequireName(name)
				if p.Reaches(name) != want || (err == nil) != want || err != nil && api.KindOf(err) != api.KindForbidden {
					t.Errorf("reaches %q: %v, want %v: %v", name, p.Reaches(name), want, err)
				}
			}
		})
	}
}
