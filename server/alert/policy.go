package alert

import (
	"slices"
	"strings"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

// policy is all that decides who is told: as it is at one moment, so that the decision is a pure function.
type policy struct {
	directory *directory
	defaults  []api.Target
	patterns  map[api.ChannelKind][]string
}

func (a *Alerts) policy() policy {
	return policy{directory: a.Channels.current.Load(), defaults: a.DefaultRoute, patterns: a.Channels.PulseTargets}
}

// destination is a place where one message goes.
type destination struct {
	target api.Target
	lane   string
	failed string // why it leads nowhere
}

// decide says what follows from the changes of an incident that nobody has looked at: its opening is told to those whom
// the service names, its recovery to exactly those to whom the opening was sent or tried, and any other end to nobody.
func (p policy) decide(a store.Attended) store.Verdict {
	var v store.Verdict
	told := toldOpening(a.Told)
	for _, c := range a.Changes {
		switch {
		case c.SubjectKind == api.SubjectEvent, c.Opens():
			var to []destination
			to, v.Warning = p.recipients(a.Service)
			v.Deliver = append(v.Deliver, orders(c, api.AboutOpened, to)...)
			told = slices.DeleteFunc(to, func(d destination) bool { return d.failed != "" })
		case c.Recovers():
			v.Deliver = append(v.Deliver, orders(c, api.AboutRecovered, told)...)
			told = nil
		case c.Closes():
			v.Skip, v.Deliver, told = whySkipped(c), nil, nil
		}
	}
	return v
}

func orders(c api.Change, about api.DeliveryAbout, to []destination) []store.DeliveryOrder {
	list := make([]store.DeliveryOrder, len(to))
	for i, d := range to {
		list[i] = store.DeliveryOrder{ChangeID: c.ID, About: about, Target: d.target, Lane: d.lane, Failed: d.failed}
	}
	return list
}

// toldOpening gives to whom the opening of an incident was sent, or is going to be, or was tried.
func toldOpening(deliveries []store.Delivery) []destination {
	var told []destination
	for _, d := range deliveries {
		untried := d.State == api.DeliveryFailed && d.Attempts == 0 && d.Digest == ""
		if d.About == api.AboutOpened && d.State != api.DeliverySkipped && !untried {
			told = add(told, destination{target: api.Target{Channel: d.Channel, Address: d.Address}, lane: d.Lane})
		}
	}
	return told
}

// recipients gives who is told of a service, nil for one that is gone and for what is no service: those it names, and
// the default route where it names none or where one of them cannot be told. The warning says so.
func (p policy) recipients(s *api.Service) (to []destination, warning string) {
	var named []judgement
	if s != nil {
		named = p.named(s)
	}
	var faults []string
	for _, j := range named {
		if j.fitness != unknown { // an attempt that is bound to fail shows on the delivery what is wrong
			to = add(to, destination{target: j.target, lane: j.lane})
		}
		if j.fitness != fit {
			faults = append(faults, j.why)
		}
	}
	if len(named) > 0 && len(faults) == 0 {
		return to, ""
	}
	for _, d := range p.defaultRoute() {
		to = add(to, d)
	}
	return to, warningOf(faults)
}

func warningOf(faults []string) string {
	if len(faults) == 0 {
		return ""
	}
	return "Alerts of this service go to the default route: " + strings.Join(faults, "; ")
}

// named judges the targets that a service names: its own, and that of its latest watchTower pulse.
func (p policy) named(s *api.Service) []judgement {
	var list []judgement
	for _, text := range s.Alerts {
		list = append(list, p.directory.judge(api.ParseTarget(text)))
	}
	if j, ok := p.judgeLegacy(api.LegacyTarget{AlertType: s.AlertType, AlertTarget: s.AlertTarget}); ok {
		list = append(list, j)
	}
	return list
}

// defaultRoute gives where alerts go when nothing else says so, or a destination that only records why nobody is told.
func (p policy) defaultRoute() []destination {
	if len(p.defaults) == 0 {
		return []destination{{failed: noRoute}}
	}
	var to []destination
	for _, t := range p.defaults {
		j := p.directory.judge(t)
		d := destination{target: j.target, lane: j.lane}
		if j.fitness == unknown {
			d.failed = "the default route: " + j.why
		}
		to = add(to, d)
	}
	return to
}

// add appends a destination unless its target is there already.
func add(list []destination, d destination) []destination {
	if slices.ContainsFunc(list, func(other destination) bool { return other.target == d.target }) {
		return list
	}
	return append(list, d)
}

// whySkipped says why nobody is told of an incident that ended without a recovery.
func whySkipped(c api.Change) string {
	switch {
	case c.To == api.StateDeleted:
		return "the service was deleted before this could be sent"
	case c.Reason == api.ReasonCancelled:
		return "its client cancelled the service before this could be sent"
	case c.To == api.StatePaused:
		return "the service was paused before this could be sent"
	}
	return "the service became " + string(c.To) + " before this could be sent"
}
