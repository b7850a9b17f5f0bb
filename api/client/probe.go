package client

import (
	"context"
	"net/http"
	"time"

	"watchkeeper/api"
)

// RunProbe runs the probe of a service now and gives what it found; KindConflict for a service without one. That the
// target fails is no error.
func (c *Client) RunProbe(ctx context.Context, service string) (api.ProbeResult, error) {
	var r api.ProbeResult
	_, err := c.do(ctx, call{method: http.MethodPost, path: servicePath(service) + "/probe", extra: api.MaxProbeTimeout * time.Second}, &r)
	return r, err
}
