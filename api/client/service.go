package client

import (
	"context"
	"net/http"
	"net/url"

	"watchkeeper/api"
)

const servicesPath = "/api/v1/services"

// ServiceFilter is what a list of services is narrowed to, and its order. Empty fields do not narrow.
type ServiceFilter struct {
	States []api.State // one of these
	Tags   []string    // all of these
	Host   string
	Slug   string
	Search string // part of the name, in any case
	// Sort is name, created_at, last_pulse, deadline or state_since, with a hyphen in front for the other way round.
	// Empty means name.
	Sort string
}

// Services gives the list of services.
func (c *Client) Services(f ServiceFilter) List[api.ServiceView] {
	q := filter{}
	texts(q, "state", f.States)
	texts(q, "tag", f.Tags)
	q.text("host", f.Host)
	q.text("slug", f.Slug)
	q.text("q", f.Search)
	q.text("sort", f.Sort)
	return List[api.ServiceView]{c, servicesPath, url.Values(q)}
}

// Service gives a service by its name or id.
func (c *Client) Service(ctx context.Context, name string) (api.ServiceView, error) {
	return c.service(ctx, call{method: http.MethodGet, path: servicePath(name)})
}

// CreateService makes a service; KindConflict when there is one with this name.
func (c *Client) CreateService(ctx context.Context, in api.ServiceInput) (api.ServiceView, error) {
	return c.service(ctx, call{method: http.MethodPost, path: servicesPath, body: in})
}

// PutService gives the service with this name exactly these settings, and makes it where there is none. It reports
// whether it made it.
func (c *Client) PutService(ctx context.Context, name string, in api.ServiceInput) (s api.ServiceView, made bool, err error) {
	status, err := c.do(ctx, call{method: http.MethodPut, path: servicesPath + "/by-name/" + segment(name), body: in}, &s)
	return s, status == http.StatusCreated, err
}

// PatchService changes the settings of a service that are not nil.
func (c *Client) PatchService(ctx context.Context, name string, in api.ServiceInput) (api.ServiceView, error) {
	return c.service(ctx, call{method: http.MethodPatch, path: servicePath(name), body: in})
}

// DeleteService removes a service with its history.
func (c *Client) DeleteService(ctx context.Context, name string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: servicePath(name)}, nil)
	return err
}

// PauseService stops the watch over a service until it is resumed or pulses.
func (c *Client) PauseService(ctx context.Context, name string) (api.ServiceView, error) {
	return c.service(ctx, call{method: http.MethodPost, path: servicePath(name) + "/pause"})
}

// ResumeService ends a pause; KindConflict when there is none.
func (c *Client) ResumeService(ctx context.Context, name string) (api.ServiceView, error) {
	return c.service(ctx, call{method: http.MethodPost, path: servicePath(name) + "/resume"})
}

// Uptime gives how much of the last day, week, month, quarter and year a service was up.
func (c *Client) Uptime(ctx context.Context, name string) (api.ServiceUptime, error) {
	var u api.ServiceUptime
	_, err := c.do(ctx, call{method: http.MethodGet, path: servicePath(name) + "/uptime"}, &u)
	return u, err
}

func (c *Client) service(ctx context.Context, request call) (api.ServiceView, error) {
	var s api.ServiceView
	_, err := c.do(ctx, request, &s)
	return s, err
}

func servicePath(name string) string { return servicesPath + "/" + segment(name) }
