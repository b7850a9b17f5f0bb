package store

import (
	"context"

	"github.com/google/uuid"

	"watchkeeper/api"
	"watchkeeper/server/hub"
)

// Maintenance is the handle of the times of maintenance that were made through the API. Active and Next are never set
// here: they depend on when one asks.
type Maintenance struct{ s *Store }

var errNoMaintenance = api.Errorf(api.KindNotFound, "there is no such maintenance")

// List gives all maintenance by name, also what is over.
func (h *Maintenance) List(ctx context.Context) ([]api.Maintenance, error) {
	var out []api.Maintenance
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		out, err = collect(ctx, tx, scanMaintenance, "select "+maintenanceColumns+" from maintenance order by name")
		return err
	})
	return out, err
}

// Get gives one; KindNotFound when there is none.
func (h *Maintenance) Get(ctx context.Context, id string) (api.Maintenance, error) {
	var out api.Maintenance
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		out, err = tx.maintenance(ctx, id)
		return err
	})
	return out, err
}

// Create keeps a new one. KindConflict when the name is taken or there are MaxMaintenance. The input has been validated.
func (h *Maintenance) Create(ctx context.Context, in api.MaintenanceInput, by string) (api.Maintenance, error) {
	out := api.Maintenance{MaintenanceInput: in, Source: sourceAPI, CreatedBy: by}
	err := h.s.write(ctx, useGeneral, func(tx *Tx) error {
		n, err := one(ctx, tx, scanOne[int64], "select count(*) from maintenance")
		if err != nil {
			return err
		}
		if n >= api.MaxMaintenance {
			return api.Errorf(api.KindConflict, "there are %d times of maintenance already, and there may be no more", api.MaxMaintenance)
		}
		out.ID, out.CreatedAt = uuid.Must(uuid.NewV7()).String(), tx.now
		tx.wake(hub.Maintenance)
		tx.audit(api.AuditMaintenanceAdd, out.Name, fieldsOf(in))
		return tx.insertMaintenance(ctx, &out)
	})
	return out, err
}

// Replace changes one. KindNotFound when there is none, KindConflict when the name is taken.
func (h *Maintenance) Replace(ctx context.Context, id string, in api.MaintenanceInput) (api.Maintenance, error) {
	var out api.Maintenance
	err := h.s.write(ctx, useGeneral, func(tx *Tx) (err error) {
		was, err := tx.lockMaintenance(ctx, id)
		if err != nil {
			return err
		}
		tx.wake(hub.Maintenance)
		if changes := changesOf(was.MaintenanceInput, in); len(changes) > 0 {
			tx.audit(api.AuditMaintenanceUpdate, was.Name, changes)
		}
		out, err = tx.updateMaintenance(ctx, id, in)
		return err
	})
	return out, err
}

// Delete removes one and gives it; KindNotFound when there is none.
func (h *Maintenance) Delete(ctx context.Context, id string) (api.Maintenance, error) {
	var out api.Maintenance
	err := h.s.write(ctx, useGeneral, func(tx *Tx) (err error) {
		if out, err = tx.maintenance(ctx, id); err != nil {
			return err
		}
		tx.wake(hub.Maintenance)
		tx.audit(api.AuditMaintenanceEnd, out.Name, map[string]any{"id": id})
		_, err = tx.exec(ctx, "delete from maintenance where id = $1", id)
		return err
	})
	return out, err
}
