package auth

import (
	"slices"

	"watchkeeper/api"
)

// passwordName is how whoever used the password is called, for it has no name of its own.
const passwordName = "password"

// Principal is who a credential belongs to, and what it may do. The zero value may do nothing.
type Principal struct {
	Name     string // a person's or a script's, for the audit
	TokenID  string // empty for the password
	Scopes   []api.Scope
	Match    string // pattern of the services or hosts it reaches; empty means all
	Password bool   // the password was used, which may do everything
}

// May reports whether the credential has a scope, by itself or in one that includes it.
func (p Principal) May(scope api.Scope) bool {
	return slices.ContainsFunc(p.Scopes, func(held api.Scope) bool { return held.Includes(scope) })
}

// Reaches reports whether the service or host with a name is within the credential's pattern.
func (p Principal) Reaches(name string) bool { return api.MatchName(p.Match, name) }

// Require gives KindForbidden unless the credential has a scope.
func (p Principal) Require(scope api.Scope) error {
	if p.May(scope) {
		return nil
	}
	return api.Errorf(api.KindForbidden, "this needs a credential with the scope %s", scope)
}

// RequireName gives KindForbidden unless the service or host with a name is within the credential's pattern.
func (p Principal) RequireName(name string) error {
	if p.Reaches(name) {
		return nil
	}
	return api.Errorf(api.KindForbidden, "this token reaches only names that match %q", p.Match)
}

// Actor gives what the audit says of whoever used the credential.
func (p Principal) Actor() api.Actor {
	if p.Password {
		return api.Actor{Kind: api.ActorPassword, Name: p.Name}
	}
	return api.Actor{Kind: api.ActorToken, Name: p.Name, Ref: p.TokenID}
}

// Sender names who numbers what it sends: the token's id, or "password".
func (p Principal) Sender() string {
	if p.TokenID == "" {
		return passwordName
	}
	return p.TokenID
}
