package v1

import (
	"context"
	"net/http"

	"watchkeeper/api"
	"watchkeeper/server/alert"
	"watchkeeper/server/auth"
	"watchkeeper/server/store"
)

type listIncidentsInput struct {
	Paging
	State       string `query:"state" enum:"open,closed" doc:"only incidents in this state"`
	SubjectKind string `query:"subject_kind" enum:"service,host,rule,run,firewall,server,event" doc:"only incidents of this kind of thing"`
	Subject     string `query:"subject" doc:"only incidents of this subject: the name of a service, or the id of an event"`
}

type incidentInput struct {
	ID string `path:"id" format:"uuid"`
}

func (h *routes) incidentRoutes(d *document) {
	add(d, operation{
		id: "listIncidents", method: http.MethodGet, path: "/api/v1/incidents", group: groupAlerts, scope: api.ScopeRead,
		summary: "List incidents", refuses: []api.ErrorKind{api.KindGone},
		about: "Newest first, each with its deliveries: who was told, who could not be, and why.",
	}, h.listIncidents)
	add(d, operation{
		id: "getIncident", method: http.MethodGet, path: "/api/v1/incidents/{id}", group: groupAlerts, scope: api.ScopeRead,
		summary: "Show an incident", refuses: []api.ErrorKind{api.KindNotFound},
	}, h.getIncident)
	add(d, operation{
		id: "acknowledgeIncident", method: http.MethodPost, path: "/api/v1/incidents/{id}/acknowledge", group: groupAlerts,
		scope: api.ScopeOperate, summary: "Say that somebody is at an incident",
		refuses: []api.ErrorKind{api.KindNotFound, api.KindConflict},
		about: "Reminders and later steps of routes stop until it closes. Who is at it is the name of the token, or " +
			"`password`. One that is acknowledged already stays as it is, so that this may be repeated; one that is over " +
			"answers 409.",
		example: api.Acknowledgement{Comment: "on my way"},
	}, h.acknowledgeIncident)
	add(d, operation{
		id: "withdrawAcknowledgement", method: http.MethodDelete, path: "/api/v1/incidents/{id}/acknowledge", group: groupAlerts,
		scope: api.ScopeOperate, summary: "Say that nobody is at an incident any more",
		refuses: []api.ErrorKind{api.KindNotFound, api.KindConflict},
		about:   "Reminders and later steps go on. May be repeated; one that is over answers 409.",
		status:  http.StatusOK,
	}, h.withdrawAcknowledgement)
}

type acknowledgeInput struct {
	ID   string `path:"id" format:"uuid"`
	Body *api.Acknowledgement
}

func (h *routes) acknowledgeIncident(ctx context.Context, who auth.Principal, in *acknowledgeInput) (*answer[api.Incident], error) {
	ack := store.Acknowledgement{By: who.Name}
	if in.Body != nil {
		if err := in.Body.Validate(); err != nil {
			return nil, err
		}
		ack.Comment = in.Body.Comment
	}
	before, err := h.findIncident(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	return answering(h.Alerts.Acknowledge(ctx, before.ID, ack))
}

func (h *routes) withdrawAcknowledgement(ctx context.Context, who auth.Principal, in *incidentInput) (*answer[api.Incident], error) {
	before, err := h.findIncident(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	return answering(h.Alerts.Withdraw(ctx, before.ID))
}

func (h *routes) listIncidents(ctx context.Context, who auth.Principal, in *listIncidentsInput) (*answer[api.Page[api.Incident]], error) {
	q, err := in.query(who)
	if err != nil {
		return nil, err
	}
	return newestList(h, in.Paging, "incidents", func(after store.Place, limit int) (alert.Found[api.Incident], error) {
		q.After, q.Limit = after, limit
		return h.Alerts.ListIncidents(ctx, q)
	})
}

func (in *listIncidentsInput) query(who auth.Principal) (alert.IncidentQuery, error) {
	var p parameters
	q := alert.IncidentQuery{
		State: api.IncidentState(in.State), SubjectKind: api.SubjectKind(in.SubjectKind),
		Subject: p.text("query.subject", in.Subject),
	}
	if q.State != "" && !q.State.Valid() {
		p.wrong.Add("query.state", "must be open or closed")
	}
	if q.SubjectKind != "" && !q.SubjectKind.Valid() {
		p.wrong.Add("query.subject_kind", "must be one of service, host, rule, run, firewall, server, event")
	}
	if who.Match != "" {
		q.Keep = func(i *api.Incident) bool { return seesSubject(who, i.SubjectKind, i.Subject) }
	}
	return q, p.wrong.Err()
}

func (h *routes) getIncident(ctx context.Context, who auth.Principal, in *incidentInput) (*answer[api.Incident], error) {
	return answering(h.findIncident(ctx, who, in.ID))
}

// findIncident gives an incident. One that the credential does not reach is as if it did not exist.
func (h *routes) findIncident(ctx context.Context, who auth.Principal, text string) (api.Incident, error) {
	id, is := uuidOf(text)
	if !is {
		return api.Incident{}, errNoIncident
	}
	i, err := h.Alerts.GetIncident(ctx, id)
	if err == nil && !seesSubject(who, i.SubjectKind, i.Subject) {
		err = errNoIncident
	}
	return i, err
}

var errNoIncident = api.Errorf(api.KindNotFound, "there is no such incident")

// seesSubject reports whether a credential reaches the subject of an incident. What has no name that a pattern could fit
// is for credentials without one.
func seesSubject(who auth.Principal, kind api.SubjectKind, subject string) bool {
	switch kind {
	case api.SubjectService, api.SubjectHost:
		return who.Reaches(subject)
	}
	return who.Match == ""
}
