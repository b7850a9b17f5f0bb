package client

import (
	"context"
	"net/http"
	"net/url"

	"watchkeeper/api"
)

const routesPath = "/api/v1/routes"

// Routes gives the routes in the order in which they are asked.
func (c *Client) Routes() List[api.Route] { return List[api.Route]{c, routesPath, nil} }

// Route gives a route by its id or name.
func (c *Client) Route(ctx context.Context, idOrName string) (api.Route, error) {
	return c.route(ctx, call{method: http.MethodGet, path: routesPath + "/" + segment(idOrName)})
}

// ExplainRoute says who would be told of a service now, when, and why not.
func (c *Client) ExplainRoute(ctx context.Context, service string) (api.Explanation, error) {
	var out api.Explanation
	_, err := c.do(ctx, call{method: http.MethodGet, path: routesPath + "/explain", query: url.Values{"service": {service}}}, &out)
	return out, err
}

// CreateRoute makes a route; KindConflict when there is one with this name.
func (c *Client) CreateRoute(ctx context.Context, in api.RouteInput) (api.Route, error) {
	return c.route(ctx, call{method: http.MethodPost, path: routesPath, body: in})
}

// PutRoute gives a route exactly these settings; position 0 leaves it where it is.
func (c *Client) PutRoute(ctx context.Context, idOrName string, in api.RouteInput) (api.Route, error) {
	return c.route(ctx, call{method: http.MethodPut, path: routesPath + "/" + segment(idOrName), body: in})
}

// PatchRoute changes what the patch carries.
func (c *Client) PatchRoute(ctx context.Context, idOrName string, in api.RoutePatch) (api.Route, error) {
	return c.route(ctx, call{method: http.MethodPatch, path: routesPath + "/" + segment(idOrName), body: in})
}

// DeleteRoute removes a route.
func (c *Client) DeleteRoute(ctx context.Context, idOrName string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: routesPath + "/" + segment(idOrName)}, nil)
	return err
}

func (c *Client) route(ctx context.Context, request call) (api.Route, error) {
	var out api.Route
	_, err := c.do(ctx, request, &out)
	return out, err
}
