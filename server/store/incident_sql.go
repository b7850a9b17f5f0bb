package store

import (
	"fmt"

	"watchkeeper/api"
)

const incidentColumns = `incident.id, incident.subject_kind, incident.subject_id, incident.subject, incident.state,
	incident.opened_at, incident.closed_at, incident.reason, incident.acknowledged_by, incident.acknowledged_at,
	incident.acknowledged_comment, incident.told`

// fields gives where the values of incidentColumns go.
func (i *Incident) fields() []any {
	return []any{
		&i.ID, &i.SubjectKind, &i.SubjectID, &i.Subject, &i.State, &i.OpenedAt, &i.ClosedAt, &i.Reason, &i.AcknowledgedBy,
		&i.AcknowledgedAt, &i.Comment, &i.lastChange,
	}
}

func scanIncident(r row) (*Incident, error) {
	var i Incident
	if err := r.Scan(i.fields()...); err != nil {
		return nil, fmt.Errorf("reading an incident: %w", err)
	}
	return &i, nil
}

// incidentChange is a change with the incident that it opened or closed.
type incidentChange struct {
	incident string
	api.Change
}

// nested lets a scan function of some columns read a row that has more in front of them.
type nested struct {
	row
	before []any
}

func (n nested) Scan(dest ...any) error { return n.row.Scan(append(n.before, dest...)...) }

func scanIncidentChange(r row) (incidentChange, error) {
	var c incidentChange
	var err error
	c.Change, err = scanChange(nested{r, []any{&c.incident}})
	return c, err
}

// incidentSQL is the statements that need the engine's dialect, made once.
type incidentSQL struct {
	due        string
	changes    string
	services   string
	deliveries string
	settle     string
}

func newIncidentSQL(e engine) incidentSQL {
	return incidentSQL{
		due: `select ` + incidentColumns + ` from incident where attend_at > 0 and attend_at <= $1
			order by attend_at, id limit $2` + e.lockRows(lockFree),
		// A cross join, so that SQLite begins with the few incidents.
		changes: `select incident, ` + changeColumns + ` from ` + e.relation(1, text("of_incident"), ints("last")) + ` i
			cross join change where incident = i.of_incident and incident <> '' and id > i.last order by id`,
		services: `select ` + serviceColumns + ` from service where id in (select id from ` + e.relation(1, text("id")) + ` i)`,
		deliveries: `select ` + deliveryColumns + ` from ` + e.relation(1, text("of_incident")) + ` i
			cross join delivery where incident = i.of_incident and incident <> '' order by incident, position`,
		settle: `update incident set told = i.last, attend_at = i.next from ` +
			e.relation(1, text("of_incident"), ints("last"), ints("next")) + ` i where incident.id = i.of_incident`,
	}
}
