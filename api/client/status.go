package client

import (
	"context"
	"net/http"

	"watchkeeper/api"
)

// Status gives what is wrong now, since when and who was told, and what the server is.
func (c *Client) Status(ctx context.Context) (api.Status, error) {
	var s api.Status
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/api/v1/status"}, &s)
	return s, err
}
