package store

import (
	"context"

	"github.com/google/uuid"

	"watchkeeper/api"
	"watchkeeper/server/hub"
)

// Routes is the handle of the routes that were made through the API.
type Routes struct{ s *Store }

var errNoRoute = api.Errorf(api.KindNotFound, "there is no such route")

// List gives all routes in the order in which they are asked.
func (h *Routes) List(ctx context.Context) ([]api.Route, error) {
	var out []api.Route
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		out, err = tx.routes(ctx)
		return err
	})
	return out, err
}

// Get gives a route; KindNotFound when there is none.
func (h *Routes) Get(ctx context.Context, id string) (api.Route, error) {
	var out api.Route
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		out, err = tx.route(ctx, id)
		return err
	})
	return out, err
}

// Create keeps a new route at its position and moves those from there on behind it; position 0 is the end. KindConflict
// when the name is taken or there are MaxRoutes. The input has been validated.
func (h *Routes) Create(ctx context.Context, in api.RouteInput) (api.Route, error) {
	var out api.Route
	err := h.s.write(ctx, useGeneral, func(tx *Tx) error {
		all, err := tx.lockRoutes(ctx)
		if err != nil {
			return err
		}
		if len(all) >= api.MaxRoutes {
			return api.Errorf(api.KindConflict, "there are %d routes already, and there may be no more", api.MaxRoutes)
		}
		out = api.Route{RouteInput: in, ID: uuid.Must(uuid.NewV7()).String(), Source: sourceAPI, CreatedAt: tx.now, UpdatedAt: tx.now}
		out.Position = len(all) + 1
		if err := tx.insertRoute(ctx, &out); err != nil {
			return err
		}
		tx.wake(hub.Routes)
		if out.Position, err = tx.placeRoute(ctx, append(all, out), out.ID, in.Position); err != nil {
			return err
		}
		tx.audit(api.AuditRouteCreate, out.Name, fieldsOf(auditRoute(out.RouteInput)))
		return nil
	})
	return out, err
}

// Change lets edit change what people decide about a route, in one transaction with reading it; position 0 leaves it where
// it is. KindNotFound when there is none, KindConflict when the name is taken. An error of edit is given back and changes
// nothing.
func (h *Routes) Change(ctx context.Context, id string, edit func(*api.RouteInput) error) (api.Route, error) {
	var out api.Route
	err := h.s.write(ctx, useGeneral, func(tx *Tx) error {
		all, found, err := tx.lockRoute(ctx, id)
		if err != nil {
			return err
		}
		out = found
		was, before := out.RouteInput, out.Position
		if err := edit(&out.RouteInput); err != nil {
			return err
		}
		to := out.Position
		out.Position, out.UpdatedAt = before, tx.now
		if err := tx.updateRoute(ctx, &out); err != nil {
			return err
		}
		tx.wake(hub.Routes)
		if to != 0 {
			if out.Position, err = tx.placeRoute(ctx, all, id, to); err != nil {
				return err
			}
		}
		if changes := auditRouteChanges(was, out.RouteInput); len(changes) > 0 {
			tx.audit(api.AuditRouteUpdate, was.Name, changes)
		}
		return nil
	})
	return out, err
}

// Delete removes a route and gives it; KindNotFound when there is none.
func (h *Routes) Delete(ctx context.Context, id string) (api.Route, error) {
	var out api.Route
	err := h.s.write(ctx, useGeneral, func(tx *Tx) error {
		all, found, err := tx.lockRoute(ctx, id)
		if err != nil {
			return err
		}
		out = found
		if _, err := tx.exec(ctx, "delete from route where id = $1", id); err != nil {
			return err
		}
		tx.wake(hub.Routes)
		tx.audit(api.AuditRouteDelete, out.Name, map[string]any{"id": id})
		_, err = tx.placeRoute(ctx, all, id, gone)
		return err
	})
	return out, err
}
