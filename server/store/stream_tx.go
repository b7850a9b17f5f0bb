package store

import (
	"context"
	"errors"

	"watchkeeper/api"
)

// mark notes a sequence number of a sender and reports whether it was had before.
func (tx *Tx) mark(ctx context.Context, q Sequence) (had bool, err error) {
	stored, err := one(ctx, tx.session, scanOne[string], "select ranges from stream where sender = $1 and name = $2"+tx.eng.lockRows(lockWait), q.Sender, q.Stream)
	if errors.Is(err, errNoRow) {
		stored, err = "[]", nil
	}
	if err != nil {
		return false, err
	}
	ranges, err := fromJSON[api.Ranges](stored)
	if err != nil {
		return false, err
	}
	ranges, had = ranges.Add(q.Number)
	_, err = tx.exec(ctx, `insert into stream (sender, name, ranges, seen_at) values ($1, $2, $3, $4)
		on conflict (sender, name) do update set ranges = excluded.ranges, seen_at = excluded.seen_at`,
		q.Sender, q.Stream, toJSON(ranges), int64(tx.now))
	return had, err
}
