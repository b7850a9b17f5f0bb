package store

import (
	"fmt"

	"watchkeeper/api"
)

const maintenanceColumns = "id, name, match, starts_at, ends_at, cron, duration, zone, comment, managed_by, created_by, created_at"

func scanMaintenance(r row) (api.Maintenance, error) {
	var (
		m     = api.Maintenance{Source: sourceAPI}
		match string
	)
	if err := r.Scan(&m.ID, &m.Name, &match, &m.StartsAt, &m.EndsAt, &m.Cron, &m.Duration, &m.Zone, &m.Comment, &m.ManagedBy,
		&m.CreatedBy, &m.CreatedAt); err != nil {
		return m, fmt.Errorf("reading a maintenance: %w", err)
	}
	var err error
	if m.Match, err = parseMatch(match); err != nil {
		return m, fmt.Errorf("reading the maintenance %s: %w", m.Name, err)
	}
	return m, nil
}
