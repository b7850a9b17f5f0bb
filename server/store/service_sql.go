package store

import (
	"fmt"
	"strings"
	"time"

	"watchkeeper/api"
)

// serviceRow is a row of service.
type serviceRow struct {
	api.Service
	key int64
}

const serviceColumns = `service.key, service.id, service.name, service.slug, service.description, service.tags, service.host,
	service.next_in, service.cron, service.time_zone, service.grace, service.max_run, service.min_run, service.finish_within,
	service.alerts, service.manual_resume, service.created_at, service.updated_at, service.state, service.state_since,
	service.first_pulse, service.last_pulse, service.last_start, service.last_duration, service.expected, service.deadline,
	service.judge_at, service.stated_next_in, service.open_runs, service.alert_type, service.alert_target,
	service.parents, service.failures_to_alert, service.failures, service.managed_by, ` + probeColumns

func scanService(r row) (*serviceRow, error) {
	var (
		s                  serviceRow
		tags, alerts, runs string
		parents            string
		manual, duration   int64
		probe              storedProbe
	)
	err := r.Scan(&s.key, &s.ID, &s.Name, &s.Slug, &s.Description, &tags, &s.Host,
		&s.NextIn, &s.Cron, &s.TimeZone, &s.Grace, &s.MaxRun, &s.MinRun, &s.FinishWithin,
		&alerts, &manual, &s.CreatedAt, &s.UpdatedAt, &s.State, &s.StateSince,
		&s.FirstPulse, &s.LastPulse, &s.LastStart, &duration, &s.Expected, &s.Deadline,
		&s.JudgeAt, &s.StatedNextIn, &runs, &s.AlertType, &s.AlertTarget,
		&parents, &s.FailuresToAlert, &s.Failures, &s.ManagedBy, &probe.has, &probe.settings, &probe.sealed)
	if err != nil {
		return nil, fmt.Errorf("reading a service: %w", err)
	}
	s.ManualResume = manual != 0
	s.LastDuration = api.InSeconds(time.Duration(duration) * time.Millisecond)
	if s.Tags, err = parseList[string](tags); err != nil {
		return nil, err
	}
	if s.Alerts, err = parseList[string](alerts); err != nil {
		return nil, err
	}
	if s.Parents, err = parseList[string](parents); err != nil {
		return nil, err
	}
	if s.OpenRuns, err = parseList[api.OpenRun](runs); err != nil {
		return nil, err
	}
	if s.Probe, err = probe.read(); err != nil {
		return nil, err
	}
	for _, run := range s.OpenRuns {
		s.Running = s.Running || !run.Overdue
	}
	return &s, nil
}

// parseList reads a list; the empty one, by far the usual, costs nothing. It is never nil, so that JSON shows [].
func parseList[T any](text string) ([]T, error) {
	if text == "[]" {
		return []T{}, nil
	}
	return fromJSON[[]T](text)
}

// statusColumns are those that pulses and time change, in the order of statusValues.
var statusColumns = []column{
	ints("key"), text("state"), ints("state_since"), ints("first_pulse"), ints("last_pulse"), ints("last_start"),
	ints("last_duration"), ints("expected"), ints("deadline"), ints("judge_at"), ints("stated_next_in"), text("open_runs"),
	text("alert_type"), text("alert_target"), ints("plain"), ints("updated_at"), ints("failures"),
}

func statusValues(services []*serviceRow) []any {
	return []any{
		each(services, func(s *serviceRow) int64 { return s.key }),
		each(services, func(s *serviceRow) string { return string(s.State) }),
		each(services, func(s *serviceRow) int64 { return int64(s.StateSince) }),
		each(services, func(s *serviceRow) int64 { return int64(s.FirstPulse) }),
		each(services, func(s *serviceRow) int64 { return int64(s.LastPulse) }),
		each(services, func(s *serviceRow) int64 { return int64(s.LastStart) }),
		each(services, func(s *serviceRow) int64 { return milliseconds(s.LastDuration) }),
		each(services, func(s *serviceRow) int64 { return int64(s.Expected) }),
		each(services, func(s *serviceRow) int64 { return int64(s.Deadline) }),
		each(services, func(s *serviceRow) int64 { return int64(s.JudgeAt) }),
		each(services, func(s *serviceRow) int64 { return int64(s.StatedNextIn) }),
		each(services, func(s *serviceRow) string { return openRuns(s.OpenRuns) }),
		each(services, func(s *serviceRow) string { return s.AlertType }),
		each(services, func(s *serviceRow) string { return s.AlertTarget }),
		each(services, func(s *serviceRow) int64 { return flag(s.Plain()) }),
		each(services, func(s *serviceRow) int64 { return int64(s.UpdatedAt) }),
		each(services, func(s *serviceRow) int64 { return int64(s.Failures) }),
	}
}

// settingsColumns are those that people change, in the order of settingsValues.
var settingsColumns = []column{
	text("id"), text("name_key"), text("name"), text("slug"), text("description"), text("tags"), text("host"),
	ints("next_in"), text("cron"), text("time_zone"), ints("grace"), ints("max_run"), ints("min_run"), ints("finish_within"),
	text("alerts"), ints("manual_resume"), ints("created_at"), ints("updated_at"), text("parents"), ints("failures_to_alert"),
	ints("probe"), text("managed_by"),
}

func settingsValues(services []*serviceRow) []any {
	return []any{
		each(services, func(s *serviceRow) string { return s.ID }),
		each(services, func(s *serviceRow) string { return nameKey(s.Name) }),
		each(services, func(s *serviceRow) string { return s.Name }),
		each(services, func(s *serviceRow) string { return s.Slug }),
		each(services, func(s *serviceRow) string { return s.Description }),
		each(services, func(s *serviceRow) string { return list(s.Tags) }),
		each(services, func(s *serviceRow) string { return s.Host }),
		each(services, func(s *serviceRow) int64 { return int64(s.NextIn) }),
		each(services, func(s *serviceRow) string { return s.Cron }),
		each(services, func(s *serviceRow) string { return s.TimeZone }),
		each(services, func(s *serviceRow) int64 { return int64(s.Grace) }),
		each(services, func(s *serviceRow) int64 { return int64(s.MaxRun) }),
		each(services, func(s *serviceRow) int64 { return int64(s.MinRun) }),
		each(services, func(s *serviceRow) int64 { return int64(s.FinishWithin) }),
		each(services, func(s *serviceRow) string { return list(s.Alerts) }),
		each(services, func(s *serviceRow) int64 { return flag(s.ManualResume) }),
		each(services, func(s *serviceRow) int64 { return int64(s.CreatedAt) }),
		each(services, func(s *serviceRow) int64 { return int64(s.UpdatedAt) }),
		each(services, func(s *serviceRow) string { return list(s.Parents) }),
		each(services, func(s *serviceRow) int64 { return int64(s.FailuresToAlert) }),
		each(services, func(s *serviceRow) int64 { return flag(s.Probe != nil) }),
		each(services, func(s *serviceRow) string { return s.ManagedBy }),
	}
}

func openRuns(runs []api.OpenRun) string {
	if len(runs) == 0 {
		return "[]"
	}
	return toJSON(runs)
}

func milliseconds(seconds float64) int64 { return int64(seconds*1000 + 0.5) }

// each gives one value of every element, a column of a relation.
func each[T, V any](list []T, value func(T) V) []V {
	out := make([]V, len(list))
	for i, v := range list {
		out[i] = value(v)
	}
	return out
}

// assignments gives "a = i.a, b = i.b" for the columns from the given one on.
func assignments(columns []column) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = c.name + " = i." + c.name
	}
	return strings.Join(parts, ", ")
}

func names(columns []column) string {
	return strings.Join(each(columns, func(c column) string { return c.name }), ", ")
}

// serviceSQL is the statements that need the engine's dialect, made once.
type serviceSQL struct {
	insert, saveStatus, saveSettings string
	lockByName, lockByID, byKey      string
	rearm, due                       string
}

func newServiceSQL(e engine) serviceSQL {
	const freshStatus = `'new', i.created_at, 0, 0, 0, 0, 0, 0, 0, 0, '[]', '', '', 1`
	return serviceSQL{
		insert: `insert into service (` + names(settingsColumns) + `, state, state_since, first_pulse, last_pulse, last_start,
			last_duration, expected, deadline, judge_at, stated_next_in, open_runs, alert_type, alert_target, plain)
			select ` + names(settingsColumns) + `, ` + freshStatus + ` from ` + e.relation(1, settingsColumns...) + ` i
			where true on conflict (name_key) do nothing`,
		saveStatus: `update service set ` + assignments(statusColumns[1:]) + ` from ` + e.relation(1, statusColumns...) + ` i
			where service.key = i.key`,
		saveSettings: `update service set ` + assignments(settingsColumns[1:]) + ` from ` + e.relation(1, settingsColumns...) + ` i
			where service.id = i.id`,
		lockByName: `select ` + serviceColumns + ` from service where name_key in (select name from ` + e.relation(1, text("name")) + ` i)
			order by name_key` + e.lockRows(lockWait),
		lockByID: `select ` + serviceColumns + ` from service where id in (select id from ` + e.relation(1, text("id")) + ` i)
			order by name_key` + e.lockRows(lockWait),
		byKey: `select ` + serviceColumns + ` from service where key in (select key from ` + e.relation(1, ints("key")) + ` i)`,
		rearm: `update service set judge_at = expected where key in (
			select key from service where judge_at > 0 and judge_at >= $1 and judge_at <= $2
			and state = 'up' and plain = 1 and expected > $2 order by judge_at` + limited(sweepBatch) + e.lockRows(lockFree) + `)`,
		due: `select ` + serviceColumns + ` from service where judge_at > 0 and judge_at >= $1 and judge_at <= $2
			order by judge_at` + limited(sweepBatch) + e.lockRows(lockFree),
	}
}
