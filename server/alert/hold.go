package alert

import (
	"strings"
	"time"

	"watchkeeper/api"
)

// hold is why a message must wait, and when that may have changed. The zero hold is none.
type hold struct {
	reason string
	until  api.Time
}

func (h hold) holds() bool { return h.reason != "" }

// and gives the first reason of two, and the first moment at which one of them may have passed.
func (h hold) and(other hold) hold {
	switch {
	case !h.holds():
		return other
	case other.holds():
		h.until = min(h.until, other.until)
	}
	return h
}

// quiet gives the silence or the maintenance that keeps everybody from being told of a subject now: of several the one
// that ends last.
func (p policy) quiet(s *subject, now api.Time) hold {
	var h hold
	if p.rules == nil {
		return h
	}
	for i := range p.rules.Silences {
		silence := &p.rules.Silences[i]
		if silence.At(now) && silence.EndsAt > h.until && s.covered(silence.Match) {
			h = hold{"silenced until " + p.moment(silence.EndsAt, now) + by(silence.CreatedBy) + ": " + silence.Comment, silence.EndsAt}
		}
	}
	for i := range p.rules.windows {
		m := &p.rules.windows[i]
		if !s.covered(m.Match) {
			continue
		}
		if next := m.Windows(now, m.cron, 1); len(next) > 0 && next[0].Contains(now) && next[0].To > h.until {
			h = hold{"in maintenance " + m.Name + " until " + p.moment(next[0].To, now) + ": " + m.Comment, next[0].To}
		}
	}
	return h
}

// by names who made a silence: the password, or a token by its name.
func by(who string) string {
	switch {
	case who == "":
		return ""
	case who == "password", strings.HasPrefix(who, "token "):
		return " by " + who
	}
	return " by token " + who
}

// outside gives the hours of a route that keep its targets from being told now. A route that is gone has none.
func (p policy) outside(name string, now api.Time) hold {
	if p.rules == nil {
		return hold{}
	}
	for i := range p.rules.routes {
		if r := &p.rules.routes[i]; r.Name == name {
			return p.closed(name, r.Hours, r.zone, now)
		}
	}
	return hold{}
}

func (p policy) closed(name string, hours *api.Hours, zone api.Zone, now api.Time) hold {
	if opens := hours.Opens(now, zone); opens > now {
		return hold{"held: route " + name + " tells from " + p.moment(opens, now), opens}
	}
	return hold{}
}

// moment gives a time as people say it: the hour, and the day unless it is today.
func (p policy) moment(t, now api.Time) string {
	zone := p.zone
	if zone == nil {
		zone = time.UTC
	}
	at, today := t.Std().In(zone), now.Std().In(zone)
	layout := "15:04"
	if t%60_000 != 0 {
		layout = "15:04:05"
	}
	if at.Format(time.DateOnly) != today.Format(time.DateOnly) {
		layout = time.DateOnly + " " + layout
	}
	return at.Format(layout)
}
