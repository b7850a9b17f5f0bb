package store

import (
	"context"
	"errors"
	"slices"

	"watchkeeper/api"
)

func (tx *Tx) routes(ctx context.Context) ([]api.Route, error) {
	return collect(ctx, tx, scanRoute, "select "+routeColumns+" from route order by position, id")
}

func (tx *Tx) route(ctx context.Context, id string) (api.Route, error) {
	r, err := one(ctx, tx, scanRoute, "select "+routeColumns+" from route where id = $1", id)
	if errors.Is(err, errNoRow) {
		return r, errNoRoute
	}
	return r, err
}

// lockRoutes gives all routes in their order and keeps others from changing any until the transaction ends: a position
// is about all of them.
func (tx *Tx) lockRoutes(ctx context.Context) ([]api.Route, error) {
	tx.eng.orderNow(tx.session, "route")
	return tx.routes(ctx)
}

// lockRoute is lockRoutes, and gives one of them, too.
func (tx *Tx) lockRoute(ctx context.Context, id string) (all []api.Route, one api.Route, err error) {
	if all, err = tx.lockRoutes(ctx); err != nil {
		return nil, one, err
	}
	i := slices.IndexFunc(all, func(r api.Route) bool { return r.ID == id })
	if i < 0 {
		return nil, one, errNoRoute
	}
	return all, all[i], nil
}

func (tx *Tx) insertRoute(ctx context.Context, r *api.Route) error {
	_, err := tx.exec(ctx, "insert into route ("+routeColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)", routeValues(r)...)
	return tx.routeTaken(err)
}

func (tx *Tx) updateRoute(ctx context.Context, r *api.Route) error {
	_, err := tx.exec(ctx, `update route set name = $2, position = $3, match = $4, targets = $5, go_on = $6, after_s = $7, repeat_s = $8,
		hours = $9, managed_by = $10, created_at = $11, updated_at = $12 where id = $1`, routeValues(r)...)
	return tx.routeTaken(err)
}

func (tx *Tx) routeTaken(err error) error {
	if tx.eng.judge(err) == verdictUnique {
		return api.Wrap(api.KindConflict, err, "a route with this name exists already")
	}
	return err
}

// gone is the position of a route that is no longer there.
const gone = -1

// placeRoute moves a route to a position among all, where 0 and anything behind the last is the end, numbers them from
// 1 on, and gives the position that it has then.
func (tx *Tx) placeRoute(ctx context.Context, all []api.Route, id string, to int) (int, error) {
	order := slices.DeleteFunc(slices.Clone(all), func(r api.Route) bool { return r.ID == id })
	if to != gone {
		if to <= 0 || to > len(order)+1 {
			to = len(order) + 1
		}
		moved := all[slices.IndexFunc(all, func(r api.Route) bool { return r.ID == id })]
		order = slices.Insert(order, to-1, moved)
	}
	for i, r := range order {
		if r.Position == i+1 {
			continue
		}
		if _, err := tx.exec(ctx, "update route set position = $2 where id = $1", r.ID, i+1); err != nil {
			return 0, err
		}
	}
	return to, nil
}

func auditRoute(r api.RouteInput) api.RouteInput {
	r.To = maskTargets(r.To)
	return r
}

func auditRouteChanges(from, to api.RouteInput) map[string]api.AuditChange {
	changes := changesOf(from, to)
	if _, changed := changes["to"]; changed {
		changes["to"] = api.AuditChange{From: maskTargets(from.To), To: maskTargets(to.To)}
	}
	return changes
}
