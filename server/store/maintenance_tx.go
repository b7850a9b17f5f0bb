package store

import (
	"context"
	"errors"

	"watchkeeper/api"
)

func (tx *Tx) maintenance(ctx context.Context, id string) (api.Maintenance, error) {
	return tx.findMaintenance(ctx, id, "")
}

func (tx *Tx) lockMaintenance(ctx context.Context, id string) (api.Maintenance, error) {
	return tx.findMaintenance(ctx, id, tx.eng.lockRows(lockWait))
}

func (tx *Tx) findMaintenance(ctx context.Context, id, lock string) (api.Maintenance, error) {
	m, err := one(ctx, tx, scanMaintenance, "select "+maintenanceColumns+" from maintenance where id = $1"+lock, id)
	if errors.Is(err, errNoRow) {
		return m, errNoMaintenance
	}
	return m, err
}

func (tx *Tx) insertMaintenance(ctx context.Context, m *api.Maintenance) error {
	_, err := tx.exec(ctx, "insert into maintenance ("+maintenanceColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
		m.ID, m.Name, m.Match.String(), int64(m.StartsAt), int64(m.EndsAt), m.Cron, int64(m.Duration), m.Zone, m.Comment, m.ManagedBy,
		m.CreatedBy, int64(m.CreatedAt))
	return tx.maintenanceTaken(err)
}

func (tx *Tx) updateMaintenance(ctx context.Context, id string, in api.MaintenanceInput) (api.Maintenance, error) {
	m, err := one(ctx, tx, scanMaintenance, `update maintenance set name = $2, match = $3, starts_at = $4, ends_at = $5, cron = $6,
		duration = $7, zone = $8, comment = $9, managed_by = $10 where id = $1 returning `+maintenanceColumns,
		id, in.Name, in.Match.String(), int64(in.StartsAt), int64(in.EndsAt), in.Cron, int64(in.Duration), in.Zone, in.Comment, in.ManagedBy)
	if errors.Is(err, errNoRow) {
		return m, errNoMaintenance
	}
	return m, tx.maintenanceTaken(err)
}

func (tx *Tx) maintenanceTaken(err error) error {
	if tx.eng.judge(err) == verdictUnique {
		return api.Wrap(api.KindConflict, err, "a maintenance with this name exists already")
	}
	return err
}
