package client

import (
	"context"
	"net/http"
	"net/url"

	"watchkeeper/api"
)

const silencesPath = "/api/v1/silences"

// Silences gives the silences in a state, all when it is empty, those made last first.
func (c *Client) Silences(state api.SilenceState) List[api.Silence] {
	q := filter{}
	q.text("state", string(state))
	return List[api.Silence]{c, silencesPath, url.Values(q)}
}

// Silence gives a silence.
func (c *Client) Silence(ctx context.Context, id string) (api.Silence, error) {
	return c.silence(ctx, call{method: http.MethodGet, path: silencesPath + "/" + segment(id)})
}

// CreateSilence makes a silence.
func (c *Client) CreateSilence(ctx context.Context, in api.SilenceInput) (api.Silence, error) {
	return c.silence(ctx, call{method: http.MethodPost, path: silencesPath, body: in})
}

// EndSilence ends a silence now; one that has ended stays as it is.
func (c *Client) EndSilence(ctx context.Context, id string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: silencesPath + "/" + segment(id)}, nil)
	return err
}

func (c *Client) silence(ctx context.Context, request call) (api.Silence, error) {
	var out api.Silence
	_, err := c.do(ctx, request, &out)
	return out, err
}
