package v1

import (
	"context"
	"net/http"

	"watchkeeper/api"
	"watchkeeper/server/alert"
	"watchkeeper/server/auth"
	"watchkeeper/server/store"
)

type listDeliveriesInput struct {
	Paging
	State    string `query:"state" enum:"waiting,held,sending,sent,failed,skipped" doc:"only deliveries in this state"`
	Incident string `query:"incident" format:"uuid" doc:"only deliveries of this incident"`
	Channel  string `query:"channel" doc:"only deliveries to this channel or kind, such as mail"`
}

type deliveryInput struct {
	ID string `path:"id" format:"uuid"`
}

func (h *routes) deliveryRoutes(d *document) {
	add(d, operation{
		id: "listDeliveries", method: http.MethodGet, path: "/api/v1/deliveries", group: groupAlerts, scope: api.ScopeRead,
		summary: "List deliveries", refuses: []api.ErrorKind{api.KindGone}, about: "Newest first, secrets in targets masked.",
	}, h.listDeliveries)
	add(d, operation{
		id: "getDelivery", method: http.MethodGet, path: "/api/v1/deliveries/{id}", group: groupAlerts, scope: api.ScopeRead,
		summary: "Show a delivery", refuses: []api.ErrorKind{api.KindNotFound},
	}, h.getDelivery)
	add(d, operation{
		id: "retryDelivery", method: http.MethodPost, path: "/api/v1/deliveries/{id}/retry", group: groupAlerts,
		scope: api.ScopeOperate, summary: "Send a delivery that failed again",
		refuses: []api.ErrorKind{api.KindNotFound, api.KindConflict},
		about:   "It is tried at once, with all attempts before it, whether it failed for good or waits for its next attempt. One that has not failed answers 409.",
	}, h.retryDelivery)
}

func (h *routes) listDeliveries(ctx context.Context, who auth.Principal, in *listDeliveriesInput) (*answer[api.Page[api.Delivery]], error) {
	q, err := in.query(who)
	if err != nil {
		return nil, err
	}
	return newestList(h, in.Paging, "deliveries", func(after store.Place, limit int) (alert.Found[api.Delivery], error) {
		q.After, q.Limit = after, limit
		return h.Alerts.ListDeliveries(ctx, q)
	})
}

func (in *listDeliveriesInput) query(who auth.Principal) (alert.DeliveryQuery, error) {
	var p parameters
	q := alert.DeliveryQuery{
		State: api.DeliveryState(in.State), Incident: p.text("query.incident", in.Incident),
		Channel: p.text("query.channel", in.Channel),
	}
	if q.State != "" && !q.State.Valid() {
		p.wrong.Add("query.state", "must be one of waiting, held, sending, sent, failed, skipped")
	}
	if who.Match != "" {
		q.Keep = func(d *api.Delivery) bool { return seesSubject(who, d.SubjectKind, d.Subject) }
	}
	return q, p.wrong.Err()
}

func (h *routes) getDelivery(ctx context.Context, who auth.Principal, in *deliveryInput) (*answer[api.Delivery], error) {
	return answering(h.findDelivery(ctx, who, in.ID, forReading))
}

func (h *routes) retryDelivery(ctx context.Context, who auth.Principal, in *deliveryInput) (*answer[api.Delivery], error) {
	delivery, err := h.findDelivery(ctx, who, in.ID, forWriting)
	if err != nil {
		return nil, err
	}
	if delivery, err = h.Alerts.RetryDelivery(ctx, delivery.ID); err != nil {
		return nil, err
	}
	return newAnswer(delivery), nil
}

var errNoDelivery = api.Errorf(api.KindNotFound, "there is no such delivery")

// findDelivery gives the delivery that a path names, as far as the credential reaches its subject.
func (h *routes) findDelivery(ctx context.Context, who auth.Principal, text string, use intent) (api.Delivery, error) {
	id, is := uuidOf(text)
	if !is {
		return api.Delivery{}, errNoDelivery
	}
	delivery, err := h.Alerts.GetDelivery(ctx, id)
	switch {
	case err != nil:
		return api.Delivery{}, err
	case seesSubject(who, delivery.SubjectKind, delivery.Subject):
		return delivery, nil
	case use == forReading:
		return api.Delivery{}, errNoDelivery
	}
	return api.Delivery{}, api.Errorf(api.KindForbidden, "this token does not reach what the delivery is about")
}
