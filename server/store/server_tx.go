package store

import (
	"context"
	"fmt"
	"slices"

	"watchkeeper/api"
)

// serverRow is a row of server.
type serverRow struct {
	id, name, version string
	startedAt         api.Time
}

// gapsKept bounds how many gaps a judgement looks at; older ones are long over.
const gapsKept = 100

func (tx *Tx) lastAlive(ctx context.Context) (api.Time, error) {
	return one(ctx, tx.session, scanOne[api.Time], "select coalesce(max(seen_at), 0) from server")
}

func (tx *Tx) othersAlive(ctx context.Context, self serverRow) ([]string, error) {
	return collect(ctx, tx.session, scanOne[string], "select name from server where id <> $1 and seen_at > $2 order by name",
		self.id, int64(tx.now.Add(-Recent)))
}

func (tx *Tx) gaps(ctx context.Context) ([]api.Gap, error) {
	gaps, err := collect(ctx, tx.session, func(r row) (api.Gap, error) {
		var g api.Gap
		var restored int64
		err := r.Scan(&g.From, &g.To, &restored)
		g.Restored = restored != 0
		return g, err
	}, "select from_at, to_at, restored from gap order by from_at desc limit $1", gapsKept)
	slices.Reverse(gaps)
	return gaps, err
}

// witness marks this server as alive now. A time without any mark that ended just now is recorded first, so that
// whoever judges silence in this transaction already knows of it.
func (tx *Tx) witness(ctx context.Context, self serverRow) (*api.Gap, error) {
	last, err := tx.lastAlive(ctx)
	if err != nil {
		return nil, err
	}
	var gap *api.Gap
	if last > 0 && tx.now.Sub(last) >= MinGap {
		gap = &api.Gap{From: last, To: tx.now}
		if _, err := tx.exec(ctx, `insert into gap (from_at, to_at) values ($1, $2)
			on conflict (from_at) do update set to_at = excluded.to_at where gap.to_at < excluded.to_at`,
			int64(gap.From), int64(gap.To)); err != nil {
			return nil, fmt.Errorf("recording a gap: %w", err)
		}
	}
	if self.id == "" {
		return gap, nil // a command beside the server; it does not watch
	}
	_, err = tx.exec(ctx, `insert into server (id, name, version, started_at, seen_at) values ($1, $2, $3, $4, $5)
		on conflict (id) do update set seen_at = excluded.seen_at where server.seen_at < excluded.seen_at`,
		self.id, self.name, self.version, int64(self.startedAt), int64(tx.now))
	return gap, err
}

// absence gives what a judgement must know of our own gaps, including one that ends at this moment: a server that was
// stopped and goes on must not judge before it has seen that it was away.
func (tx *Tx) absence(ctx context.Context) (api.Absence, error) {
	if _, err := tx.witness(ctx, tx.self); err != nil {
		return api.Absence{}, err
	}
	gaps, err := tx.gaps(ctx)
	return api.Absence{Gaps: gaps, CatchUp: tx.catchUp}, err
}
