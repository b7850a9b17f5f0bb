package v1

import (
	"context"
	"net/http"

	"watchkeeper/api"
	"watchkeeper/server/auth"
)

func (h *routes) uptimeRoutes(d *document) {
	add(d, operation{
		id: "getUptime", method: http.MethodGet, path: servicePath + "/uptime", group: groupServices, scope: api.ScopeRead,
		summary: "Show the uptime of a service", refuses: []api.ErrorKind{api.KindNotFound},
		about: "Over the last 24 hours, 7, 30 and 90 days and the last year, from its recorded changes of state. Late counts " +
			"as up; before its first pulse and while paused it is not watched, which counts neither way.",
		answers: exampleUptime(),
	}, h.getUptime)
}

func (h *routes) getUptime(ctx context.Context, who auth.Principal, in *serviceInput) (*answer[api.ServiceUptime], error) {
	svc, err := h.findService(ctx, who, in.Service, forReading)
	if err != nil {
		return nil, err
	}
	return answering(h.Store.Changes.Uptime(ctx, svc))
}
