package store

import (
	"context"
	"slices"
	"strings"

	"watchkeeper/api"
)

// maxAncestors bounds how many services may stand in front of one, directly or behind others.
const maxAncestors = 1000

// checkAncestry refuses settings by which a service would stand in front of itself, also behind others, and also when it
// takes a name that others already have among their parents. Those who change what stands in front of a service, or a
// name, take turns, so that two of them do not close a circle together.
func (tx *Tx) checkAncestry(ctx context.Context, sql parentSQL, s *api.ServiceSettings) error {
	level := s.Ancestry()
	if len(level) == 0 {
		return nil // nothing leads on from it
	}
	tx.eng.orderNow(tx.session, "parent")
	below := map[string]string{} // by name of an ancestor: the one that it stands in front of
	for _, name := range level {
		below[name] = s.Name
	}
	for len(level) > 0 {
		found, err := collect(ctx, tx.session, scanAncestor, sql.ancestors, tx.eng.pack(each(level, nameKey))...)
		if err != nil {
			return err
		}
		level = nil
		for _, a := range found {
			if a.Name == s.Name {
				return api.Invalid("body.parents", "must not make a circle: %s", circle(below, s.Name))
			}
			for _, name := range a.Ancestry() {
				if name == s.Name {
					below[name] = a.Name
					return api.Invalid("body.parents", "must not make a circle: %s", circle(below, s.Name))
				}
				if _, known := below[name]; !known {
					below[name] = a.Name
					level = append(level, name)
				}
			}
		}
		if len(below) > maxAncestors {
			return api.Invalid("body.parents", "must not put more than %d services in front of one", maxAncestors)
		}
	}
	return nil
}

// circle gives the way from a service back to itself.
func circle(below map[string]string, name string) string {
	way := []string{name}
	for at := below[name]; at != name; at = below[at] {
		way = append(way, at)
	}
	way = append(way, name)
	for i, j := 0, len(way)-1; i < j; i, j = i+1, j-1 {
		way[i], way[j] = way[j], way[i]
	}
	return strings.Join(way, " > ")
}

// saveParents writes which services a service names as its parents. Its host is found by the service itself.
func (tx *Tx) saveParents(ctx context.Context, sql parentSQL, s *serviceRow) error {
	if _, err := tx.exec(ctx, "delete from parent where child = $1", s.ID); err != nil || len(s.Parents) == 0 {
		return err
	}
	_, err := tx.exec(ctx, sql.insert, tx.eng.pack(
		each(s.Parents, nameKey),
		each(s.Parents, func(string) string { return s.ID }),
	)...)
	return err
}

// Parent is a service that stands in front of another.
type Parent struct {
	Name      string
	State     api.State
	Since     api.Time // when the state began
	LastPulse api.Time
	Expected  api.Time // when it is expected to pulse; 0 when it is not
	Outage    api.Time // when its latest outage began; 0 when it had none
	Returned  api.Time // when that was over; 0 when it is not
}

func scanParent(r row) (*Parent, error) {
	var p Parent
	return &p, r.Scan(&p.Name, &p.State, &p.Since, &p.LastPulse, &p.Expected, &p.Outage, &p.Returned)
}

// loadParents gives open incidents of services what stands in front of these.
func (tx *Tx) loadParents(ctx context.Context, sql incidentSQL, incidents []*Attended) error {
	var names []string
	for _, i := range incidents {
		if i.waitsForParents() {
			names = append(names, i.Service.Ancestry()...)
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	found, err := tx.parents(ctx, sql, slices.Compact(names))
	if err != nil {
		return err
	}
	for _, i := range incidents {
		if i.waitsForParents() {
			for _, name := range i.Service.Ancestry() {
				if p := found[name]; p != nil {
					i.Parents = append(i.Parents, *p)
				}
			}
		}
	}
	return nil
}

func (a *Attended) waitsForParents() bool {
	return a.SubjectKind == api.SubjectService && a.State == api.IncidentOpen && a.Service != nil
}

// parents gives the services with these names, by name.
func (tx *Tx) parents(ctx context.Context, sql incidentSQL, names []string) (map[string]*Parent, error) {
	found, err := collect(ctx, tx.session, scanParent, sql.parents, tx.eng.pack(each(names, nameKey))...)
	byName := make(map[string]*Parent, len(found))
	for _, p := range found {
		byName[p.Name] = p
	}
	return byName, err
}

// children gives the names of the services that one stands in front of and that somebody watches, in their order.
func (tx *Tx) children(ctx context.Context, name string) ([]string, error) {
	return collect(ctx, tx.session, scanOne[string], `select name from service where id in (
			select child from parent where name = $1
			union all select id from service where host = $2 and host <> '' and name <> $2)
		and state not in ('new', 'paused') order by name_key`+limited(MaxChildren), nameKey(name), name)
}
