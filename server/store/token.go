package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"watchkeeper/api"
	"watchkeeper/server/hub"
)

// Tokens is the handle of credentials other than the password. It knows them by their hash only.
type Tokens struct{ s *Store }

const tokenColumns = "id, name, scopes, match, created_at, expires_at, last_used"

func scanToken(r row) (api.Token, error) {
	var (
		t      api.Token
		scopes string
	)
	if err := r.Scan(&t.ID, &t.Name, &scopes, &t.Match, &t.CreatedAt, &t.ExpiresAt, &t.LastUsed); err != nil {
		return t, fmt.Errorf("reading a token: %w", err)
	}
	for s := range strings.FieldsSeq(scopes) {
		t.Scopes = append(t.Scopes, api.Scope(s))
	}
	return t, nil
}

// Create keeps a token by its hash. The input has been validated.
func (h *Tokens) Create(ctx context.Context, in api.TokenInput, hash string) (api.Token, error) {
	t := api.Token{ID: uuid.Must(uuid.NewV7()).String(), Name: in.Name, Scopes: in.Scopes, Match: in.Match, ExpiresAt: in.ExpiresAt}
	err := h.s.write(ctx, useGeneral, func(tx *Tx) error {
		t.CreatedAt = tx.now
		tx.wake(hub.Credentials)
		_, err := tx.exec(ctx, "insert into token (id, name, hash, scopes, match, created_at, expires_at, last_used) values ($1, $2, $3, $4, $5, $6, $7, 0)",
			t.ID, t.Name, hash, strings.Join(each(t.Scopes, func(s api.Scope) string { return string(s) }), " "), t.Match,
			int64(t.CreatedAt), int64(t.ExpiresAt))
		tx.audit(api.AuditTokenCreate, t.Name, auditToken(t))
		return err
	})
	return t, err
}

// auditToken is what the audit says of a token.
func auditToken(t api.Token) map[string]any {
	return fieldsOf(api.Token{ID: t.ID, Scopes: t.Scopes, Match: t.Match, ExpiresAt: t.ExpiresAt})
}

// ByHash gives the token with a hash, expired or not; KindNotFound when there is none.
func (h *Tokens) ByHash(ctx context.Context, hash string) (api.Token, error) {
	var t api.Token
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		t, err = one(ctx, tx.session, scanToken, "select "+tokenColumns+" from token where hash = $1", hash)
		if errors.Is(err, errNoRow) {
			return api.Errorf(api.KindNotFound, "there is no such token")
		}
		return err
	})
	return t, err
}

// List gives all tokens by name.
func (h *Tokens) List(ctx context.Context) ([]api.Token, error) {
	var out []api.Token
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		out, err = collect(ctx, tx.session, scanToken, "select "+tokenColumns+" from token order by name, created_at, id")
		return err
	})
	return out, err
}

// Revoke removes the token with an id, or all tokens with a name, and gives what it removed.
func (h *Tokens) Revoke(ctx context.Context, idOrName string) ([]api.Token, error) {
	var gone []api.Token
	err := h.s.write(ctx, useGeneral, func(tx *Tx) (err error) {
		tx.wake(hub.Credentials)
		gone, err = collect(ctx, tx.session, scanToken, "delete from token where id = $1 or name = $1 returning "+tokenColumns, idOrName)
		if err == nil && len(gone) == 0 {
			return api.Errorf(api.KindNotFound, "there is no token with this name or id")
		}
		for _, t := range gone {
			tx.audit(api.AuditTokenRevoke, t.Name, auditToken(t))
		}
		return err
	})
	return gone, err
}

// lastUsedStep is how exact last_used is, so that a busy token is not a busy row.
const lastUsedStep = time.Minute

// Used notes that a token was used now.
func (h *Tokens) Used(ctx context.Context, id string) error {
	return h.s.write(ctx, useGeneral, func(tx *Tx) error {
		_, err := tx.exec(ctx, "update token set last_used = $2 where id = $1 and last_used < $3",
			id, int64(tx.now), int64(tx.now.Add(-lastUsedStep)))
		return err
	})
}
