package alert

import (
	"context"
	"strings"
	"sync"

	"watchkeeper/api"
)

// legacyTarget gives the target that a watchTower pulse names with its pair; false when it names none. Its type is a
// kind or the name of a channel, in any case.
func (d *directory) legacyTarget(pair api.LegacyTarget) (api.Target, bool) {
	name, address := strings.TrimSpace(pair.AlertType), strings.TrimSpace(pair.AlertTarget)
	if name == "" {
		return api.Target{}, false
	}
	m := d.resembling(name)
	if m == nil {
		return api.Target{Channel: name, Address: address}, true
	}
	t := api.Target{Channel: m.Name, Address: address}
	// The protocol wants an alert target in every pulse, also for a channel that names its recipient itself.
	if m.sender != nil && m.sender.ValidateTarget(address) != nil && m.sender.ValidateTarget("") == nil {
		t.Address = ""
	}
	return t, true
}

// judgeLegacy is judge for the pair of a watchTower pulse, which may not name everything.
func (p policy) judgeLegacy(pair api.LegacyTarget) (judgement, bool) {
	t, named := p.directory.legacyTarget(pair)
	if !named {
		return judgement{}, false
	}
	m := p.directory.find(t.Channel)
	if m != nil && m.isKind() && !allowed(p.patterns, m.Kind, t.Address) {
		return judgement{target: t, fitness: unknown, why: refusedByPattern(m.Kind)}, true
	}
	return p.directory.judge(t), true
}

// NotePulse writes an event, once, when the pair of a watchTower pulse names somebody who cannot be told: the pulse is
// taken all the same, and its alerts go to the default route. Call it after a pulse was stored; it is cheap.
func (a *Alerts) NotePulse(ctx context.Context, service string, pair api.LegacyTarget) {
	if !a.Channels.loaded.Load() {
		return // what looks unknown may be a channel of the database
	}
	p := a.policy()
	if a.noted.knownFit(p.directory, pair) {
		return
	}
	j, named := p.judgeLegacy(pair)
	if !named || j.fitness == fit {
		a.noted.fit(p.directory, pair)
		return
	}
	if !a.noted.first(service, pair) {
		return
	}
	if _, err := a.Store.Incidents.Warn(ctx, service, warningOf([]string{j.why})); err != nil {
		a.noted.forget(service)
		a.Log.Warn("a warning about the alerts of a service could not be stored", "service", service, "error", err)
	}
}

// noted remembers of which pairs somebody was warned, so that not every pulse asks the database, and which are in order
// in the present directory, so that not every pulse has its address parsed.
type noted struct {
	mu        sync.Mutex
	pairs     map[string]api.LegacyTarget // by service
	directory *directory
	good      map[api.LegacyTarget]struct{}
}

const notedLimit = 10_000

// first reports whether a pair is not the last that was noted of a service.
func (n *noted) first(service string, pair api.LegacyTarget) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if last, ok := n.pairs[service]; ok && last == pair {
		return false
	}
	if n.pairs == nil || len(n.pairs) >= notedLimit {
		n.pairs = map[string]api.LegacyTarget{}
	}
	n.pairs[service] = pair
	return true
}

func (n *noted) knownFit(d *directory, pair api.LegacyTarget) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, known := n.good[pair]
	return known && n.directory == d
}

func (n *noted) fit(d *directory, pair api.LegacyTarget) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.directory != d || len(n.good) >= notedLimit {
		n.directory, n.good = d, map[api.LegacyTarget]struct{}{}
	}
	n.good[pair] = struct{}{}
}

func (n *noted) forget(service string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.pairs, service)
}
