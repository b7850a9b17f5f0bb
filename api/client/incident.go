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
	return c.incident(ctx, call{method: http.MethodGet, path: incidentsPath + "/" + segment(id)})
}

// AcknowledgeIncident says that the holder of the credential is at an incident; one that somebody is at stays as it is,
// one that is over is KindConflict.
func (c *Client) AcknowledgeIncident(ctx context.Context, id string, in api.Acknowledgement) (api.Incident, error) {
	return c.incident(ctx, call{method: http.MethodPost, path: incidentsPath + "/" + segment(id) + "/acknowledge", body: in})
}

// WithdrawAcknowledgement says that nobody is at an incident any more; one that is over is KindConflict.
func (c *Client) WithdrawAcknowledgement(ctx context.Context, id string) (api.Incident, error) {
	return c.incident(ctx, call{method: http.MethodDelete, path: incidentsPath + "/" + segment(id) + "/acknowledge"})
}

func (c *Client) incident(ctx context.Context, request call) (api.Incident, error) {
	var i api.Incident
	_, err := c.do(ctx, request, &i)
	return i, err
}
