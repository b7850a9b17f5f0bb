package client

import (
	"context"
	"net/http"
	"net/url"

	"watchkeeper/api"
)

const incidentsPath = "/api/v1/incidents"

// IncidentFilter is what a list of incidents is narrowed to. Empty fields do not narrow.
type IncidentFilter struct {
	State       api.IncidentState
	SubjectKind api.SubjectKind
	Subject     string // the name of the service
}

// Incidents gives the incidents that fit with their deliveries, the newest first.
func (c *Client) Incidents(f IncidentFilter) List[api.Incident] {
	q := filter{}
	q.text("state", string(f.State))
	q.text("subject_kind", string(f.SubjectKind))
	q.text("subject", f.Subject)
	return List[api.Incident]{c, incidentsPath, url.Values(q)}
}

// Incident gives an incident with its deliveries.
func (c *Client) Incident(ctx context.Context, id string) (api.Incident, error) {
	var i api.Incident
	_, err := c.do(ctx, call{method: http.MethodGet, path: incidentsPath + "/" + segment(id)}, &i)
	return i, err
}
