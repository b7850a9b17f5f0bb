package store

import (
	"context"
	"fmt"
	"strings"

	"watchkeeper/api"
	"watchkeeper/server/hub"
)

// sealedColumns are where sealed values are, and what they were sealed for; * stands for the key of the row.
var sealedColumns = []struct{ table, key, value, purpose string }{
	{"setting", "name", "value", "setting:*"},
	{"channel", "name", "settings", "channel:*"},
	{"certificate", "key", "value", "certificate:*"},
	{"probe", "cast(service as text)", "sealed", "probe"},
}

// Exclusive waits until nobody else migrates the database or replaces its secret, and keeps others from it until released.
func (s *Store) Exclusive(ctx context.Context) (release func(), err error) {
	return s.eng.exclusive(ctx)
}

// Reseal replaces every value of the columns that hold sealed ones by what reseal makes of it, in one transaction, and
// gives how many are others than before. Reseal gives back what is not sealed.
func (s *Store) Reseal(ctx context.Context, reseal func(purpose, value string) (string, error)) (int, error) {
	changed := 0
	err := s.write(ctx, useGeneral, func(tx *Tx) error {
		tx.wake(hub.Settings, hub.Credentials, hub.Channels, hub.Probes)
		changed = 0
		for _, c := range sealedColumns {
			type pair struct{ key, value string }
			found, err := collect(ctx, tx, func(r row) (pair, error) {
				var p pair
				return p, r.Scan(&p.key, &p.value)
			}, fmt.Sprintf("select %s, %s from %s order by 1", c.key, c.value, c.table)+tx.eng.lockRows(lockWait))
			if err != nil {
				return err
			}
			for _, p := range found {
				value, err := reseal(strings.Replace(c.purpose, "*", p.key, 1), p.value)
				if err != nil {
					return err
				}
				if value == p.value {
					continue
				}
				changed++
				if _, err := tx.exec(ctx, fmt.Sprintf("update %s set %s = $2 where %s = $1", c.table, c.value, c.key), p.key, value); err != nil {
					return err
				}
			}
		}
		if changed > 0 {
			tx.audit(api.AuditSecretRotate, "", map[string]any{"sealed": changed})
		}
		return nil
	})
	return changed, err
}
