package store

import (
	"context"
	"errors"
	"strconv"

	"watchkeeper/api"
)

// The part of sqliteEngine that tells how much tables hold and removes the oldest of it. Rows are numbered in the order
// in which they were written, without gaps but for those that were removed, which are the oldest.

func (e *sqliteEngine) held(ctx context.Context, s session, t keptTable) (h held, err error) {
	if h.rows, err = one(ctx, s, scanOne[int64],
		"select coalesce((select max(rowid) from "+t.name+") - (select min(rowid) from "+t.name+") + 1, 0)"); err != nil || h.rows == 0 {
		return h, err
	}
	texts, err := one(ctx, s, scanOne[int64], t.textBytes(t.name, " order by rowid desc"))
	if err != nil {
		return h, err
	}
	h.bytes = h.rows * (texts + t.overhead[SQLite])
	h.oldest, err = one(ctx, s, scanOne[api.Time], t.oldest)
	if errors.Is(err, errNoRow) {
		err = nil
	}
	return h, err
}

func (e *sqliteEngine) begins(ctx context.Context, s session, t keptTable, bytes int64, now api.Time) (api.Time, error) {
	h, err := e.held(ctx, s, t)
	if err != nil || h.bytes <= bytes {
		return 0, err
	}
	tooMany := int64(float64(h.rows) * (1 - float64(bytes)/float64(h.bytes)))
	at, err := one(ctx, s, scanOne[api.Time],
		"select "+t.at+" from "+t.name+" where rowid >= (select min(rowid) from "+t.name+") + $1 order by rowid limit 1", tooMany)
	if errors.Is(err, errNoRow) {
		return now, nil
	}
	return at, err
}

// trim looks at rows by their numbers; at is the last one that it has looked at.
func (e *sqliteEngine) trim(ctx context.Context, s session, t *Trimming, rows int, at *int64) (removed int64, done bool, err error) {
	type window struct{ last, rows, old int64 }
	w, err := one(ctx, s, func(r row) (w window, err error) { return w, r.Scan(&w.last, &w.rows, &w.old) },
		"select coalesce(max(rowid), 0), count(*), coalesce(sum("+t.table.at+" < $1), 0) from (select rowid, "+t.table.at+
			" from "+t.table.name+" where rowid > $2 order by rowid limit $3)", int64(t.before), *at, rows)
	if err != nil || w.old == 0 {
		return 0, true, err
	}
	statement := "delete from " + t.table.name + " where rowid > $1 and rowid <= $2 and " + t.table.at + " < $3"
	if t.table.stays != "" {
		statement += " and not " + t.table.stays
	}
	if removed, err = s.exec(ctx, statement, *at, w.last, int64(t.before)); err != nil {
		return 0, false, err
	}
	*at = w.last
	return removed, w.rows < int64(rows), nil
}

// spare is how many unused pages a file keeps for what comes next.
const spare = 1000

func (e *sqliteEngine) shrink(ctx context.Context, pages int) (more bool, err error) {
	s, err := e.begin(ctx, useGeneral)
	if err != nil {
		return false, err
	}
	defer s.rollback()
	const unused = "select freelist_count from pragma_freelist_count()"
	n, err := one(ctx, s, scanOne[int64], unused)
	if err != nil || n <= spare {
		return false, err
	}
	n = min(n-spare, int64(pages))
	// Each row that it gives is a page less.
	if _, err := collect(ctx, s, func(row) (struct{}, error) { return struct{}{}, nil }, "pragma incremental_vacuum("+strconv.FormatInt(n, 10)+")"); err != nil {
		return false, err
	}
	left, err := one(ctx, s, scanOne[int64], unused)
	if err != nil {
		return false, err
	}
	return left > spare, s.commit(ctx)
}
