package store

import (
	"context"
	"errors"

	"watchkeeper/api"
	"watchkeeper/server/hub"
)

// Settings is the handle of what the program remembers about itself, by name. Secrets are sealed by whoever puts them.
type Settings struct{ s *Store }

// Get gives a value and whether there is one.
func (h *Settings) Get(ctx context.Context, name string) (string, bool, error) {
	var value string
	found := true
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		value, err = one(ctx, tx.session, scanOne[string], "select value from setting where name = $1", name)
		if errors.Is(err, errNoRow) {
			found = false
			return nil
		}
		return err
	})
	return value, found && err == nil, err
}

// Put sets a value.
func (h *Settings) Put(ctx context.Context, name, value string) error {
	return h.s.write(ctx, useGeneral, func(tx *Tx) error {
		tx.wake(hub.Settings, hub.Credentials)
		return tx.putSetting(ctx, name, value)
	})
}

func (tx *Tx) putSetting(ctx context.Context, name, value string) error {
	_, err := tx.exec(ctx, putSetting, name, value, int64(tx.now))
	return err
}

const putSetting = `insert into setting (name, value, updated_at) values ($1, $2, $3)
	on conflict (name) do update set value = excluded.value, updated_at = excluded.updated_at`

// PutNew sets a value unless there is one, and gives the one that is there then: servers that start at once agree.
func (h *Settings) PutNew(ctx context.Context, name, value string) (string, error) {
	err := h.s.write(ctx, useGeneral, func(tx *Tx) error {
		n, err := tx.exec(ctx, `insert into setting (name, value, updated_at) values ($1, $2, $3) on conflict (name) do nothing`,
			name, value, int64(tx.now))
		if err != nil || n > 0 {
			tx.wake(hub.Settings, hub.Credentials)
			return err
		}
		value, err = one(ctx, tx.session, scanOne[string], "select value from setting where name = $1", name)
		return err
	})
	return value, err
}

// Swap is a change of a value by somebody, which others may be changing, too.
type Swap struct {
	Name   string
	Old    string // what it was when the new value was decided; empty for none
	New    string
	Action api.AuditAction
	Detail map[string]any // for the audit; nil for nothing
}

// Swap sets a value, and records that, unless it is no longer what it was: then it gives KindConflict.
func (h *Settings) Swap(ctx context.Context, c Swap) error {
	return h.s.write(ctx, useGeneral, func(tx *Tx) error {
		n, err := tx.exec(ctx, `insert into setting (name, value, updated_at) select $1, $2, $3
			where $4 = '' or exists (select 1 from setting where name = $1 and value = $4)
			on conflict (name) do update set value = excluded.value, updated_at = excluded.updated_at where setting.value = $4`,
			c.Name, c.New, int64(tx.now), c.Old)
		if err != nil {
			return err
		}
		if n == 0 {
			return api.Errorf(api.KindConflict, "somebody else changed this at the same moment; try again")
		}
		tx.wake(hub.Settings, hub.Credentials)
		tx.audit(c.Action, "", c.Detail)
		return nil
	})
}

// Delete removes a value; one that is not there is no error.
func (h *Settings) Delete(ctx context.Context, name string) error {
	return h.s.write(ctx, useGeneral, func(tx *Tx) error {
		tx.wake(hub.Settings, hub.Credentials)
		_, err := tx.exec(ctx, "delete from setting where name = $1", name)
		return err
	})
}
