package api

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Scope is something that a token may do.
type Scope string

// The scopes. Operate includes read; admin includes everything.
const (
	ScopeRead    Scope = "read"
	ScopePulse   Scope = "pulse"
	ScopeEvent   Scope = "event"
	ScopeMetrics Scope = "metrics"
	ScopeOperate Scope = "operate"
	ScopeJobs    Scope = "jobs"
	ScopeAdmin   Scope = "admin"
)

// Scopes lists the scopes in the order in which errors and help name them.
var Scopes = []Scope{ScopeRead, ScopePulse, ScopeEvent, ScopeMetrics, ScopeOperate, ScopeJobs, ScopeAdmin}

// Valid reports whether s is one of the scopes.
func (s Scope) Valid() bool { return slices.Contains(Scopes, s) }

// Includes reports whether a holder of s may do what needs other.
func (s Scope) Includes(other Scope) bool {
	return s == other || s == ScopeAdmin || s == ScopeOperate && other == ScopeRead
}

// Token is a credential with a name, as it is listed: the secret itself is shown once, when it is made.
type Token struct {
	ID        string  `json:"id"`
	Name      string  `json:"name" doc:"the person or script that uses it"`
	Scopes    []Scope `json:"scopes"`
	Match     string  `json:"match,omitempty" doc:"pattern of the services or hosts it reaches; * matches any text; empty means all"`
	CreatedAt Time    `json:"created_at"`
	ExpiresAt Time    `json:"expires_at" doc:"null when it does not expire"`
	LastUsed  Time    `json:"last_used" doc:"null before the first use; exact to a minute"`
}

// TokenInput is what makes a token.
type TokenInput struct {
	Name      string
	Scopes    []Scope
	Match     string
	ExpiresAt Time
}

// Validate checks the rules of every field.
func (in *TokenInput) Validate() error {
	var f Fields
	if n := utf8.RuneCountInString(in.Name); n == 0 || n > 100 || CheckName(in.Name) != "" {
		f.Add("name", "must be 1 to 100 characters without control characters")
	}
	if len(in.Scopes) == 0 {
		f.Add("scope", "must be at least one of %s", joinScopes())
	}
	for _, s := range in.Scopes {
		if !s.Valid() {
			f.Add("scope", "%q is not one of %s", string(s), joinScopes())
		}
	}
	if reason := CheckName(in.Match); in.Match != "" && reason != "" {
		f.Add("match", "%s", reason)
	}
	return f.Err()
}

func joinScopes() string {
	names := make([]string, len(Scopes))
	for i, s := range Scopes {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}

// MatchName reports whether name fits a pattern in which * stands for any text, also none. An empty pattern fits all.
func MatchName(pattern, name string) bool {
	if pattern == "" {
		return true
	}
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(name, first) || len(name) < len(first)+len(last) || !strings.HasSuffix(name, last) {
		return false
	}
	rest := name[len(first) : len(name)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return true
}
