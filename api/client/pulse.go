package client

import (
	"context"
	"net/http"

	"watchkeeper/api"
)

// SendPulse gives a service a sign of life; KindNotFound when there is no such service.
func (c *Client) SendPulse(ctx context.Context, service string, in api.PulseInput) (api.PulseAnswer, error) {
	var answer api.PulseAnswer
	_, err := c.do(ctx, call{method: http.MethodPost, path: servicePath(service) + "/pulses", body: in}, &answer)
	return answer, err
}

// Pulses gives the pulses of a service, the newest first.
func (c *Client) Pulses(service string) List[api.PulseRecord] {
	return List[api.PulseRecord]{c, servicePath(service) + "/pulses", nil}
}
