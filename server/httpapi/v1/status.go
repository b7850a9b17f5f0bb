package v1

import (
	"context"
	"net/http"

	"watchkeeper/api"
	"watchkeeper/server/auth"
	"watchkeeper/server/store"
)

func (h *routes) statusRoutes(d *document) {
	add(d, operation{
		id: "getStatus", method: http.MethodGet, path: "/api/v1/status", group: groupServer, scope: api.ScopeRead,
		summary: "What is wrong now",
		about: "Which services are down or late, since when and who was told; whether alerts get through; and what this " +
			"server is and holds. A token with a pattern learns of what it reaches.",
	}, h.getStatus)
}

func (h *routes) getStatus(ctx context.Context, who auth.Principal, _ *struct{}) (*answer[api.Status], error) {
	status := api.Status{
		Version: h.Version, Engine: string(h.Store.Engine()), StartedAt: h.StartedAt, Now: api.TimeOf(h.Clock.Now()),
	}
	var err error
	if status.Services, err = h.countServices(ctx, who); err != nil {
		return nil, err
	}
	status.OK = status.Services.Down == 0
	if who.Match == "" {
		status.Problem = h.Problem(ctx)
		status.OK = status.OK && status.Problem == ""
	}
	gaps, err := h.Store.Servers.Gaps(ctx)
	if err != nil {
		return nil, err
	}
	if len(gaps) > 0 {
		status.LastGap = &gaps[len(gaps)-1]
	}
	if h.Certificate != nil && who.Match == "" {
		status.Certificate = h.Certificate()
	}
	if h.Heartbeat != nil && who.Match == "" {
		status.Heartbeat = h.Heartbeat()
	}
	if err := h.describeTrouble(ctx, who, &status); err != nil {
		return nil, err
	}
	if who.Match == "" {
		storage, err := h.Storage(ctx)
		if err != nil {
			return nil, err
		}
		status.Storage = &storage
	}
	return newAnswer(status), nil
}

// countServices counts the services that the credential reaches by their states.
func (h *routes) countServices(ctx context.Context, who auth.Principal) (api.ServiceCounts, error) {
	var counts api.ServiceCounts
	if who.Match == "" {
		byState, err := h.Store.Services.CountByState(ctx)
		for state, n := range byState {
			counts.Add(state, n)
		}
		return counts, err
	}
	filter := store.ServiceFilter{Order: store.ByServiceName, Direction: store.Ascending}
	for {
		found, next, err := h.visibleServices(ctx, who, filter, scanStep)
		if err != nil {
			return counts, err
		}
		for _, s := range found {
			counts.Add(s.State, 1)
		}
		if next == nil {
			return counts, nil
		}
		filter.After = next
	}
}

// describeTrouble fills in which services are in trouble and what became of the messages about it.
func (h *routes) describeTrouble(ctx context.Context, who auth.Principal, status *api.Status) error {
	alerts, err := h.Alerts.Status(ctx)
	if err != nil {
		return err
	}
	open := map[string]*api.Incident{} // by the name of the service
	for i := range alerts.Open {
		incident := &alerts.Open[i]
		switch {
		case incident.SubjectKind == api.SubjectService:
			open[incident.Subject] = incident
		case seesSubject(who, incident.SubjectKind, incident.Subject):
			status.Incidents = append(status.Incidents, *incident)
		}
	}
	if status.Down, err = h.troubles(ctx, who, api.StateDown, open); err != nil {
		return err
	}
	if status.Late, err = h.troubles(ctx, who, api.StateLate, nil); err != nil {
		return err
	}
	status.Deliveries = api.DeliveriesStatus{Failed: []api.Delivery{}, Failing: []api.Delivery{}}
	for _, d := range alerts.Failed {
		if seesSubject(who, d.SubjectKind, d.Subject) {
			status.Deliveries.Failed = append(status.Deliveries.Failed, d)
		}
	}
	for _, d := range alerts.Failing {
		if seesSubject(who, d.SubjectKind, d.Subject) {
			status.Deliveries.Failing = append(status.Deliveries.Failing, d)
		}
	}
	if who.Match == "" {
		status.Deliveries.Held = alerts.Backlog.Held
		status.Deliveries.Waiting, status.Deliveries.OldestDue = alerts.Backlog.Waiting, alerts.Backlog.Oldest
	}
	return nil
}

// noIncident is why nobody is told of a service that is down without an incident: that is only brought here.
const noIncident = "it was down already when it was imported"

// troubles gives the services in a state, each with its open incident.
func (h *routes) troubles(ctx context.Context, who auth.Principal, state api.State, open map[string]*api.Incident) ([]api.Trouble, error) {
	found, _, err := h.visibleServices(ctx, who, store.ServiceFilter{
		States: []api.State{state}, Order: store.ByStateSince, Direction: store.Descending,
	}, api.MaxTroubles)
	if err != nil {
		return nil, err
	}
	list := make([]api.Trouble, len(found))
	for i, s := range found {
		list[i] = api.Trouble{
			Service: s.Name, Since: s.StateSince, LastPulse: s.LastPulse, Deadline: s.Deadline, Host: s.Host, Tags: s.Tags,
			Told: []api.Delivery{},
		}
		if incident := open[s.Name]; incident != nil {
			list[i].Reason, list[i].Incident, list[i].AcknowledgedBy = incident.Reason, incident.ID, incident.AcknowledgedBy
			list[i].Told, list[i].Untold = incident.Deliveries, incident.Untold
		} else if state == api.StateDown {
			list[i].Untold = noIncident
		}
	}
	return list, nil
}
