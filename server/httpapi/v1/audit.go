package v1

import (
	"context"
	"net/http"
	"strconv"

	"watchkeeper/api"
	"watchkeeper/server/auth"
)

type listAuditInput struct {
	Paging
	Action    string    `query:"action" doc:"only this action, or all of a noun: token.create, token"`
	ActorKind string    `query:"actor_kind" enum:"token,password,link,command,server" doc:"only by this kind of actor"`
	Actor     string    `query:"actor" doc:"only by the actor with this name"`
	Subject   string    `query:"subject" doc:"only of what has this name or id"`
	From      timeParam `query:"from" doc:"only at or after this time"`
	To        timeParam `query:"to" doc:"only at or before this time"`
}

func (h *routes) auditRoutes(d *document) {
	add(d, operation{
		id: "listAudit", method: http.MethodGet, path: "/api/v1/audit", group: groupAccess, scope: api.ScopeAdmin, reach: wholeReach,
		summary: "List who changed what", refuses: []api.ErrorKind{api.KindGone},
		about: "Newest first: changes of configuration, credentials, silences, maintenance and routes, acknowledgements and " +
			"pauses, by people, scripts and commands. Not pulses and events, nor what they and time bring about. Rows are kept " +
			"for good. Each has the hash of the one before; `watchkeeper verify` checks them all.",
		answers: api.NewPage([]api.AuditRow{exampleAudit()}, ""),
	}, h.listAudit)
}

func exampleAudit() api.AuditRow {
	row := api.AuditRow{
		ID: 17, At: exampleMade, Actor: api.Actor{
			Kind: api.ActorToken, Name: "ops", Ref: exampleID, Address: "192.0.2.7", RequestID: "8f2k1m0x-0000002a",
		},
		Action: api.AuditServiceUpdate, Subject: "nightly backup", Detail: []byte(`{"grace":{"from":600,"to":3600}}`),
		Previous: "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
	}
	row.Hash = row.Sum()
	return row
}

func (h *routes) listAudit(ctx context.Context, _ auth.Principal, in *listAuditInput) (*answer[api.Page[api.AuditRow]], error) {
	const order = "audit"
	at, err := h.place(in.Paging, order)
	if err != nil {
		return nil, err
	}
	f, err := in.filter()
	if err != nil {
		return nil, err
	}
	if at.cursor != nil {
		if f.Before, err = strconv.ParseInt(at.cursor.ID, 10, 64); err != nil || f.Before < 1 {
			return nil, errCursor
		}
	}
	f.Limit = at.limit + 1
	rows, err := h.Store.Audit.List(ctx, f)
	if err != nil {
		return nil, err
	}
	return newAnswer(pageOf(rows, at.limit, func(r *api.AuditRow) string {
		return api.Cursor{Generation: h.Generation, Order: order, ID: strconv.FormatInt(r.ID, 10)}.String()
	})), nil
}

func (in *listAuditInput) filter() (api.AuditFilter, error) {
	var p parameters
	f := api.AuditFilter{
		Action: p.text("query.action", in.Action), ActorKind: api.ActorKind(in.ActorKind),
		Actor: p.text("query.actor", in.Actor), Subject: p.text("query.subject", in.Subject),
		From: p.time("query.from", in.From), To: p.time("query.to", in.To),
	}
	if f.ActorKind != "" && !f.ActorKind.Valid() {
		p.wrong.Add("query.actor_kind", "must be one of token, password, link, command, server")
	}
	return f, p.wrong.Err()
}
