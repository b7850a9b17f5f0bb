package store

import (
	"encoding/json"
	"fmt"

	"watchkeeper/api"
)

const auditColumns = "id, at, actor_kind, actor, actor_ref, address, request_id, action, subject, detail, previous, hash"

func scanAudit(r row) (api.AuditRow, error) {
	var (
		a      api.AuditRow
		detail string
	)
	err := r.Scan(&a.ID, &a.At, &a.Actor.Kind, &a.Actor.Name, &a.Actor.Ref, &a.Actor.Address, &a.Actor.RequestID,
		&a.Action, &a.Subject, &detail, &a.Previous, &a.Hash)
	if err != nil {
		return a, fmt.Errorf("reading a row of the audit: %w", err)
	}
	a.Detail = json.RawMessage(detail)
	return a, nil
}

func insertAudit(eng engine) string {
	return "insert into audit (" + auditColumns + ") select " + auditColumns + " from " +
		eng.relation(1, ints("id"), ints("at"), text("actor_kind"), text("actor"), text("actor_ref"), text("address"),
			text("request_id"), text("action"), text("subject"), text("detail"), text("previous"), text("hash")) + " i"
}

func auditValues(eng engine, rows []api.AuditRow) []any {
	return eng.pack(
		each(rows, func(a api.AuditRow) int64 { return a.ID }),
		each(rows, func(a api.AuditRow) int64 { return int64(a.At) }),
		each(rows, func(a api.AuditRow) string { return string(a.Actor.Kind) }),
		each(rows, func(a api.AuditRow) string { return a.Actor.Name }),
		each(rows, func(a api.AuditRow) string { return a.Actor.Ref }),
		each(rows, func(a api.AuditRow) string { return a.Actor.Address }),
		each(rows, func(a api.AuditRow) string { return a.Actor.RequestID }),
		each(rows, func(a api.AuditRow) string { return string(a.Action) }),
		each(rows, func(a api.AuditRow) string { return a.Subject }),
		each(rows, func(a api.AuditRow) string { return string(a.Detail) }),
		each(rows, func(a api.AuditRow) string { return a.Previous }),
		each(rows, func(a api.AuditRow) string { return a.Hash }),
	)
}

// lastAudit is the end of the table, whatever the head says.
const lastAudit = "select " + auditColumns + " from audit order by id desc limit 1"
