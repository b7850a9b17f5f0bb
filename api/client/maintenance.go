package client

import (
	"context"
	"net/http"

	"watchkeeper/api"
)

const maintenancePath = "/api/v1/maintenance"

// Maintenances gives the times of maintenance by name, with their next windows.
func (c *Client) Maintenances() List[api.Maintenance] {
	return List[api.Maintenance]{c, maintenancePath, nil}
}

// Maintenance gives one by its id or name.
func (c *Client) Maintenance(ctx context.Context, idOrName string) (api.Maintenance, error) {
	return c.maintenance(ctx, call{method: http.MethodGet, path: maintenancePath + "/" + segment(idOrName)})
}

// CreateMaintenance makes one; KindConflict when there is one with this name.
func (c *Client) CreateMaintenance(ctx context.Context, in api.MaintenanceInput) (api.Maintenance, error) {
	return c.maintenance(ctx, call{method: http.MethodPost, path: maintenancePath, body: in})
}

// PutMaintenance gives one exactly these settings.
func (c *Client) PutMaintenance(ctx context.Context, idOrName string, in api.MaintenanceInput) (api.Maintenance, error) {
	return c.maintenance(ctx, call{method: http.MethodPut, path: maintenancePath + "/" + segment(idOrName), body: in})
}

// DeleteMaintenance removes one; a window that is open ends with it.
func (c *Client) DeleteMaintenance(ctx context.Context, idOrName string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: maintenancePath + "/" + segment(idOrName)}, nil)
	return err
}

func (c *Client) maintenance(ctx context.Context, request call) (api.Maintenance, error) {
	var out api.Maintenance
	_, err := c.do(ctx, request, &out)
	return out, err
}
