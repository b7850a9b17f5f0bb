package v1

import (
	"context"
	"net/http"

	"watchkeeper/api"
	"watchkeeper/server/auth"
)

const routePath = "/api/v1/routes/{id}"

type routeInput struct {
	ID string `path:"id" doc:"id or name" example:"nights"`
}

type replaceRouteInput struct {
	ID   string `path:"id" doc:"id or name" example:"nights"`
	Body api.RouteInput
}

type patchRouteInput struct {
	ID   string `path:"id" doc:"id or name" example:"nights"`
	Body api.RoutePatch
}

func (h *routes) routeRoutes(d *document) {
	example := exampleRoute()
	add(d, operation{
		id: "listRoutes", method: http.MethodGet, path: "/api/v1/routes", group: groupRoutes, scope: api.ScopeRead,
		reach: wholeReach, summary: "List routes", refuses: []api.ErrorKind{api.KindGone},
		about: "In the order in which they are asked: those of the configuration file, then those made here by position.",
	}, h.listRoutes)
	add(d, operation{
		id: "explainRoute", method: http.MethodGet, path: "/api/v1/routes/explain", group: groupRoutes, scope: api.ScopeRead,
		summary: "Explain who is told of a service", refuses: []api.ErrorKind{api.KindNotFound},
		about: "Who would be told if the service went down now, or of the incident that is open, when and by which route, and why " +
			"not: silence, maintenance, a parent, hours, flapping, trouble with a channel. It is decided as for real, step by step " +
			"into the future, as things and rules are now. Nothing is sent.",
		answers: exampleExplanation(),
	}, h.explainRoute)
	add(d, operation{
		id: "createRoute", method: http.MethodPost, path: "/api/v1/routes", group: groupRoutes, scope: api.ScopeAdmin,
		reach: wholeReach, summary: "Create a route", status: http.StatusCreated, refuses: []api.ErrorKind{api.KindConflict},
		about:   "Without a position it becomes the last; with one, those from there on move behind it. At most 200 may be made.",
		example: example, answers: exampleRouteView(),
	}, h.createRoute)
	add(d, operation{
		id: "getRoute", method: http.MethodGet, path: routePath, group: groupRoutes, scope: api.ScopeRead,
		reach: wholeReach, summary: "Show a route", refuses: []api.ErrorKind{api.KindNotFound}, answers: exampleRouteView(),
	}, h.getRoute)
	add(d, operation{
		id: "replaceRoute", method: http.MethodPut, path: routePath, group: groupRoutes, scope: api.ScopeAdmin,
		reach: wholeReach, summary: "Replace a route", refuses: []api.ErrorKind{api.KindNotFound, api.KindConflict},
		about:   "One of the configuration file answers 409: it is changed there. Without a position it stays where it is.",
		example: example, answers: exampleRouteView(),
	}, h.replaceRoute)
	add(d, operation{
		id: "updateRoute", method: http.MethodPatch, path: routePath, group: groupRoutes, scope: api.ScopeAdmin,
		reach: wholeReach, summary: "Change a route", refuses: []api.ErrorKind{api.KindNotFound, api.KindConflict},
		about:   "Changes the members that are sent. `position` alone moves it, and the others make room.",
		example: map[string]any{"position": 1}, answers: exampleRouteView(),
	}, h.updateRoute)
	add(d, operation{
		id: "deleteRoute", method: http.MethodDelete, path: routePath, group: groupRoutes, scope: api.ScopeAdmin,
		reach: wholeReach, summary: "Delete a route", refuses: []api.ErrorKind{api.KindNotFound, api.KindConflict},
	}, h.deleteRoute)
}

func (h *routes) listRoutes(ctx context.Context, _ auth.Principal, in *Paging) (*answer[api.Page[api.Route]], error) {
	return wholeList(h, *in, "routes", func() ([]api.Route, error) { return h.Routes.List(ctx) })
}

func (h *routes) createRoute(ctx context.Context, _ auth.Principal, in *struct{ Body api.RouteInput }) (*made[api.Route], error) {
	route, err := h.Routes.Create(ctx, in.Body)
	return making("/api/v1/routes/"+route.ID, route, err)
}

func (h *routes) getRoute(ctx context.Context, _ auth.Principal, in *routeInput) (*answer[api.Route], error) {
	return answering(h.Routes.Get(ctx, in.ID))
}

func (h *routes) replaceRoute(ctx context.Context, _ auth.Principal, in *replaceRouteInput) (*answer[api.Route], error) {
	return answering(h.Routes.Change(ctx, in.ID, func(route *api.RouteInput) { *route = in.Body }))
}

func (h *routes) updateRoute(ctx context.Context, _ auth.Principal, in *patchRouteInput) (*answer[api.Route], error) {
	return answering(h.Routes.Change(ctx, in.ID, in.Body.Apply))
}

func (h *routes) deleteRoute(ctx context.Context, _ auth.Principal, in *routeInput) (*struct{}, error) {
	_, err := h.Routes.Delete(ctx, in.ID)
	return nil, err
}

type explainInput struct {
	Service string `query:"service" required:"true" doc:"name or id of the service" example:"nightly backup"`
}

func (h *routes) explainRoute(ctx context.Context, who auth.Principal, in *explainInput) (*answer[api.Explanation], error) {
	svc, err := h.findService(ctx, who, in.Service, forReading)
	if err != nil {
		return nil, err
	}
	return answering(h.Alerts.Explain(ctx, svc))
}
