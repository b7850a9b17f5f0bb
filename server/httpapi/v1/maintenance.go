package v1

import (
	"context"
	"net/http"
	"slices"

	"watchkeeper/api"
	"watchkeeper/server/auth"
)

const maintenancePath = "/api/v1/maintenance/{id}"

type maintenanceInput struct {
	ID string `path:"id" doc:"id or name" example:"backup"`
}

type replaceMaintenanceInput struct {
	ID   string `path:"id" doc:"id or name" example:"backup"`
	Body api.MaintenanceInput
}

func (h *routes) maintenanceRoutes(d *document) {
	const within = " A token with a pattern sees and changes what covers nothing else."
	add(d, operation{
		id: "listMaintenance", method: http.MethodGet, path: "/api/v1/maintenance", group: groupQuiet, scope: api.ScopeRead,
		summary: "List times of maintenance", refuses: []api.ErrorKind{api.KindGone},
		about: "By name, each with the window that is open and those that follow, three at most." + within,
	}, h.listMaintenance)
	add(d, operation{
		id: "createMaintenance", method: http.MethodPost, path: "/api/v1/maintenance", group: groupQuiet, scope: api.ScopeOperate,
		summary: "Plan maintenance", status: http.StatusCreated, refuses: []api.ErrorKind{api.KindConflict},
		about: "One window from `starts_at` to `ends_at`, or one of `duration` seconds whenever `cron` says in `zone`. Nobody " +
			"is told in it of what matches, as in a silence. For a token with a pattern a matcher is added that holds for " +
			"its names only.",
		example: exampleMaintenance(), answers: exampleMaintenanceView(),
	}, h.createMaintenance)
	add(d, operation{
		id: "getMaintenance", method: http.MethodGet, path: maintenancePath, group: groupQuiet, scope: api.ScopeRead,
		summary: "Show a maintenance", refuses: []api.ErrorKind{api.KindNotFound}, answers: exampleMaintenanceView(),
	}, h.getMaintenance)
	add(d, operation{
		id: "replaceMaintenance", method: http.MethodPut, path: maintenancePath, group: groupQuiet, scope: api.ScopeOperate,
		summary: "Replace a maintenance", refuses: []api.ErrorKind{api.KindNotFound, api.KindConflict},
		about:   "One of the configuration file answers 409: it is changed there." + within,
		example: exampleMaintenance(), answers: exampleMaintenanceView(),
	}, h.replaceMaintenance)
	add(d, operation{
		id: "deleteMaintenance", method: http.MethodDelete, path: maintenancePath, group: groupQuiet, scope: api.ScopeOperate,
		summary: "Delete a maintenance", refuses: []api.ErrorKind{api.KindNotFound, api.KindConflict},
		about: "A window that is open ends with it." + within,
	}, h.deleteMaintenance)
}

func (h *routes) listMaintenance(ctx context.Context, who auth.Principal, in *Paging) (*answer[api.Page[api.Maintenance]], error) {
	return wholeList(h, *in, "maintenance", func() ([]api.Maintenance, error) {
		all, err := h.Maintenance.List(ctx)
		return slices.DeleteFunc(all, func(m api.Maintenance) bool { return !author(who).Owns(m.Match) }), err
	})
}

func (h *routes) createMaintenance(ctx context.Context, who auth.Principal, in *struct{ Body api.MaintenanceInput }) (*made[api.Maintenance], error) {
	m, err := h.Maintenance.Create(ctx, in.Body, author(who))
	return making("/api/v1/maintenance/"+m.ID, m, err)
}

func (h *routes) getMaintenance(ctx context.Context, who auth.Principal, in *maintenanceInput) (*answer[api.Maintenance], error) {
	m, err := h.Maintenance.Get(ctx, in.ID)
	if err == nil && !author(who).Owns(m.Match) {
		err = api.Errorf(api.KindNotFound, "there is no such maintenance")
	}
	return answering(m, err)
}

func (h *routes) replaceMaintenance(ctx context.Context, who auth.Principal, in *replaceMaintenanceInput) (*answer[api.Maintenance], error) {
	return answering(h.Maintenance.Replace(ctx, in.ID, in.Body, author(who)))
}

func (h *routes) deleteMaintenance(ctx context.Context, who auth.Principal, in *maintenanceInput) (*struct{}, error) {
	_, err := h.Maintenance.Delete(ctx, in.ID, author(who))
	return nil, err
}
