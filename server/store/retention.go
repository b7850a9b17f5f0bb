package store

import (
	"context"

	"watchkeeper/api"
)

// Retention is the handle of what the tables hold that grow for ever, and of removing the oldest of it. The steps of a
// removal are small, so that nobody who writes has to wait for them.
type Retention struct{ s *Store }

// Use gives what a table holds; rows and bytes are estimates that cost little to make.
func (h *Retention) Use(ctx context.Context, table api.Table) (api.TableUse, error) {
	use := api.TableUse{Name: table}
	err := h.s.read(ctx, func(tx *Tx) error {
		held, err := h.s.eng.held(ctx, tx.session, keptTables[table])
		use.Rows, use.Bytes, use.Oldest = held.rows, held.bytes, held.oldest
		return err
	})
	return use, err
}

// Begins gives the receive time at which the newest rows begin that have room in so many bytes; 0 when all have.
func (h *Retention) Begins(ctx context.Context, table api.Table, bytes int64) (api.Time, error) {
	var at api.Time
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		at, err = h.s.eng.begins(ctx, tx.session, keptTables[table], bytes, tx.now)
		return err
	})
	return at, err
}

// Trimming is the removal of the rows of a table that were received before a moment.
type Trimming struct {
	h      *Retention
	table  keptTable
	before api.Time
	exact  bool
	at     int64 // where it goes on; what it means is for the engine to say
}

// Trim begins a removal. Where a table consists of partitions only whole ones go, unless it shall be exact. What an open
// incident needs, and what is still to be sent, stays.
func (h *Retention) Trim(table api.Table, before api.Time, exact bool) *Trimming {
	return &Trimming{h: h, table: keptTables[table], before: before, exact: exact}
}

// Step looks at about so many rows, the oldest first, and gives how many it removed and whether that was the end.
func (t *Trimming) Step(ctx context.Context, rows int) (removed int64, done bool, err error) {
	at := t.at
	err = t.h.s.write(ctx, useGeneral, func(tx *Tx) error {
		at = t.at
		if t.table.removal != "" {
			removed, err = tx.exec(ctx, t.table.removal, int64(t.before), rows)
			done = removed < int64(rows)
			return err
		}
		removed, done, err = tx.eng.trim(ctx, tx.session, t, rows, &at)
		return err
	})
	if err == nil {
		t.at = at
	}
	return removed, done, err
}

// Shrink gives some pages back to the file system that are no longer used, and reports whether there are more to give.
func (h *Retention) Shrink(ctx context.Context, pages int) (more bool, err error) {
	for _, eng := range []engine{h.s.eng, h.s.Search.engine()} {
		if eng == nil {
			continue
		}
		left, err := eng.shrink(ctx, pages)
		if err != nil {
			return false, h.s.outward(err)
		}
		more = more || left
	}
	return more, nil
}
