package store

import (
	"context"
	"slices"
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
	Probed    Probing
	Search    string // part of the name, in any case of ASCII letters
	Order     ServiceOrder
	Direction Direction
	After     *ServiceMark
	Limit     int
}

// Probing says whether only services with a probe are listed.
type Probing string

// Whether only services with a probe are listed. The zero value lists all.
const (
	AnyProbing Probing = ""
	OnlyProbed Probing = "probed"
)

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
	where := f.where()
	direction := ""
	if f.Direction == Descending {
		direction = " desc"
	}
	sql := "select " + serviceColumns + " from service" + where.text() +
		" order by " + f.column() + direction + ", key" + direction + " limit " + where.value(f.Limit)
	var out []Listed
	err := h.s.read(ctx, func(tx *Tx) error {
		found, err := collect(ctx, tx.session, scanService, sql, where.args...)
		out = each(found, func(s *serviceRow) Listed { return Listed{&s.Service, f.mark(s)} })
		return err
	})
	return out, err
}

// EachPulsed calls f with every service that has pulsed, in the order of their first pulse, as watchTower lists them.
// However slow f is, it keeps no transaction waiting; so a service that changes meanwhile is shown as it is when its turn
// comes, and one that is deleted is left out.
func (h *Services) EachPulsed(ctx context.Context, f func(*api.Service) error) error {
	var keys []int64
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		keys, err = collect(ctx, tx.session, scanOne[int64], "select key from service where first_pulse > 0 order by first_pulse, key")
		return err
	})
	if err != nil {
		return err
	}
	for part := range slices.Chunk(keys, eachStep) {
		services, err := h.byKey(ctx, part)
		if err != nil {
			return err
		}
		for _, key := range part {
			if s := services[key]; s != nil {
				if err := f(&s.Service); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// eachStep is how many services are in memory at once.
const eachStep = 1000

func (h *Services) byKey(ctx context.Context, keys []int64) (map[int64]*serviceRow, error) {
	services := make(map[int64]*serviceRow, len(keys))
	err := h.s.read(ctx, func(tx *Tx) error {
		found, err := collect(ctx, tx.session, scanService, h.sql.byKey, tx.eng.pack(keys)...)
		for _, s := range found {
			services[s.key] = s
		}
		return err
	})
	return services, err
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

func (f ServiceFilter) where() *conditions {
	c := &conditions{}
	if len(f.States) > 0 {
		c.literal("state in (" + strings.Join(each(f.States, func(s api.State) string { return c.value(string(s)) }), ", ") + ")")
	}
	for _, tag := range f.Tags {
		c.contains("tags", toJSON(tag))
	}
	if f.Probed == OnlyProbed {
		c.literal("probe = 1")
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
		var key any = int64(m.Time)
		if f.column() == "name_key" {
			key = m.Name
		}
		comparison := " > "
		if f.Direction == Descending {
			comparison = " < "
		}
		c.literal("(" + f.column() + ", key)" + comparison + "(" + c.value(key) + ", " + c.value(m.Key) + ")")
	}
	return c
}

// lowerASCII lowers what lower() of both engines does.
func lowerASCII(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}
