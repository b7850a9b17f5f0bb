package v1

import (
	"context"
	"net/http"

	"watchkeeper/api"
	"watchkeeper/server/auth"
)

func (h *routes) pingKeyRoutes(d *document) {
	add(d, operation{
		id: "getPingKey", method: http.MethodGet, path: "/api/v1/ping-key", group: groupAccess, scope: api.ScopeAdmin, reach: wholeReach,
		summary: "Show the ping key", refuses: []api.ErrorKind{api.KindNotFound},
		about: "The key in ping URLs that name a service by its slug. Whoever knows it may ping every service. " +
			"`watchkeeper ping-key rotate` replaces it.",
		answers: api.PingKeyAnswer{
			PingKey: "k3v9x1m7q2z8b5n4c6d0fa", URL: "https://watch.example.org:8443/ping/k3v9x1m7q2z8b5n4c6d0fa/",
		},
	}, h.getPingKey)
}

func (h *routes) getPingKey(ctx context.Context, _ auth.Principal, _ *struct{}) (*answer[api.PingKeyAnswer], error) {
	key, err := h.PingKey.Show(ctx)
	if err != nil {
		return nil, err
	}
	return newAnswer(api.PingKeyAnswer{PingKey: key, URL: h.PublicURL + "/ping/" + key + "/"}), nil
}
