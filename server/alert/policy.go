package alert

import (
	"slices"
	"strings"

	"watchkeeper/api"
)

// policy is all that decides who is told: as it is at one moment, so that the decision is a pure function.
type policy struct {
	directory *directory
	defaults  []api.Target
	patterns  map[api.ChannelKind][]string
	rules     *rules
	zone      api.Zone // of the times in reasons
}

func (a *Alerts) policy() policy {
	return policy{
		directory: a.Channels.current.Load(), defaults: a.DefaultRoute, patterns: a.Channels.PulseTargets,
		rules: a.rules.current.Load(), zone: a.Zone,
	}
}

// destination is a place where one message goes.
type destination struct {
	target api.Target
	lane   string
	failed string // why it leads nowhere
}

// reach gives where messages to targets go: to each of them, and to the default route where there are none or one of
// them cannot be told. It says why not.
func (p policy) reach(targets []judgement) (to []destination, faults []string) {
	for _, j := range targets {
		if j.fitness != unknown { // an attempt that is bound to fail shows on the delivery what is wrong
			to = add(to, destination{target: j.target, lane: j.lane})
		}
		if j.fitness != fit {
			faults = append(faults, j.why)
		}
	}
	if len(targets) > 0 && len(faults) == 0 {
		return to, nil
	}
	for _, d := range p.defaultRoute() {
		to = add(to, d)
	}
	return to, faults
}

func warningOf(faults []string) string {
	if len(faults) == 0 {
		return ""
	}
	return "Alerts of this service go to the default route: " + strings.Join(slices.Compact(slices.Sorted(slices.Values(faults))), "; ")
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
