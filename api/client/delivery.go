package client

import (
	"context"
	"net/http"
	"net/url"

	"watchkeeper/api"
)

const deliveriesPath = "/api/v1/deliveries"

// DeliveryFilter is what a list of deliveries is narrowed to. Empty fields do not narrow.
type DeliveryFilter struct {
	State    api.DeliveryState
	Incident string // its id
	Channel  string
}

// Deliveries gives the deliveries that fit, the newest first.
func (c *Client) Deliveries(f DeliveryFilter) List[api.Delivery] {
	q := filter{}
	q.text("state", string(f.State))
	q.text("incident", f.Incident)
	q.text("channel", f.Channel)
	return List[api.Delivery]{c, deliveriesPath, url.Values(q)}
}

// Delivery gives a delivery.
func (c *Client) Delivery(ctx context.Context, id string) (api.Delivery, error) {
	return c.delivery(ctx, call{method: http.MethodGet, path: deliveriesPath + "/" + segment(id)})
}

// RetryDelivery sends a delivery that failed for good again; KindConflict when it has not.
func (c *Client) RetryDelivery(ctx context.Context, id string) (api.Delivery, error) {
	return c.delivery(ctx, call{method: http.MethodPost, path: deliveriesPath + "/" + segment(id) + "/retry"})
}

func (c *Client) delivery(ctx context.Context, request call) (api.Delivery, error) {
	var d api.Delivery
	_, err := c.do(ctx, request, &d)
	return d, err
}
