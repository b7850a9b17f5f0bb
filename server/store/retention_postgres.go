package store

import (
	"context"
	"errors"
	"strconv"

	"watchkeeper/api"
)

// The part of postgresEngine that tells how much tables hold and removes the oldest of it: by partition, where a table
// has any.

// leaf is a table without partitions: a partition, or a table that has none.
type leaf struct {
	name        string
	from, to    api.Time // 0 where it is no partition
	rows, bytes int64
}

// leaves gives the parts of a table, the oldest first. Its files keep the space of rows that were removed, for others;
// so what it holds is counted by its rows.
func (e *postgresEngine) leaves(ctx context.Context, s session, t keptTable) ([]leaf, error) {
	var heap []int64
	leaves, err := collect(ctx, s, func(r row) (l leaf, err error) {
		var size int64
		err = r.Scan(&l.name, &l.from, &l.to, &l.rows, &size, &l.bytes)
		heap = append(heap, size)
		return l, err
	}, `select name, coalesce(bounds[1]::bigint, 0), coalesce(bounds[2]::bigint, 0), rows, heap, size
		from (
			select c.oid::regclass::text as name, pg_relation_size(c.oid) as heap, pg_total_relation_size(c.oid) as size,
				regexp_match(pg_get_expr(c.relpartbound, c.oid), '\(''(-?\d+)''\) TO \(''(-?\d+)''\)') as bounds,
				greatest(pg_stat_get_live_tuples(c.oid), c.reltuples::bigint, 0) as rows
			from pg_class c where c.oid = $1::text::regclass and c.relkind = 'r'
				or c.oid in (select relid from pg_partition_tree($1::text::regclass) where isleaf)) l
		order by 2`, t.name)
	if err != nil {
		return nil, err
	}
	each := int64(0) // bytes of a row, by some of the newest partition that has any
	for i := len(leaves) - 1; i >= 0; i-- {
		l := &leaves[i]
		if heap[i] == 0 {
			l.rows, l.bytes = 0, 0
			continue
		}
		if each == 0 {
			if each, err = one(ctx, s, scanOne[int64], t.textBytes(l.name, "")); err != nil {
				return nil, err
			}
			each += t.overhead[Postgres]
		}
		if l.rows == 0 { // nobody has counted them yet
			l.rows = heap[i] / each
		}
		l.bytes = min(l.bytes, l.rows*each)
	}
	return leaves, nil
}

func (e *postgresEngine) held(ctx context.Context, s session, t keptTable) (h held, err error) {
	leaves, err := e.leaves(ctx, s, t)
	if err != nil {
		return h, err
	}
	for _, l := range leaves {
		h.rows, h.bytes = h.rows+l.rows, h.bytes+l.bytes
		if h.oldest > 0 || l.rows == 0 {
			continue
		}
		statement := t.oldest
		if l.to > 0 { // there rows lie about in the order in which they came
			statement = "select " + t.at + " from " + l.name + " limit 1"
		}
		if h.oldest, err = one(ctx, s, scanOne[api.Time], statement); err != nil && !errors.Is(err, errNoRow) {
			return h, err
		}
	}
	return h, nil
}

func (e *postgresEngine) begins(ctx context.Context, s session, t keptTable, bytes int64, now api.Time) (api.Time, error) {
	leaves, err := e.leaves(ctx, s, t)
	if err != nil {
		return 0, err
	}
	excess := -bytes
	for _, l := range leaves {
		excess += l.bytes
	}
	var at api.Time
	for _, l := range leaves {
		switch {
		case excess <= 0:
			return at, nil
		case l.bytes <= excess && l.to <= now:
			excess -= l.bytes
			at = l.to
			continue
		case l.bytes == 0:
			continue
		}
		// A part of it: where its rows came evenly.
		from, to := l.from, min(l.to, now)
		first, err := one(ctx, s, scanOne[api.Time], "select "+t.at+" from "+l.name+" limit 1")
		if err == nil {
			from = max(from, first)
		}
		return from + api.Time(float64(to-from)*min(float64(excess)/float64(l.bytes), 1)), nil
	}
	return at, nil
}

const (
	blockSize    = 8192
	rowsOfBlock  = 40 // about
	lockPatience = "set local lock_timeout = '100ms'"
)

// trim drops a partition that is wholly before the moment, or where none is left and it shall be exact, looks at some
// blocks of the one that is partly; at is the first block that it has not looked at. Tables without partitions are
// removed by their ids.
func (e *postgresEngine) trim(ctx context.Context, s session, t *Trimming, rows int, at *int64) (removed int64, done bool, err error) {
	leaves, err := e.leaves(ctx, s, t.table)
	if err != nil {
		return 0, false, err
	}
	for _, l := range leaves {
		switch {
		case l.to == 0:
			return e.trimByID(ctx, s, t, rows, at)
		case l.to <= t.before:
			// Whoever writes waits behind the drop, and the drop behind whoever reads: not for long.
			if _, err := s.exec(ctx, lockPatience); err != nil {
				return 0, false, err
			}
			_, err := s.exec(ctx, "drop table "+l.name)
			return l.rows, false, err
		case l.from < t.before && t.exact:
			return e.trimBlocks(ctx, s, t, l.name, rows, at)
		}
	}
	return 0, true, nil
}

func (e *postgresEngine) trimBlocks(ctx context.Context, s session, t *Trimming, name string, rows int, at *int64) (removed int64, done bool, err error) {
	size, err := one(ctx, s, scanOne[int64], "select pg_relation_size($1::text::regclass)", name)
	if err != nil {
		return 0, false, err
	}
	next := *at + int64(max(rows/rowsOfBlock, 1))
	removed, err = s.exec(ctx, "delete from "+name+" where ctid >= $1::text::tid and ctid < $2::text::tid and "+t.table.at+" < $3",
		tid(*at), tid(next), int64(t.before))
	*at = next
	return removed, next*blockSize >= size, err
}

func tid(block int64) string { return "(" + strconv.FormatInt(block, 10) + ",0)" }

func (e *postgresEngine) trimByID(ctx context.Context, s session, t *Trimming, rows int, at *int64) (removed int64, done bool, err error) {
	type window struct{ last, rows, old int64 }
	w, err := one(ctx, s, func(r row) (w window, err error) { return w, r.Scan(&w.last, &w.rows, &w.old) },
		"select coalesce(max(id), 0), count(*), count(*) filter (where "+t.table.at+" < $1) from (select id, "+t.table.at+
			" from "+t.table.name+" where id > $2 order by id limit $3) w", int64(t.before), *at, rows)
	if err != nil || w.old == 0 {
		return 0, true, err
	}
	statement := "delete from " + t.table.name + " where id > $1 and id <= $2 and " + t.table.at + " < $3"
	if t.table.stays != "" {
		statement += " and not " + t.table.stays
	}
	if removed, err = s.exec(ctx, statement, *at, w.last, int64(t.before)); err != nil {
		return 0, false, err
	}
	*at = w.last
	return removed, w.rows < int64(rows), nil
}

// shrink has nothing to do: vacuum makes room, and dropped partitions give it back.
func (e *postgresEngine) shrink(context.Context, int) (bool, error) { return false, nil }
