package alert

import (
	"time"

	"watchkeeper/api"
)

// The routes that nobody makes.
const (
	routeDefault    = "default"    // for what no route matches
	routeEscalation = "escalation" // where others could not be told
)

// step is a part of telling people: whom, and when.
type step struct {
	route  string // its name; empty for the targets that a service names
	to     []destination
	faults []string      // why some of those meant cannot be told
	after  time.Duration // the opening
	repeat time.Duration // between reminders; 0 for none
	hours  *api.Hours
	zone   api.Zone // of the hours
}

// steps says who is told of a subject. The targets that a service names win, then the first route that matches and,
// as long as each says so, those behind it, and last the default route. An event asks for an alert now and is over at once:
// of its steps only the first are taken, and at once.
func (p policy) steps(s *subject) []step {
	if s.kind != api.SubjectEvent && s.service != nil {
		if named := p.named(s.service); len(named) > 0 {
			to, faults := p.reach(named)
			return []step{{to: to, faults: faults}}
		}
	}
	steps := p.routed(s)
	if len(steps) == 0 {
		to, _ := p.reach(nil)
		return []step{{route: routeDefault, to: to}}
	}
	if s.kind != api.SubjectEvent {
		return steps
	}
	first := steps[0].after
	for _, st := range steps {
		first = min(first, st.after)
	}
	var now []step
	for _, st := range steps {
		if st.after == first {
			st.after = 0
			now = append(now, st)
		}
	}
	return now
}

// routed gives the steps of the routes that match.
func (p policy) routed(s *subject) []step {
	if p.rules == nil {
		return nil
	}
	var steps []step
	for i := range p.rules.routes {
		r := &p.rules.routes[i]
		if !r.Match.Match(s.labels) {
			continue
		}
		var targets []judgement
		for _, text := range r.To {
			targets = append(targets, p.directory.judge(api.ParseTarget(text)))
		}
		to, faults := p.reach(targets)
		steps = append(steps, step{
			route: r.Name, to: to, faults: faults, hours: r.Hours, zone: r.zone,
			after: r.After.Duration(), repeat: r.Repeat.Duration(),
		})
		if !r.Continue {
			break
		}
	}
	return steps
}
