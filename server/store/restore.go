package store

import (
	"context"

	"watchkeeper/api"
	"watchkeeper/server/hub"
)

// Restored is what MarkRestored did to a database that came out of a backup.
type Restored struct {
	From       api.Time // the last sign of life of any server in it, so about the moment of the backup; 0 when there is none
	Deliveries int64    // messages that nobody will send any more
	Incidents  int64    // of them, changes that had not even become messages
}

// MarkRestored applies what must hold for a database that came out of a backup, while no server runs on it: what nobody
// has sent is ended and not sent, since the server that went on after the backup sent it; every deadline is held until
// the service had its whole time again, counted from the next start; and nobody holds a lease. The settings, such as the
// new generation, are put in the same transaction.
func (s *Store) MarkRestored(ctx context.Context, settings map[string]string) (Restored, error) {
	var out Restored
	err := s.write(ctx, useGeneral, func(tx *Tx) (err error) {
		tx.wake(hub.Topics()...)
		out = Restored{}
		if out.From, err = tx.lastAlive(ctx); err != nil {
			return err
		}
		if err := tx.markLost(ctx, out.From); err != nil {
			return err
		}
		if out.Deliveries, err = tx.exec(ctx, endUnsent); err != nil {
			return err
		}
		// What was to be told at the moment of the backup was told after it. What waited for a later moment still does.
		if out.Incidents, err = tx.exec(ctx, endUntold, int64(out.From)); err != nil {
			return err
		}
		for _, statement := range []string{"update target set digest = '', digest_at = 0 where digest <> ''", "delete from lease"} {
			if _, err := tx.exec(ctx, statement); err != nil {
				return err
			}
		}
		for name, value := range settings {
			if err := tx.putSetting(ctx, name, value); err != nil {
				return err
			}
		}
		tx.audit(api.AuditInstallationRestore, "", map[string]any{
			"backup_from": out.From, "ended_deliveries": out.Deliveries, "settings": settings,
		})
		return nil
	})
	return out, err
}

const (
	endUnsent = `update delivery set state = 'failed', reason = 'restored', claimed_by = '', next_attempt = 0
		where state in ('waiting', 'held', 'sending')`
	endUntold = `update incident set attend_at = 0, told = (select max(change.id) from change where change.incident = incident.id and change.incident <> '')
		where attend_at > 0 and attend_at <= $1
		and told < (select max(change.id) from change where change.incident = incident.id and change.incident <> '')`
)

// markLost records the time between the backup and now. The next start finds the same last sign of life and makes it
// longer. While nothing is known of a server, no service has pulsed either.
func (tx *Tx) markLost(ctx context.Context, from api.Time) error {
	if from == 0 {
		return nil
	}
	_, err := tx.exec(ctx, `insert into gap (from_at, to_at, restored) values ($1, $2, 1)
		on conflict (from_at) do update set to_at = excluded.to_at, restored = 1`, int64(from), int64(max(from, tx.now)))
	return err
}
