package alert

import (
	"context"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

// IncidentQuery is what a list of incidents is narrowed to. Empty fields do not narrow.
type IncidentQuery struct {
	State       api.IncidentState
	SubjectKind api.SubjectKind
	Subject     string
	After       store.Place // where the page begins
	Limit       int
	Keep        func(*api.Incident) bool // what else must hold, such as that the reader may see it; nil for nothing
}

// ListIncidents gives the newest incidents that fit, with their deliveries.
func (a *Alerts) ListIncidents(ctx context.Context, q IncidentQuery) (Found[api.Incident], error) {
	filter := store.IncidentFilter{State: q.State, SubjectKind: q.SubjectKind, Subject: q.Subject}
	return page[store.Incident, api.Incident]{
		limit: q.Limit,
		read: func(before store.Place, limit int) ([]store.Incident, error) {
			filter.Before, filter.Limit = before, limit
			return a.Store.Incidents.List(ctx, filter)
		},
		place: func(i *store.Incident) store.Place { return store.Place{Time: i.OpenedAt, ID: i.ID} },
		show:  a.showIncident,
		keep:  q.Keep,
	}.from(q.After)
}

// GetIncident gives an incident with its deliveries; KindNotFound when there is none.
func (a *Alerts) GetIncident(ctx context.Context, id string) (api.Incident, error) {
	i, err := a.Store.Incidents.Get(ctx, id)
	if err != nil {
		return api.Incident{}, err
	}
	return a.showIncident(&i), nil
}

// Acknowledge notes that somebody is at an incident, so that reminders and later steps stop, and gives it. One that
// somebody is at already stays as it is. KindNotFound when there is none, KindConflict when it is over.
func (a *Alerts) Acknowledge(ctx context.Context, id string, ack store.Acknowledgement) (api.Incident, error) {
	ack.Comment = api.CleanText(ack.Comment)
	if _, err := a.Store.Incidents.Acknowledge(ctx, id, ack); err != nil {
		return api.Incident{}, err
	}
	return a.GetIncident(ctx, id)
}

// Withdraw takes an acknowledgement back; see Acknowledge.
func (a *Alerts) Withdraw(ctx context.Context, id string) (api.Incident, error) {
	if _, err := a.Store.Incidents.Withdraw(ctx, id); err != nil {
		return api.Incident{}, err
	}
	return a.GetIncident(ctx, id)
}

// showIncident gives an incident as others may see it.
func (a *Alerts) showIncident(i *store.Incident) api.Incident {
	shown := i.Incident
	shown.Flapping = i.Flap.Leader != ""
	shown.Deliveries = make([]api.Delivery, len(i.Told))
	for n := range i.Told {
		shown.Deliveries[n] = a.showDelivery(&i.Told[n])
	}
	shown.Untold = api.Untold(shown.Deliveries)
	return shown
}
