package store

import (
	"context"
	"errors"

	"watchkeeper/api"
)

func (tx *Tx) silence(ctx context.Context, id string) (api.Silence, error) {
	s, err := one(ctx, tx, scanSilence, "select "+silenceColumns+" from silence where id = $1", id)
	if errors.Is(err, errNoRow) {
		return s, errNoSilence
	}
	return s, err
}

func (tx *Tx) insertSilence(ctx context.Context, s *api.Silence) error {
	_, err := tx.exec(ctx, "insert into silence ("+silenceColumns+") values ($1, $2, $3, $4, $5, $6, $7)",
		s.ID, s.Match.String(), int64(s.StartsAt), int64(s.EndsAt), s.Comment, s.CreatedBy, int64(s.CreatedAt))
	return err
}
