package store

import (
	"context"

	"watchkeeper/api"
)

// mark notes a sequence number of a sender and reports whether it was had before.
func (tx *Tx) mark(ctx context.Context, q Sequence) (had bool, err error) {
	// One statement makes the row, locks it and reads it: a sender that gives up on one server and repeats on another may
	// be here twice, also with the first number of its stream.
	stored, err := one(ctx, tx.session, scanOne[string], `insert into stream (sender, name, ranges, seen_at) values ($1, $2, '[]', $3)
		on conflict (sender, name) do update set seen_at = excluded.seen_at returning ranges`, q.Sender, q.Stream, int64(tx.now))
	if err != nil {
		return false, err
	}
	ranges, err := fromJSON[api.Ranges](stored)
	if err != nil {
		return false, err
	}
	if ranges, had = ranges.Add(q.Number); had {
		return true, nil
	}
	_, err = tx.exec(ctx, "update stream set ranges = $3 where sender = $1 and name = $2", q.Sender, q.Stream, toJSON(ranges))
	return false, err
}
