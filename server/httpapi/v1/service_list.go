package v1

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"watchkeeper/api"
	"watchkeeper/server/auth"
	"watchkeeper/server/store"
)

type listServicesInput struct {
	Paging
	State []string `query:"state,explode" enum:"new,up,late,down,paused" doc:"only services in one of these states; repeat it or separate them with commas"`
	Tag   []string `query:"tag,explode" doc:"only services with all of these tags; repeat it or separate them with commas"`
	Host  string   `query:"host" doc:"only services that run on this host"`
	Slug  string   `query:"slug" doc:"only services with this slug"`
	Q     string   `query:"q" doc:"only services with this text in their name, in any case"`
	Sort  string   `query:"sort" default:"name" enum:"name,-name,created_at,-created_at,last_pulse,-last_pulse,deadline,-deadline,state_since,-state_since" doc:"what to sort by; a hyphen in front turns it round"`
}

func (h *routes) serviceListRoutes(d *document) {
	add(d, operation{
		id: "listServices", method: http.MethodGet, path: "/api/v1/services", group: groupServices, scope: api.ScopeRead,
		summary: "List services", refuses: []api.ErrorKind{api.KindGone},
		about: "Filters narrow together. A token with a pattern sees only what it reaches.",
	}, h.listServices)
}

func (h *routes) listServices(ctx context.Context, who auth.Principal, in *listServicesInput) (*answer[api.Page[api.ServiceView]], error) {
	filter, err := in.filter()
	if err != nil {
		return nil, err
	}
	order := "services:" + in.Sort
	at, err := h.place(in.Paging, order)
	if err != nil {
		return nil, err
	}
	if filter.After, err = serviceMark(at.cursor, filter.Order); err != nil {
		return nil, err
	}
	found, next, err := h.visibleServices(ctx, who, filter, at.limit)
	if err != nil {
		return nil, err
	}
	services := make([]*api.Service, len(found))
	for i := range found {
		services[i] = found[i].Service
	}
	results, err := h.probeResults(ctx, services...)
	if err != nil {
		return nil, err
	}
	page := api.NewPage(make([]api.ServiceView, len(found)), "")
	for i, s := range services {
		page.Items[i] = h.view(auth.Principal{}, s, results) // a list shows no secrets, to nobody
	}
	if next != nil {
		page.Next = h.serviceCursor(*next, order)
	}
	return newAnswer(page), nil
}

// filter reads the parameters that narrow and sort.
func (in *listServicesInput) filter() (store.ServiceFilter, error) {
	var p parameters
	f := store.ServiceFilter{
		Tags: p.words("query.tag", in.Tag), Host: p.text("query.host", in.Host), Slug: p.text("query.slug", in.Slug),
		Search: p.text("query.q", in.Q), Direction: store.Ascending,
	}
	for _, word := range p.words("query.state", in.State) {
		state := api.State(word)
		if !state.Valid() {
			p.wrong.Add("query.state", "must be one of new, up, late, down, paused")
			break
		}
		f.States = append(f.States, state)
	}
	name, descending := strings.CutPrefix(in.Sort, "-")
	if descending {
		f.Direction = store.Descending
	}
	f.Order = store.ServiceOrder(name)
	if !slices.Contains(store.ServiceOrders, f.Order) {
		p.wrong.Add("query.sort", "must be one of name, created_at, last_pulse, deadline, state_since, or one of these after a hyphen")
	}
	return f, p.wrong.Err()
}

// The bounds of one look for the services that a pattern reaches. When the most is reached the page ends early.
const (
	scanStep = 1000
	maxScan  = 100_000
)

// visibleServices gives a page of the services that fit and that the credential reaches, and the place behind it when
// there may be more.
func (h *routes) visibleServices(ctx context.Context, who auth.Principal, f store.ServiceFilter, limit int) ([]store.Listed, *store.ServiceMark, error) {
	var found []store.Listed
	f.Limit = scanStep
	if who.Match == "" {
		f.Limit = limit + 1
	}
	for read := 0; ; {
		listed, err := h.Store.Services.List(ctx, f)
		if err != nil {
			return nil, nil, err
		}
		for i := range listed {
			if len(found) == limit {
				return found, f.After, nil
			}
			f.After = &listed[i].Mark
			if who.Reaches(listed[i].Name) {
				found = append(found, listed[i])
			}
		}
		read += len(listed)
		if len(listed) < f.Limit {
			return found, nil, nil
		}
		if read >= maxScan {
			return found, f.After, nil
		}
	}
}

// serviceMark reads the place in a list of services.
func serviceMark(c *api.Cursor, order store.ServiceOrder) (*store.ServiceMark, error) {
	if c == nil {
		return nil, nil
	}
	key, err := strconv.ParseInt(c.ID, 10, 64)
	if err != nil {
		return nil, errCursor
	}
	if order == store.ByServiceName {
		return &store.ServiceMark{Key: key, Name: c.Key}, nil
	}
	at, is := parseMillis(c.Key)
	if !is {
		return nil, errCursor
	}
	return &store.ServiceMark{Key: key, Time: at}, nil
}

// serviceCursor gives the cursor that serviceMark reads.
func (h *routes) serviceCursor(m store.ServiceMark, order string) string {
	c := api.Cursor{Generation: h.Generation, Order: order, Key: m.Name, ID: strconv.FormatInt(m.Key, 10)}
	if m.Name == "" {
		c.Key = millis(m.Time)
	}
	return c.String()
}
