package auth

import (
	"context"
	"encoding/hex"
	"fmt"

	"watchkeeper/api"
	"watchkeeper/server/clock"
	"watchkeeper/server/store"
)

// Tokens makes and revokes tokens. Only their hashes are kept.
type Tokens struct {
	kept  *store.Tokens
	clock clock.Clock
}

// NewTokens gives the tokens of a database.
func NewTokens(kept *store.Tokens, c clock.Clock) *Tokens { return &Tokens{kept: kept, clock: c} }

// Create makes a token and gives the text that its holder shows, which cannot be had again. KindInvalid for what breaks
// a rule.
func (t *Tokens) Create(ctx context.Context, in api.TokenInput) (text string, token api.Token, err error) {
	if err := in.Validate(); err != nil {
		return "", api.Token{}, err
	}
	if in.ExpiresAt != 0 && in.ExpiresAt <= api.TimeOf(t.clock.Now()) {
		return "", api.Token{}, api.Invalid("expires_at", "must lie in the future")
	}
	text = newToken()
	hash := hashOf(text)
	token, err = t.kept.Create(ctx, in, hex.EncodeToString(hash[:]))
	if err != nil {
		return "", api.Token{}, fmt.Errorf("keeping the token: %w", err)
	}
	return text, token, nil
}

// List gives all tokens by name, expired ones too.
func (t *Tokens) List(ctx context.Context) ([]api.Token, error) { return t.kept.List(ctx) }

// Revoke ends the token with an id, or all with a name, and gives what it ended. KindNotFound when there is none. This
// server refuses them from now on, others within 5 s.
func (t *Tokens) Revoke(ctx context.Context, idOrName string) ([]api.Token, error) {
	return t.kept.Revoke(ctx, idOrName)
}
