package store

import (
	"encoding/json"
	"fmt"

	"watchkeeper/api"
)

const incidentColumns = `incident.id, incident.subject_kind, incident.subject_id, incident.subject, incident.state,
	incident.opened_at, incident.closed_at, incident.reason, incident.acknowledged_by, incident.acknowledged_at,
	incident.acknowledged_comment, incident.told, incident.looked_at, incident.flap`

// fields gives where the values of incidentColumns go.
func (i *Incident) fields() []any {
	return []any{
		&i.ID, &i.SubjectKind, &i.SubjectID, &i.Subject, &i.State, &i.OpenedAt, &i.ClosedAt, &i.Reason, &i.AcknowledgedBy,
		&i.AcknowledgedAt, &i.Comment, &i.lastChange, &i.LookedAt, (*flapColumn)(&i.Flap),
	}
}

// flapColumn reads and writes what is remembered of flapping; most rows have nothing.
type flapColumn api.Flap

// Scan reads the column.
func (f *flapColumn) Scan(value any) error {
	text, _ := value.(string)
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), f)
}

func (f *flapColumn) text() string {
	if len(f.Downs) == 0 && f.Leader == "" {
		return ""
	}
	return toJSON(f)
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
	named      string
	deliveries string
	before     string
	latest     string
	settle     string
	touch      string
	parents    string
}

func newIncidentSQL(e engine) incidentSQL {
	return incidentSQL{
		// Those of one subject in their order, so that each can go by what was decided about the one before.
		due: `select ` + incidentColumns + ` from incident where attend_at > 0 and attend_at <= $1
			and not exists (select 1 from incident e where e.told = 0 and e.subject_kind = incident.subject_kind
				and e.subject_id = incident.subject_id and (e.opened_at, e.id) < (incident.opened_at, incident.id))
			order by attend_at, id` + limited(attendBatch) + e.lockRows(lockFree),
		// A cross join, so that SQLite begins with the few incidents.
		changes: `select incident, ` + changeColumns + ` from ` + e.relation(1, text("of_incident")) + ` i
			cross join change where incident = i.of_incident and incident <> '' order by id`,
		services: `select ` + serviceColumns + ` from service where id in (select id from ` + e.relation(1, text("id")) + ` i)`,
		named:    `select ` + serviceColumns + ` from service where name_key in (select name from ` + e.relation(1, text("name")) + ` i)`,
		deliveries: `select ` + deliveryColumns + `, coalesce(digest.attempts, 0), coalesce(digest.due_at, 0)
			from ` + e.relation(1, text("of_incident")) + ` i cross join delivery
			left join delivery digest on digest.id = delivery.digest and delivery.digest <> ''
			where delivery.incident = i.of_incident and delivery.incident <> '' order by delivery.incident, delivery.position`,
		before: `select i.of_incident, o.id, o.opened_at, o.closed_at, o.flap
			from ` + e.relation(1, text("of_incident"), text("kind"), text("subject"), ints("opened")) + ` i
			cross join incident o where o.id = (select p.id from incident p
				where p.subject_kind = i.kind and p.subject_id = i.subject and (p.opened_at, p.id) < (i.opened, i.of_incident)
				order by p.opened_at desc, p.id desc limit 1)`,
		latest: `select i.of_incident, o.id, o.opened_at, o.closed_at, o.flap
			from ` + e.relation(1, text("of_incident"), text("kind"), text("subject")) + ` i
			cross join incident o where o.id = (select p.id from incident p
				where p.subject_kind = i.kind and p.subject_id = i.subject order by p.opened_at desc, p.id desc limit 1)`,
		parents: `select p.name, p.state, p.state_since, p.last_pulse, p.expected, coalesce(o.opened_at, 0), coalesce(o.closed_at, 0)
			from service p left join incident o on o.id = (select id from incident
				where subject_kind = 'service' and subject_id = p.id order by opened_at desc, id desc limit 1)
			where p.name_key in (select name from ` + e.relation(1, text("name")) + ` i)`,
		settle: `update incident set told = i.last, attend_at = i.next, looked_at = i.now, flap = i.flap from ` +
			e.relation(1, text("of_incident"), ints("last"), ints("next"), ints("now"), text("flap")) + ` i where incident.id = i.of_incident`,
		touch: `update incident set attend_at = i.at from ` + e.relation(1, text("of_incident"), ints("at")) + ` i
			where incident.id = i.of_incident and (attend_at = 0 or attend_at > i.at)`,
	}
}
