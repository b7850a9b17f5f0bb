package store

import (
	"context"
	"log/slog"

	"watchkeeper/api"
	"watchkeeper/api/schedule"
)

// schedules parses cron expressions, once each.
type schedules struct {
	cache *schedule.Cache
	log   *slog.Logger
}

// of gives the schedule of a service, nil for one without a cron expression. One that can no longer be read, though it
// was checked when it was set, expects nothing: it must not keep its neighbours from being judged.
func (c schedules) of(s api.ServiceSettings) api.Schedule {
	if s.Cron == "" {
		return nil
	}
	cron, err := c.cache.Parse(s.Cron, s.TimeZone)
	if err != nil {
		c.log.Error("a cron expression cannot be read, so nothing is expected", "service", s.Name, "cron", s.Cron, "error", err)
		return nil
	}
	return cron
}

// lockServices reads services for change, by names or by ids.
func (tx *Tx) lockServices(ctx context.Context, statement string, keys []string) ([]*serviceRow, error) {
	return collect(ctx, tx.session, scanService, statement, tx.eng.pack(keys)...)
}

// insertServices makes services that have never pulsed. Those whose names were taken meanwhile are left out.
func (tx *Tx) insertServices(ctx context.Context, statement string, services []*serviceRow) (int64, error) {
	return tx.exec(ctx, statement, tx.eng.pack(settingsValues(services)...)...)
}

// saveStatuses writes what pulses and time have made of services that this transaction has locked.
func (tx *Tx) saveStatuses(ctx context.Context, statement string, services []*serviceRow) error {
	if len(services) == 0 {
		return nil
	}
	_, err := tx.exec(ctx, statement, tx.eng.pack(statusValues(services)...)...)
	return err
}

// judge lets time act on a service, and records what it did.
func (tx *Tx) judge(s *serviceRow, now api.Time, cron api.Schedule, absent api.Absence) {
	for _, t := range s.Judge(now, cron, absent) {
		tx.transition(s, t, api.Facts{})
	}
}

// auditSettings gives settings as the audit may keep them: addresses of targets may be secrets.
func auditSettings(s api.ServiceSettings) api.ServiceSettings {
	s.Alerts = maskTargets(s.Alerts)
	return s
}

func auditServiceChanges(from, to api.ServiceSettings) map[string]api.AuditChange {
	changes := changesOf(from, to)
	if _, changed := changes["alerts"]; changed { // also when what is shown of them is the same
		changes["alerts"] = api.AuditChange{From: maskTargets(from.Alerts), To: maskTargets(to.Alerts)}
	}
	return changes
}
