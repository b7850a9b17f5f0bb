package v1

import (
	"context"
	"net/http"

	"watchkeeper/api"
	"watchkeeper/server/auth"
	"watchkeeper/server/store"
)

type listFlipsInput struct {
	Paging
	Service string `path:"service" doc:"name, with slashes and the like percent-encoded, or id"`
}

func (h *routes) changeRoutes(d *document) {
	add(d, operation{
		id: "listFlips", method: http.MethodGet, path: servicePath + "/flips", group: groupServices, scope: api.ScopeRead,
		summary: "List the changes of state of a service", refuses: []api.ErrorKind{api.KindNotFound, api.KindGone},
		about: "Newest first, each with its reason and what was known at that moment.",
	}, h.listFlips)
}

func (h *routes) listFlips(ctx context.Context, who auth.Principal, in *listFlipsInput) (*answer[api.Page[api.Change]], error) {
	const order = "flips"
	at, err := h.place(in.Paging, order)
	if err != nil {
		return nil, err
	}
	before, err := at.mark()
	if err != nil {
		return nil, err
	}
	svc, err := h.findService(ctx, who, in.Service, forReading)
	if err != nil {
		return nil, err
	}
	changes, err := h.Store.Changes.OfService(ctx, svc.ID, before.ID, at.limit+1)
	if err != nil {
		return nil, err
	}
	return newAnswer(pageOf(changes, at.limit, func(c *api.Change) string {
		return h.markCursor(store.Mark{ID: c.ID}, order)
	})), nil
}
