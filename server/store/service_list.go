package store

import (
	"context"
	"strings"

	"watchkeeper/api"
)

// ServiceOrder is what a list of services is sorted by.
type ServiceOrder string

// The orders of services.
const (
	ByServiceName ServiceOrder = "name"
	ByCreatedAt   ServiceOrder = "created_at"
	ByLastPulse   ServiceOrder = "last_pulse"
	ByDeadline    ServiceOrder = "deadline"
	ByStateSince  ServiceOrder = "state_since"
)

// ServiceOrders lists the orders.
var ServiceOrders = []ServiceOrder{ByServiceName, ByCreatedAt, ByLastPulse, ByDeadline, ByStateSince}

// Direction says which end of an order comes first.
type Direction string

// The directions.
const (
	Ascending  Direction = "asc"
	Descending Direction = "desc"
)

// ServiceFilter is what a list of services is narrowed to, and where it goes on. Empty fields do not narrow.
type ServiceFilter struct {
	States    []api.State
	Tags      []string // all of them
	Host      string
	Slug      string
	Search    string // part of the name, in any case of ASCII letters
	Order     ServiceOrder
	Direction Direction
	After     *ServiceMark
	Limit     int
}

// ServiceMark is a place in a list of services: behind the service with this value of the order and this key.
type ServiceMark struct {
	Name string
	Time api.Time
	Key  int64
}

// Listed is a service in a list, with the place behind it.
type Listed struct {
	*api.Service
	Mark ServiceMark
}

// List gives the services that fit a filter.
func (h *Services) List(ctx context.Context, f ServiceFilter) ([]Listed, error) {
	where, args := f.where()
	direction := ""
	if f.Direction == Descending {
		direction = " desc"
	}
	column := f.column()
	args = append(args, f.Limit)
	sql := "select " + serviceColumns + " from service" + where.text() + " order by " + column + direction + ", key" + direction + " limit " + placeholder(len(args))
	var out []Listed
	err := h.s.read(ctx, func(tx *Tx) error {
		found, err := collect(ctx, tx.session, scanService, sql, args...)
		out = each(found, func(s *serviceRow) Listed { return Listed{&s.Service, f.mark(s)} })
		return err
	})
	return out, err
}

func (f ServiceFilter) column() string {
	switch f.Order {
	case ByCreatedAt, ByLastPulse, ByDeadline, ByStateSince:
		return string(f.Order)
	}
	return "name_key"
}

func (f ServiceFilter) mark(s *serviceRow) ServiceMark {
	m := ServiceMark{Key: s.key}
	switch f.Order {
	case ByCreatedAt:
		m.Time = s.CreatedAt
	case ByLastPulse:
		m.Time = s.LastPulse
	case ByDeadline:
		m.Time = s.Deadline
	case ByStateSince:
		m.Time = s.StateSince
	default:
		m.Name = nameKey(s.Name)
	}
	return m
}

func (f ServiceFilter) where() (conditions, []any) {
	var c conditions
	if len(f.States) > 0 {
		places := make([]string, len(f.States))
		for i, s := range f.States {
			c.args = append(c.args, string(s))
			places[i] = placeholder(len(c.args))
		}
		c.literal("state in (" + strings.Join(places, ", ") + ")")
	}
	for _, tag := range f.Tags {
		c.contains("tags", toJSON(tag))
	}
	if f.Host != "" {
		c.add("host = ", f.Host)
	}
	if f.Slug != "" {
		c.add("slug = ", f.Slug)
	}
	if f.Search != "" {
		c.contains("lower(name)", strings.Map(lowerASCII, f.Search))
	}
	if m := f.After; m != nil {
		var value any = int64(m.Time)
		if f.column() == "name_key" {
			value = m.Name
		}
		c.args = append(c.args, value, m.Key)
		comparison := ") > ("
		if f.Direction == Descending {
			comparison = ") < ("
		}
		c.literal("(" + f.column() + ", key" + comparison + placeholder(len(c.args)-1) + ", " + placeholder(len(c.args)) + ")")
	}
	return c, c.args
}

// lowerASCII lowers what lower() of both engines does.
func lowerASCII(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}
