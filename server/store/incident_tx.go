package store

import (
	"context"

	"github.com/google/uuid"

	"watchkeeper/api"
)

// lockAttended locks incidents that somebody must look at, and reads what decides about them.
func (tx *Tx) lockAttended(ctx context.Context, sql incidentSQL, limit int) ([]*Attended, error) {
	incidents, err := collect(ctx, tx, scanIncident, sql.due, int64(tx.now), limit)
	if err != nil || len(incidents) == 0 {
		return nil, err
	}
	if err := tx.loadDeliveries(ctx, sql, incidents); err != nil {
		return nil, err
	}
	changes, err := tx.untoldChanges(ctx, sql, incidents)
	if err != nil {
		return nil, err
	}
	services, err := tx.subjects(ctx, sql, incidents)
	if err != nil {
		return nil, err
	}
	return each(incidents, func(i *Incident) *Attended {
		return &Attended{Incident: *i, Changes: changes[i.ID], Service: services[i.SubjectID]}
	}), nil
}

// untoldChanges gives the changes of incidents that have not become deliveries, in order.
func (tx *Tx) untoldChanges(ctx context.Context, sql incidentSQL, incidents []*Incident) (map[string][]api.Change, error) {
	found, err := collect(ctx, tx, scanIncidentChange, sql.changes, tx.eng.pack(
		each(incidents, func(i *Incident) string { return i.ID }),
		each(incidents, func(i *Incident) int64 { return i.lastChange }),
	)...)
	byIncident := map[string][]api.Change{}
	for _, c := range found {
		byIncident[c.incident] = append(byIncident[c.incident], c.Change)
	}
	return byIncident, err
}

// subjects gives the services that incidents are about, by id, as far as they still exist.
func (tx *Tx) subjects(ctx context.Context, sql incidentSQL, incidents []*Incident) (map[string]*api.Service, error) {
	var ids []string
	for _, i := range incidents {
		if i.SubjectKind == api.SubjectService {
			ids = append(ids, i.SubjectID)
		}
	}
	byID := map[string]*api.Service{}
	if len(ids) == 0 {
		return byID, nil
	}
	found, err := collect(ctx, tx, scanService, sql.services, tx.eng.pack(ids)...)
	for _, s := range found {
		byID[s.ID] = &s.Service
	}
	return byID, err
}

// loadDeliveries gives incidents the deliveries that were made of them, in order.
func (tx *Tx) loadDeliveries(ctx context.Context, sql incidentSQL, incidents []*Incident) error {
	if len(incidents) == 0 {
		return nil
	}
	found, err := collect(ctx, tx, scanDelivery, sql.deliveries, tx.eng.pack(each(incidents, func(i *Incident) string { return i.ID }))...)
	byIncident := map[string][]Delivery{}
	for _, d := range found {
		byIncident[d.Incident] = append(byIncident[d.Incident], *d)
	}
	for _, i := range incidents {
		i.Told = byIncident[i.ID]
	}
	return err
}

// decisions is what was decided about the incidents of one transaction.
type decisions struct {
	looked     []looked
	deliveries []*Delivery // new ones
	skips      []skip
	warnings   []warning
}

type looked struct {
	incident   string
	lastChange int64
	again      api.Time
}

type skip struct{ incident, reason string }

type warning struct{ service, about string }

func (d *decisions) add(a *Attended, v Verdict, now api.Time) {
	l := looked{incident: a.ID, lastChange: a.lastChange, again: v.AttendAt}
	if n := len(a.Changes); n > 0 {
		l.lastChange = a.Changes[n-1].ID
	}
	d.looked = append(d.looked, l)
	if v.Skip != "" {
		d.skips = append(d.skips, skip{a.ID, v.Skip})
	}
	if v.Warning != "" {
		d.warnings = append(d.warnings, warning{a.Subject, v.Warning})
	}
	var position int64
	if n := len(a.Told); n > 0 {
		position = a.Told[n-1].position
	}
	for _, o := range v.Deliver {
		position++
		d.deliveries = append(d.deliveries, newDelivery(&a.Incident, o, position, now))
	}
}

func newDelivery(i *Incident, o DeliveryOrder, position int64, now api.Time) *Delivery {
	d := &Delivery{
		Delivery: api.Delivery{
			ID: uuid.Must(uuid.NewV7()).String(), Incident: i.ID, SubjectKind: i.SubjectKind, Subject: i.Subject,
			About: o.About, Channel: o.Target.Channel, State: api.DeliveryWaiting, NextAttempt: now, CreatedAt: now,
		},
		SubjectID: i.SubjectID, ChangeID: o.ChangeID, Address: o.Target.Address, Lane: o.Lane, DueAt: now,
		position: position, target: nameKey(o.Target.String()),
	}
	if o.Failed != "" {
		d.State, d.NextAttempt, d.Reason, d.LastError = api.DeliveryFailed, 0, o.Failed, o.Failed
	}
	return d
}

// settle writes what was decided. It locks deliveries before targets, as those do who claim deliveries.
func (h *Incidents) settle(ctx context.Context, tx *Tx, d *decisions) error {
	deliveries := h.s.Deliveries.sql
	if err := tx.skipDeliveries(ctx, deliveries, d.skips); err != nil {
		return err
	}
	digests, err := tx.admit(ctx, h.s.Deliveries.targets, d.deliveries)
	if err != nil {
		return err
	}
	if err := tx.insertDeliveries(ctx, deliveries, append(digests, d.deliveries...)); err != nil {
		return err
	}
	for _, w := range d.warnings {
		if _, err := tx.warn(ctx, w.service, w.about); err != nil {
			return err
		}
	}
	_, err = tx.exec(ctx, h.sql.settle, tx.eng.pack(
		each(d.looked, func(l looked) string { return l.incident }),
		each(d.looked, func(l looked) int64 { return l.lastChange }),
		each(d.looked, func(l looked) int64 { return int64(l.again) }),
	)...)
	return err
}

// warn writes an event of a service, unless that was the last warning said of it. It reports whether it did.
func (tx *Tx) warn(ctx context.Context, service, about string) (bool, error) {
	n, err := tx.exec(ctx, `insert into warning (service, about, at) values ($1, $2, $3)
		on conflict (service) do update set about = excluded.about, at = excluded.at where warning.about <> excluded.about`,
		nameKey(service), about, int64(tx.now))
	if err != nil || n == 0 {
		return false, err
	}
	tx.events = append(tx.events, &eventRow{Event: api.Event{
		Service: service, Message: about, Level: api.LevelWarning, Time: tx.now, ReceivedAt: tx.now, Automatic: true,
	}})
	return true, nil
}
