package store

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"watchkeeper/api"
	"watchkeeper/server/hub"
)

// lockAttended locks incidents that somebody must look at, and reads what decides about them.
func (tx *Tx) lockAttended(ctx context.Context, sql incidentSQL) ([]*Attended, error) {
	incidents, err := collect(ctx, tx, scanIncident, sql.due, int64(tx.now))
	if err != nil || len(incidents) == 0 {
		return nil, err
	}
	return tx.attended(ctx, sql, incidents)
}

// attended reads what decides about incidents.
func (tx *Tx) attended(ctx context.Context, sql incidentSQL, incidents []*Incident) ([]*Attended, error) {
	if err := tx.loadDeliveries(ctx, sql, incidents); err != nil {
		return nil, err
	}
	attended := each(incidents, func(i *Incident) *Attended { return &Attended{Incident: *i} })
	for _, load := range []func(context.Context, incidentSQL, []*Attended) error{
		tx.loadChanges, tx.loadServices, tx.loadParents, tx.loadOutages,
	} {
		if err := load(ctx, sql, attended); err != nil {
			return nil, err
		}
	}
	return attended, nil
}

// loadChanges gives incidents the change that opened them and those that nobody has looked at.
func (tx *Tx) loadChanges(ctx context.Context, sql incidentSQL, incidents []*Attended) error {
	found, err := collect(ctx, tx, scanIncidentChange, sql.changes, tx.eng.pack(each(incidents, func(i *Attended) string { return i.ID }))...)
	byIncident := map[string][]api.Change{}
	for _, c := range found {
		byIncident[c.incident] = append(byIncident[c.incident], c.Change)
	}
	for _, i := range incidents {
		for n, c := range byIncident[i.ID] {
			if n == 0 {
				i.Opening = c
			}
			if c.Closes() {
				i.Closing = &c
			}
			if c.ID > i.lastChange {
				i.Changes = append(i.Changes, c)
			}
		}
	}
	return err
}

// loadServices gives incidents the services that they are about, as far as these exist.
func (tx *Tx) loadServices(ctx context.Context, sql incidentSQL, incidents []*Attended) error {
	subjects := each(incidents, func(i *Attended) subject { return subject{i.SubjectKind, i.SubjectID, i.Opening.Facts.Service} })
	services, err := tx.servicesOf(ctx, sql, subjects)
	if err != nil {
		return err // as when the server stops in the middle
	}
	for n, i := range incidents {
		i.Service = services[n]
	}
	return nil
}

// subject is what an incident is about: a service by its id, or an event by the name of the service that sent it.
type subject struct {
	kind        api.SubjectKind
	id, service string
}

// servicesOf gives the service of each subject, nil where there is none.
func (tx *Tx) servicesOf(ctx context.Context, sql incidentSQL, subjects []subject) ([]*api.Service, error) {
	byID, byName := map[string]*api.Service{}, map[string]*api.Service{}
	var ids, names []string
	for _, s := range subjects {
		switch {
		case s.kind == api.SubjectService:
			ids = append(ids, s.id)
		case s.kind == api.SubjectEvent && s.service != "":
			names = append(names, nameKey(s.service))
		}
	}
	if len(ids) > 0 {
		found, err := collect(ctx, tx, scanService, sql.services, tx.eng.pack(ids)...)
		if err != nil {
			return nil, err
		}
		for _, s := range found {
			byID[s.ID] = &s.Service
		}
	}
	if len(names) > 0 {
		found, err := collect(ctx, tx, scanService, sql.named, tx.eng.pack(names)...)
		if err != nil {
			return nil, err
		}
		for _, s := range found {
			byName[s.Name] = &s.Service
		}
	}
	return each(subjects, func(s subject) *api.Service {
		if s.kind == api.SubjectService {
			return byID[s.id]
		}
		return byName[s.service]
	}), nil
}

// loadOutages gives incidents what flapping goes by: the one before each that nobody has looked at, and the latest of
// those that lead flapping.
func (tx *Tx) loadOutages(ctx context.Context, sql incidentSQL, incidents []*Attended) error {
	var fresh, leading []*Attended
	for _, i := range incidents {
		switch {
		case i.SubjectKind == api.SubjectEvent:
		case i.lastChange == 0:
			fresh = append(fresh, i)
		case i.Flap.Leader == i.ID:
			leading = append(leading, i)
		}
	}
	kinds := func(i *Attended) string { return string(i.SubjectKind) }
	ids := func(i *Attended) string { return i.ID }
	subjects := func(i *Attended) string { return i.SubjectID }
	if len(fresh) > 0 {
		found, err := collect(ctx, tx, scanOutage, sql.before, tx.eng.pack(each(fresh, ids), each(fresh, kinds), each(fresh, subjects),
			each(fresh, func(i *Attended) int64 { return int64(i.OpenedAt) }))...)
		if err != nil {
			return err
		}
		for _, i := range fresh {
			i.Before = outageOf(found, i.ID)
		}
	}
	if len(leading) > 0 {
		found, err := collect(ctx, tx, scanOutage, sql.latest, tx.eng.pack(each(leading, ids), each(leading, kinds), each(leading, subjects))...)
		if err != nil {
			return err
		}
		for _, i := range leading {
			i.Latest = outageOf(found, i.ID)
		}
	}
	return nil
}

// relatedOutage is an outage with the incident that it was looked for.
type relatedOutage struct {
	incident string
	api.Outage
}

func scanOutage(r row) (relatedOutage, error) {
	var o relatedOutage
	err := r.Scan(&o.incident, &o.ID, &o.OpenedAt, &o.ClosedAt, (*flapColumn)(&o.Flap))
	return o, err
}

func outageOf(found []relatedOutage, incident string) *api.Outage {
	for i := range found {
		if found[i].incident == incident {
			return &found[i].Outage
		}
	}
	return nil
}

// loadDeliveries gives incidents the deliveries that were made of them, in order.
func (tx *Tx) loadDeliveries(ctx context.Context, sql incidentSQL, incidents []*Incident) error {
	if len(incidents) == 0 {
		return nil
	}
	found, err := collect(ctx, tx, scanToldDelivery, sql.deliveries, tx.eng.pack(each(incidents, func(i *Incident) string { return i.ID }))...)
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
	released   []*Delivery // held before, now to be sent
	moves      []DeliveryMove
	skips      []skip
	warnings   []warning
}

type looked struct {
	incident   string
	lastChange int64
	again      api.Time
	flap       api.Flap
}

type skip struct{ incident, reason string }

type warning struct{ service, about string }

func (d *decisions) add(a *Attended, v Verdict, now api.Time) {
	l := looked{incident: a.ID, lastChange: a.lastChange, again: v.AttendAt, flap: v.Flap}
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
	for _, m := range v.Settle {
		if m.State != api.DeliveryWaiting {
			d.moves = append(d.moves, m)
			continue
		}
		for i := range a.Told {
			if told := a.Told[i]; told.ID == m.ID {
				told.State, told.Reason, told.NextAttempt, told.DueAt = api.DeliveryWaiting, m.Reason, now, now
				d.released = append(d.released, &told)
			}
		}
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
			About: o.About, Channel: o.Target.Channel, State: api.DeliveryWaiting, NextAttempt: now, CreatedAt: now, Route: o.Route,
		},
		SubjectID: i.SubjectID, ChangeID: o.ChangeID, Address: o.Target.Address, Lane: o.Lane, DueAt: max(now, o.DueAt),
		position: position, target: nameKey(o.Target.String()),
	}
	switch o.State {
	case "", api.DeliveryWaiting:
	default:
		d.State, d.NextAttempt, d.Reason = o.State, 0, o.Reason
	}
	if o.State == api.DeliveryFailed {
		d.LastError = o.Reason
	}
	return d
}

// settle writes what was decided. It locks deliveries before targets, as those do who claim deliveries.
func (h *Incidents) settle(ctx context.Context, tx *Tx, d *decisions) error {
	deliveries := h.s.Deliveries.sql
	if err := tx.skipDeliveries(ctx, deliveries, d.skips); err != nil {
		return err
	}
	if err := tx.moveDeliveries(ctx, deliveries, d.moves); err != nil {
		return err
	}
	digests, err := tx.admit(ctx, h.s.Deliveries.targets, append(slices.Clone(d.released), d.deliveries...))
	if err != nil {
		return err
	}
	if err := tx.releaseDeliveries(ctx, deliveries, d.released); err != nil {
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
		each(d.looked, func(looked) int64 { return int64(tx.now) }),
		each(d.looked, func(l looked) string { return (*flapColumn)(&l.flap).text() }),
	)...)
	return err
}

// touchIncidents lets somebody look at incidents at a moment, unless that is to be before.
func (tx *Tx) touchIncidents(ctx context.Context, sql incidentSQL, at api.Time, ids ...string) error {
	if at == 0 || len(ids) == 0 {
		return nil
	}
	tx.wake(hub.Incidents)
	slices.Sort(ids)
	_, err := tx.exec(ctx, sql.touch, tx.eng.pack(ids, each(ids, func(string) int64 { return int64(at) }))...)
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
