package store

import (
	"context"
	"errors"
	"fmt"

	"watchkeeper/api"
	"watchkeeper/server/hub"
)

// saveProbe writes the probe of a service whose row this transaction has written or holds, and lets it begin anew.
func (tx *Tx) saveProbe(ctx context.Context, s *api.Service) error {
	if s.Probe == nil {
		return tx.deleteProbe(ctx, s)
	}
	tx.wake(hub.Probes)
	_, err := tx.exec(ctx, `insert into probe (service, settings, sealed, ran_at, ok_at, result)
		select key, $2, $3, 0, 0, '' from service where id = $1
		on conflict (service) do update set settings = excluded.settings, sealed = excluded.sealed, ran_at = 0, ok_at = 0, result = ''`,
		s.ID, toJSON(s.Probe), s.Probe.Sealed)
	if err != nil {
		return fmt.Errorf("saving a probe: %w", err)
	}
	return nil
}

func (tx *Tx) deleteProbe(ctx context.Context, s *api.Service) error {
	n, err := tx.exec(ctx, "delete from probe where service = (select key from service where id = $1)", s.ID)
	if n > 0 {
		tx.wake(hub.Probes)
	}
	return err
}

// readProbe reads the probe of a service that this transaction has locked. What came with the row may be older than the
// lock, where another transaction held it before.
func (tx *Tx) readProbe(ctx context.Context, s *serviceRow) error {
	stored, err := one(ctx, tx.session, func(r row) (storedProbe, error) {
		p := storedProbe{has: 1}
		return p, r.Scan(&p.settings, &p.sealed)
	}, "select settings, sealed from probe where service = $1", s.key)
	if errors.Is(err, errNoRow) {
		s.Probe = nil
		return nil
	}
	if err == nil {
		s.Probe, err = stored.read()
	}
	return err
}

// recordProbe writes what a run found. Whoever lost the lease, and a run of a probe that is another by now, is refused
// with ErrNotLeader or ErrProbeOutdated: its pulse must not count.
func (tx *Tx) recordProbe(ctx context.Context, s *serviceRow, run *ProbeRun) error {
	if s.State == api.StatePaused || !s.Probe.Same(run.Of) {
		return api.Wrap(api.KindConflict, ErrProbeOutdated, "the probe was changed, removed or paused meanwhile")
	}
	if l := run.Lease; l != nil {
		_, err := one(ctx, tx.session, scanOne[int64], "select fence from lease where name = $1 and holder = $2 and fence = $3 and until_at >= $4",
			l.Name, l.Holder, l.Fence, int64(tx.now))
		if errors.Is(err, errNoRow) {
			return api.Wrap(api.KindConflict, ErrNotLeader, "another server holds the lease")
		}
		if err != nil {
			return err
		}
	}
	n, err := tx.exec(ctx, `update probe set ran_at = $2, result = $3, ok_at = case when $4 = 1 then $2 else ok_at end
		where service = $1`, s.key, int64(run.Result.At), toJSON(run.Result), flag(run.Result.OK))
	if err == nil && n == 0 {
		return api.Wrap(api.KindConflict, ErrProbeOutdated, "the probe was changed, removed or paused meanwhile")
	}
	return err
}
