package store

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"watchkeeper/api"
	"watchkeeper/server/hub"
)

// changeRow is a row of change before it has its id.
type changeRow struct {
	api.Change
	subjectID string
	incident  string
}

// incidentRow is a row of incident that this transaction opens or closes.
type incidentRow struct {
	id, subjectID, subject string
	kind                   api.SubjectKind
	state                  api.IncidentState
	openedAt, closedAt     api.Time
	reason                 api.Reason
}

// transition records what a service went through: its change, the event and the incident, in this transaction. The
// caller holds the row lock of the service and saves its state.
func (tx *Tx) transition(s *serviceRow, t api.Transition, facts api.Facts) {
	facts.Since, facts.LastPulse, facts.NextIn, facts.Grace = t.Since, s.LastPulse, s.NextInForce(), s.Grace
	facts.Tags, facts.Host, facts.Gap = s.Tags, s.Host, t.Gap
	c := &changeRow{subjectID: s.ID, Change: api.Change{
		SubjectKind: api.SubjectService, Subject: s.Name, From: t.From, To: t.To, Reason: t.Reason,
		At: t.At, RecordedAt: tx.now, Facts: facts,
	}}
	tx.changes = append(tx.changes, c)
	if s.Probe != nil && (t.From == api.StatePaused || t.To == api.StatePaused) {
		tx.wake(hub.Probes) // one that is paused does not run
	}
	tx.events = append(tx.events, &eventRow{Event: api.Event{
		Service: s.Name, Message: c.EventMessage(tx.zone), Level: c.EventLevel(),
		Time: t.At, ReceivedAt: tx.now, Automatic: true,
	}})
}

// flush writes the rows of the audit, changes and events that the transaction gathered, with the incidents that they
// open and close. Ids
// are drawn last of all, so that they follow the order of commits while nobody waits long for them.
func (tx *Tx) flush(ctx context.Context) error {
	if err := tx.writeAudits(ctx); err != nil {
		return err
	}
	if len(tx.changes) > 0 {
		if err := tx.settleIncidents(ctx); err != nil {
			return err
		}
		tx.eng.order(tx.session, "change")
		tx.last(`insert into change (subject_kind, subject_id, subject, from_state, to_state, reason, at, recorded_at, facts, incident)
			select subject_kind, subject_id, subject, from_state, to_state, reason, at, recorded_at, facts, incident from `+
			tx.eng.relation(1, text("subject_kind"), text("subject_id"), text("subject"), text("from_state"), text("to_state"),
				text("reason"), ints("at"), ints("recorded_at"), text("facts"), text("incident"))+` i`,
			tx.eng.pack(
				each(tx.changes, func(c *changeRow) string { return string(c.SubjectKind) }),
				each(tx.changes, func(c *changeRow) string { return c.subjectID }),
				each(tx.changes, func(c *changeRow) string { return c.Subject }),
				each(tx.changes, func(c *changeRow) string { return string(c.From) }),
				each(tx.changes, func(c *changeRow) string { return string(c.To) }),
				each(tx.changes, func(c *changeRow) string { return string(c.Reason) }),
				each(tx.changes, func(c *changeRow) int64 { return int64(c.At) }),
				each(tx.changes, func(c *changeRow) int64 { return int64(c.RecordedAt) }),
				each(tx.changes, func(c *changeRow) string { return toJSON(c.Facts) }),
				each(tx.changes, func(c *changeRow) string { return c.incident }),
			)...)
		tx.wake(hub.Changes, hub.Services)
	}
	if len(tx.events) > 0 {
		tx.eng.order(tx.session, "event")
		tx.last(insertEvents(tx.eng), eventValues(tx.eng, tx.events)...)
		tx.wake(hub.Events)
	}
	return nil
}

// settleIncidents opens and closes the incidents of the gathered changes. A subject that goes down and returns within
// the transaction leaves an incident that is already closed.
func (tx *Tx) settleIncidents(ctx context.Context) error {
	var opened []*incidentRow
	open := map[string]*incidentRow{} // by subject
	var closing []*changeRow
	for _, c := range tx.changes {
		subject := string(c.SubjectKind) + " " + c.subjectID
		switch {
		case c.SubjectKind == api.SubjectEvent:
			i := newIncident(c)
			i.state, i.closedAt = api.IncidentClosed, c.At
			opened = append(opened, i)
		case c.Opens():
			i := newIncident(c)
			opened, open[subject] = append(opened, i), i
		case c.Closes() && open[subject] != nil:
			i := open[subject]
			i.state, i.closedAt = api.IncidentClosed, c.At
			c.incident = i.id
			delete(open, subject)
		case c.Closes():
			closing = append(closing, c)
		}
	}
	if err := tx.closeIncidents(ctx, closing); err != nil {
		return err
	}
	if err := tx.openIncidents(ctx, opened); err != nil {
		return err
	}
	return tx.touchChildren(ctx)
}

// touchChildren lets somebody look at the open incidents of what stands behind the services that went down or came back,
// as nobody is told of a service while one in front of it is down.
func (tx *Tx) touchChildren(ctx context.Context) error {
	var names []string
	for _, c := range tx.changes {
		if c.SubjectKind == api.SubjectService && (c.Opens() || c.Closes()) {
			names = append(names, nameKey(c.Subject))
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	behind := tx.eng.relation(2, text("name"))
	// Of what is locked somebody decides just now, or it changes itself and is looked at for that.
	_, err := tx.exec(ctx, `update incident set attend_at = $1 where id in (select id from incident
			where state = 'open' and subject_kind = 'service' and (attend_at = 0 or attend_at > $1) and subject_id in (
				select child from parent where name in (select name from `+behind+` i)
				union all
				select id from service where host <> '' and host in (select name from `+behind+` i))`+tx.eng.lockRows(lockFree)+`)`,
		append([]any{int64(tx.now)}, tx.eng.pack(slices.Compact(names))...)...)
	return err
}

func newIncident(c *changeRow) *incidentRow {
	c.incident = uuid.Must(uuid.NewV7()).String()
	return &incidentRow{
		id: c.incident, kind: c.SubjectKind, subjectID: c.subjectID, subject: c.Subject,
		state: api.IncidentOpen, openedAt: c.At, reason: c.Reason,
	}
}

func (tx *Tx) openIncidents(ctx context.Context, opened []*incidentRow) error {
	if len(opened) == 0 {
		return nil
	}
	tx.wake(hub.Incidents)
	_, err := tx.exec(ctx, `insert into incident (id, subject_kind, subject_id, subject, state, opened_at, closed_at, reason, acknowledged_by, told, attend_at)
		select id, subject_kind, subject_id, subject, state, opened_at, closed_at, reason, '', 0, attend_at from `+
		tx.eng.relation(1, text("id"), text("subject_kind"), text("subject_id"), text("subject"), text("state"),
			ints("opened_at"), ints("closed_at"), text("reason"), ints("attend_at"))+` i`,
		tx.eng.pack(
			each(opened, func(i *incidentRow) string { return i.id }),
			each(opened, func(i *incidentRow) string { return string(i.kind) }),
			each(opened, func(i *incidentRow) string { return i.subjectID }),
			each(opened, func(i *incidentRow) string { return i.subject }),
			each(opened, func(i *incidentRow) string { return string(i.state) }),
			each(opened, func(i *incidentRow) int64 { return int64(i.openedAt) }),
			each(opened, func(i *incidentRow) int64 { return int64(i.closedAt) }),
			each(opened, func(i *incidentRow) string { return string(i.reason) }),
			each(opened, func(*incidentRow) int64 { return int64(tx.now) }),
		)...)
	return err
}

// closeIncidents closes the open incidents of subjects, and tells each change which one it closed.
func (tx *Tx) closeIncidents(ctx context.Context, closing []*changeRow) error {
	if len(closing) == 0 {
		return nil
	}
	tx.wake(hub.Incidents)
	type closed struct{ id, kind, subject string }
	found, err := collect(ctx, tx, func(r row) (closed, error) {
		var c closed
		return c, r.Scan(&c.id, &c.kind, &c.subject)
	}, `update incident set state = 'closed', closed_at = i.at, attend_at = i.now
		from `+tx.eng.relation(1, text("kind"), text("subject"), ints("at"), ints("now"))+` i
		where incident.subject_kind = i.kind and incident.subject_id = i.subject and incident.state = 'open'
		returning incident.id, incident.subject_kind, incident.subject_id`,
		tx.eng.pack(
			each(closing, func(c *changeRow) string { return string(c.SubjectKind) }),
			each(closing, func(c *changeRow) string { return c.subjectID }),
			each(closing, func(c *changeRow) int64 { return int64(c.At) }),
			each(closing, func(*changeRow) int64 { return int64(tx.now) }),
		)...)
	if err != nil {
		return err
	}
	ids := make(map[string]string, len(found))
	for _, c := range found {
		ids[c.kind+" "+c.subject] = c.id
	}
	for _, c := range closing {
		c.incident = ids[string(c.SubjectKind)+" "+c.subjectID]
	}
	return nil
}
