package store

import (
	"context"

	"github.com/google/uuid"

	"watchkeeper/api"
	"watchkeeper/server/hub"
)

// Silences is the handle of silences. Active is never set here: it depends on when one asks.
type Silences struct{ s *Store }

var errNoSilence = api.Errorf(api.KindNotFound, "there is no such silence")

// Current gives the silences that are active or begin later, those first that end first.
func (h *Silences) Current(ctx context.Context) ([]api.Silence, error) {
	var out []api.Silence
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		out, err = collect(ctx, tx, scanSilence, "select "+silenceColumns+" from silence where ends_at > $1 order by ends_at, id", int64(tx.now))
		return err
	})
	return out, err
}

// SilenceFilter is what a list of silences is narrowed to.
type SilenceFilter struct {
	State  api.SilenceState // empty for all
	Before Place
	Limit  int
}

// List gives silences, those made last first.
func (h *Silences) List(ctx context.Context, f SilenceFilter) ([]api.Silence, error) {
	var out []api.Silence
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		var c conditions
		switch f.State {
		case api.SilenceActive:
			c.add("ends_at > ", int64(tx.now))
			c.add("starts_at <= ", int64(tx.now))
		case api.SilenceFuture:
			c.add("ends_at > ", int64(tx.now)) // one may end before it begins
			c.add("starts_at > ", int64(tx.now))
		case api.SilenceEnded:
			c.add("ends_at <= ", int64(tx.now))
		}
		c.behind("created_at", f.Before)
		out, err = collect(ctx, tx, scanSilence, "select "+silenceColumns+" from silence"+c.text()+
			" order by created_at desc, id desc limit "+c.value(f.Limit), c.args...)
		return err
	})
	return out, err
}

// Get gives a silence, ended or not; KindNotFound when there is none.
func (h *Silences) Get(ctx context.Context, id string) (api.Silence, error) {
	var out api.Silence
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		out, err = tx.silence(ctx, id)
		return err
	})
	return out, err
}

// Create keeps a new silence. KindConflict when there are MaxSilences that have not ended.
func (h *Silences) Create(ctx context.Context, in api.Silence) (api.Silence, error) {
	err := h.s.write(ctx, useGeneral, func(tx *Tx) error {
		n, err := one(ctx, tx, scanOne[int64], "select count(*) from silence where ends_at > $1", int64(tx.now))
		if err != nil {
			return err
		}
		if n >= api.MaxSilences {
			return api.Errorf(api.KindConflict, "there are %d silences that have not ended, and there may be no more", api.MaxSilences)
		}
		in.ID, in.CreatedAt = uuid.Must(uuid.NewV7()).String(), tx.now
		tx.wake(hub.Silences)
		said := in
		said.ID, said.CreatedBy, said.CreatedAt = "", "", 0 // the row has these by itself
		tx.audit(api.AuditSilenceAdd, in.ID, fieldsOf(said))
		return tx.insertSilence(ctx, &in)
	})
	return in, err
}

// End ends a silence now and gives it; one that has not begun never will. One that has ended stays as it is. KindNotFound
// when there is none.
func (h *Silences) End(ctx context.Context, id string) (api.Silence, error) {
	var out api.Silence
	err := h.s.write(ctx, useGeneral, func(tx *Tx) error {
		n, err := tx.exec(ctx, "update silence set ends_at = $2 where id = $1 and ends_at > $2", id, int64(tx.now))
		if err != nil {
			return err
		}
		if n > 0 {
			tx.wake(hub.Silences)
		}
		if out, err = tx.silence(ctx, id); err == nil && n > 0 {
			tx.audit(api.AuditSilenceEnd, id, map[string]any{"match": out.Match, "comment": brief(out.Comment)})
		}
		return err
	})
	return out, err
}
