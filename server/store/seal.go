package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"watchkeeper/api"
	"watchkeeper/server/hub"
)

// sealedColumn is where sealed values are. What they were sealed for is the purpose, and the key of the row behind it
// where the purpose ends with a colon.
type sealedColumn struct {
	table, value, purpose string
	key                   column
}

var sealedColumns = []sealedColumn{
	{"setting", "value", "setting:", text("name")},
	{"channel", "settings", "channel:", text("name")},
	{"certificate", "value", "certificate:", text("key")},
	{"probe", "sealed", "probe", ints("service")},
}

// neverSealed are tables that hold what others said, too much of it to be searched for sealed values.
var neverSealed = []string{"event", "pulse", "change", "audit", "delivery", "incident", "stream"}

// Exclusive waits until nobody else migrates the database or replaces its secret, and keeps others from it until released.
func (s *Store) Exclusive(ctx context.Context) (release func(), err error) {
	return s.eng.exclusive(ctx)
}

// Reseal replaces every value of the columns that hold sealed ones by what reseal makes of it, in one transaction, and
// gives how many are others than before. Reseal gives back what is not sealed. When a value that begins with former, what
// was sealed before, is then left anywhere, nothing is changed: it would be lost.
func (s *Store) Reseal(ctx context.Context, former string, reseal func(purpose, value string) (string, error)) (int, error) {
	changed := 0
	err := s.write(ctx, useGeneral, func(tx *Tx) error {
		tx.wake(hub.Settings, hub.Credentials, hub.Channels, hub.Probes)
		changed = 0
		for _, c := range sealedColumns {
			n, err := tx.reseal(ctx, c, reseal)
			if err != nil {
				return err
			}
			changed += n
		}
		if changed > 0 {
			tx.audit(api.AuditSecretRotate, "", map[string]any{"sealed": changed})
		}
		return tx.noneLeft(ctx, former)
	})
	return changed, err
}

func (tx *Tx) reseal(ctx context.Context, c sealedColumn, reseal func(purpose, value string) (string, error)) (changed int, err error) {
	type pair struct {
		key   any
		name  string
		value string
	}
	found, err := collect(ctx, tx, func(r row) (pair, error) {
		var p pair
		if c.key.kind == textColumn {
			err := r.Scan(&p.name, &p.value)
			p.key = p.name
			return p, err
		}
		var n int64
		err := r.Scan(&n, &p.value)
		p.key, p.name = n, fmt.Sprint(n)
		return p, err
	}, fmt.Sprintf("select %s, %s from %s where %[2]s <> '' order by 1", c.key.name, c.value, c.table)+tx.eng.lockRows(lockWait))
	if err != nil {
		return 0, err
	}
	for _, p := range found {
		purpose := c.purpose
		if strings.HasSuffix(purpose, ":") {
			purpose += p.name
		}
		value, err := reseal(purpose, p.value)
		if err != nil {
			return 0, err
		}
		if value == p.value {
			continue
		}
		changed++
		if _, err := tx.exec(ctx, fmt.Sprintf("update %s set %s = $2 where %s = $1", c.table, c.value, c.key.name), p.key, value); err != nil {
			return 0, err
		}
	}
	return changed, nil
}

// noneLeft refuses to go on while something that begins with former is left in a column that nobody thought of.
func (tx *Tx) noneLeft(ctx context.Context, former string) error {
	tables, err := tx.eng.tables(ctx, tx.session)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if slices.Contains(neverSealed, t.name) {
			continue
		}
		for _, c := range t.columns {
			if c.kind != textColumn {
				continue
			}
			n, err := one(ctx, tx, scanOne[int64], fmt.Sprintf("select count(*) from %s where substr(%s, 1, $1) = $2", t.name, c.name), len(former), former)
			if err != nil {
				return err
			}
			if n > 0 {
				return api.Errorf(api.KindInternal, "the column %s of the table %s has %d values that are sealed and would be lost", c.name, t.name, n)
			}
		}
	}
	return nil
}
