package alert

import (
	"context"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

// Status is what is wrong now, who was told of it, and whether telling works.
type Status struct {
	Open    []api.Incident // the newest first, with their deliveries
	Failed  []api.Delivery // of the last day, for good
	Failing []api.Delivery // for so long that others are told
	Backlog store.Backlog
}

const (
	statusLimit = api.MaxLimit
	statusAge   = 24 * time.Hour
)

// Status gives what is wrong now.
func (a *Alerts) Status(ctx context.Context) (Status, error) {
	open, err := a.ListIncidents(ctx, IncidentQuery{State: api.IncidentOpen, Limit: statusLimit})
	if err != nil {
		return Status{}, err
	}
	failed, err := a.ListDeliveries(ctx, DeliveryQuery{State: api.DeliveryFailed, Limit: statusLimit})
	if err != nil {
		return Status{}, err
	}
	s := Status{Open: open.Items, Failed: []api.Delivery{}, Failing: []api.Delivery{}}
	for _, d := range failed.Items {
		if a.now().Sub(d.CreatedAt) <= statusAge {
			s.Failed = append(s.Failed, d)
		}
	}
	failing, err := a.Store.Deliveries.Failing(ctx, a.now().Add(-escalateAfter), statusLimit)
	if err != nil {
		return Status{}, err
	}
	for i := range failing {
		s.Failing = append(s.Failing, a.showDelivery(&failing[i]))
	}
	s.Backlog, err = a.Store.Deliveries.Backlog(ctx)
	return s, err
}
