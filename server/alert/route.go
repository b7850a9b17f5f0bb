package alert

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"watchkeeper/api"
	"watchkeeper/api/schedule"
	"watchkeeper/server/store"
)

// RouteOptions is what the routes are made of.
type RouteOptions struct {
	Store       *store.Store
	CheckTarget func(target string) error
	File        []api.RouteInput // from the configuration file, in its order; they cannot be changed here
}

// Routes says who is told of what no service names targets of its own for: the routes of the configuration file first,
// then those made through the API.
type Routes struct {
	RouteOptions
	file []api.Route
}

// NewRoutes makes the routes of the configuration file. Its error names the first that breaks a rule; targets are left to
// Faults, because a channel may be made later.
func NewRoutes(o RouteOptions) (*Routes, error) {
	r := &Routes{RouteOptions: o}
	for i, in := range o.File {
		if err := allRules(in.Validate, func(f *api.Fields) { checkHours(f, in.Hours) }); err != nil {
			return nil, fmt.Errorf("route %s of the configuration file: %s", quoted(in.Name), fileReason(err))
		}
		in.Position = i + 1
		if in.Match == nil {
			in.Match = api.Matchers{}
		}
		r.file = append(r.file, api.Route{RouteInput: in, ID: in.Name, Source: sourceFile})
	}
	return r, nil
}

// Faults says of the routes of the configuration file which targets lead nowhere, one line each, for the log of the start.
func (r *Routes) Faults() (lines []string) {
	for _, route := range r.file {
		for _, target := range route.To {
			if err := r.CheckTarget(target); err != nil {
				lines = append(lines, "the route "+route.Name+" of the configuration file: "+textOf(err))
			}
		}
	}
	return lines
}

// List gives all routes in the order in which they are asked.
func (r *Routes) List(ctx context.Context) ([]api.Route, error) {
	made, err := r.Store.Routes.List(ctx)
	return slices.Concat(r.file, made), err
}

// Get gives a route by its id or name; KindNotFound when there is none.
func (r *Routes) Get(ctx context.Context, idOrName string) (api.Route, error) {
	all, err := r.List(ctx)
	return pick(all, err, "route", func(route api.Route) bool { return route.ID == idOrName || route.Name == idOrName })
}

// pick gives the first thing of a list that is the one that is asked for.
func pick[T any](all []T, err error, noun string, is func(T) bool) (one T, _ error) {
	if err != nil {
		return one, err
	}
	i := slices.IndexFunc(all, is)
	if i < 0 {
		return one, api.Errorf(api.KindNotFound, "there is no such %s", noun)
	}
	return all[i], nil
}

// Create makes a route. KindInvalid for what breaks a rule, KindConflict when the name is taken.
func (r *Routes) Create(ctx context.Context, in api.RouteInput) (api.Route, error) {
	if err := r.judge(&in); err != nil {
		return api.Route{}, err
	}
	return r.Store.Routes.Create(ctx, in)
}

// Change lets edit change a route. KindNotFound when there is none, KindConflict for one of the configuration file and
// when the name is taken, KindInvalid when a rule is broken.
func (r *Routes) Change(ctx context.Context, idOrName string, edit func(*api.RouteInput)) (api.Route, error) {
	before, err := r.changeable(ctx, idOrName)
	if err != nil {
		return api.Route{}, err
	}
	// Targets are looked up outside the transaction, which others wait for.
	tried := before.RouteInput
	edit(&tried)
	if err := r.judge(&tried); err != nil {
		return api.Route{}, err
	}
	return r.Store.Routes.Change(ctx, before.ID, func(in *api.RouteInput) error {
		edit(in)
		return in.Validate()
	})
}

// Delete removes a route; see Change.
func (r *Routes) Delete(ctx context.Context, idOrName string) (api.Route, error) {
	before, err := r.changeable(ctx, idOrName)
	if err != nil {
		return api.Route{}, err
	}
	return r.Store.Routes.Delete(ctx, before.ID)
}

func (r *Routes) changeable(ctx context.Context, idOrName string) (api.Route, error) {
	route, err := r.Get(ctx, idOrName)
	if err == nil && route.Source == sourceFile {
		err = api.Errorf(api.KindConflict, "this route comes from the configuration file and is changed there")
	}
	return route, err
}

// judge checks what people decided about a route made through the API.
func (r *Routes) judge(in *api.RouteInput) error {
	if slices.ContainsFunc(r.file, func(route api.Route) bool { return route.Name == in.Name }) {
		return api.Errorf(api.KindConflict, "a route with this name comes from the configuration file")
	}
	return allRules(in.Validate, func(f *api.Fields) {
		for i, target := range in.To {
			if err := r.CheckTarget(target); err != nil {
				f.Add(fmt.Sprintf("body.to[%d]", i), "%s", textOf(err))
			}
		}
		checkHours(f, in.Hours)
	})
}

func checkHours(f *api.Fields, h *api.Hours) {
	if h == nil || h.Zone == "" {
		return
	}
	if _, err := schedule.LoadZone(h.Zone); err != nil {
		f.Add("body.hours.zone", "%s", err)
	}
}

// allRules gives what breaks the rules of package api, and what only the server can know.
func allRules(validate func() error, more func(*api.Fields)) error {
	var f api.Fields
	if err := validate(); err != nil {
		f = append(f, api.ProblemOf(err).Errors...)
	}
	more(&f)
	return f.Err()
}

// fileReason says what is wrong in words for somebody who writes a file.
func fileReason(err error) string { return strings.ReplaceAll(textOf(err), "body.", "") }
