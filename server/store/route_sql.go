package store

import (
	"fmt"

	"watchkeeper/api"
)

// sourceAPI is where routes and maintenance come from that are kept here.
const sourceAPI = "api"

const routeColumns = "id, name, position, match, targets, go_on, after_s, repeat_s, hours, managed_by, created_at, updated_at"

func scanRoute(r row) (api.Route, error) {
	var (
		out                   = api.Route{Source: sourceAPI}
		match, targets, hours string
		goOn                  int64
	)
	if err := r.Scan(&out.ID, &out.Name, &out.Position, &match, &targets, &goOn, &out.After, &out.Repeat, &hours, &out.ManagedBy,
		&out.CreatedAt, &out.UpdatedAt); err != nil {
		return out, fmt.Errorf("reading a route: %w", err)
	}
	out.Continue = goOn != 0
	var err error
	if out.Match, err = parseMatch(match); err != nil {
		return out, fmt.Errorf("reading the route %s: %w", out.Name, err)
	}
	if hours != "" {
		if out.Hours, err = fromJSON[*api.Hours](hours); err != nil {
			return out, err
		}
	}
	out.To, err = parseList[string](targets)
	return out, err
}

// routeValues gives the values of routeColumns.
func routeValues(r *api.Route) []any {
	hours := ""
	if r.Hours != nil {
		hours = toJSON(r.Hours)
	}
	return []any{
		r.ID, r.Name, r.Position, r.Match.String(), list(r.To), flag(r.Continue), int64(r.After), int64(r.Repeat), hours,
		r.ManagedBy, int64(r.CreatedAt), int64(r.UpdatedAt),
	}
}

// parseMatch reads matchers as they are kept. They are never nil, so that JSON shows [].
func parseMatch(text string) (api.Matchers, error) {
	m, err := api.ParseMatchers(text)
	if m == nil {
		m = api.Matchers{}
	}
	return m, err
}
