package alert

import (
	"context"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/store"
)

// DeliveryQuery is what a list of deliveries is narrowed to. Empty fields do not narrow.
type DeliveryQuery struct {
	State    api.DeliveryState
	Incident string
	Channel  string
	After    store.Place // where the page begins
	Limit    int
	Keep     func(*api.Delivery) bool // what else must hold; nil for nothing
}

// ListDeliveries gives the newest deliveries that fit.
func (a *Alerts) ListDeliveries(ctx context.Context, q DeliveryQuery) (Found[api.Delivery], error) {
	filter := store.DeliveryFilter{State: q.State, Incident: q.Incident, Channel: q.Channel}
	return page[store.Delivery, api.Delivery]{
		limit: q.Limit,
		read: func(before store.Place, limit int) ([]store.Delivery, error) {
			filter.Before, filter.Limit = before, limit
			return a.Store.Deliveries.List(ctx, filter)
		},
		place: func(d *store.Delivery) store.Place { return store.Place{Time: d.CreatedAt, ID: d.ID} },
		show:  a.showDelivery,
		keep:  q.Keep,
	}.from(q.After)
}

// GetDelivery gives a delivery; KindNotFound when there is none.
func (a *Alerts) GetDelivery(ctx context.Context, id string) (api.Delivery, error) {
	d, err := a.Store.Deliveries.Get(ctx, id)
	if err != nil {
		return api.Delivery{}, err
	}
	return a.showDelivery(&d), nil
}

// RetryDelivery lets a delivery that failed, for good or until its next attempt, be sent again now. It gives KindNotFound when there is none, and KindConflict
// when it has not failed or names nobody.
func (a *Alerts) RetryDelivery(ctx context.Context, id string) (api.Delivery, error) {
	d, err := a.Store.Deliveries.Retry(ctx, id)
	if err != nil {
		return api.Delivery{}, err
	}
	return a.showDelivery(&d), nil
}

// showDelivery gives a delivery as others may see it.
func (a *Alerts) showDelivery(d *store.Delivery) api.Delivery {
	shown := d.Delivery
	shown.Target = a.mask(*d)
	if d.State == api.DeliverySending {
		shown.NextAttempt = 0 // it is when another server may take over
	}
	return shown
}

func (a *Alerts) mask(d store.Delivery) string {
	return notify.Mask(a.Channels.current.Load().kindOf(d.Channel), d.Address)
}
