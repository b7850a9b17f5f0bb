package alert

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"watchkeeper/api"
)

// tale is what people and services have said and done in a month, as they would tell it: all that the judge goes by.
type tale struct {
	now      func() api.Time
	lives    map[string]*life // by the name of the service
	calms    []*calm
	plans    []*plan // the routes, in their order
	acks     map[string]*consent
	absences []api.Gap
	channels map[string]string // the kind, by the name
	rewired  api.Time          // when a channel was made, changed or deleted last
	diary    []string
}

// note keeps what happened for people who want to know why a month failed.
func (t *tale) note(format string, args ...any) {
	t.diary = append(t.diary, t.now().String()+" "+fmt.Sprintf(format, args...))
}

func newTale(now func() api.Time) *tale {
	return &tale{now: now, lives: map[string]*life{}, acks: map[string]*consent{}, channels: map[string]string{"ops": "shoutrrr"}}
}

// life is a service as it is, whatever the server believes.
type life struct {
	api.ServiceSettings
	exists  bool
	well    bool     // it pulses
	next    api.Time // when it pulses
	last    api.Time // when it gave its last sign of life
	fails   int      // in a row
	paused  bool
	falls   []api.Time        // when it went down
	down    bool              // an outage of it is open
	signs   map[api.Time]bool // when it said that it is well
	back    api.Time          // when the last one was over
	parted  api.Time          // when its parents were changed
	changed api.Time          // when it was deleted or paused
}

// pulsed notes a pulse: a fail is a sign of life, too, until there are too many of them.
func (l *life) pulsed(kind api.PulseKind, at api.Time) {
	l.exists, l.paused, l.last = true, false, at
	l.next = at.Add(l.NextIn.Duration() / 3)
	if l.Cron != "" {
		l.next = at.Add(time.Hour)
	}
	if kind == api.PulseFail {
		if l.fails++; l.failed() {
			l.goes(at)
		}
		return
	}
	l.signs[at] = true
	if l.fails = 0; l.down {
		l.down, l.back = false, at
	}
}

// goes notes that it went down.
func (l *life) goes(at api.Time) {
	if !l.down {
		l.down, l.falls = true, append(l.falls, at)
	}
}

// rests notes that somebody stopped watching it.
func (l *life) rests(at api.Time) {
	l.fails, l.changed = 0, at
	if l.down {
		l.down, l.back = false, at
	}
}

func (l *life) failed() bool { return l.fails >= max(1, l.FailuresToAlert) }

// expected gives when it should have pulsed again at the latest: for cron, always every six hours.
func (l *life) expected() time.Duration {
	if l.Cron != "" {
		return l.last.Std().Truncate(6 * time.Hour).Add(6 * time.Hour).Sub(l.last.Std())
	}
	return l.NextIn.Duration()
}

// deadline gives when it is down unless it pulses: our own absence gives everybody time to come back.
func (t *tale) deadline(l *life) api.Time {
	wait := l.expected()
	at := l.last.Add(wait)
	for _, gap := range t.absences {
		if length := gap.To.Sub(gap.From); gap.To > l.last && length >= 5*time.Second {
			window := min(10*time.Minute, max(30*time.Second, 2*length))
			at = max(at, gap.To.Add(min(wait, window)))
		}
	}
	return at.Add(l.Grace.Duration())
}

// calm is a silence or maintenance.
type calm struct {
	id     string
	covers func(*life) bool
	on     func(api.Time) bool
	ended  bool
}

func during(from, to api.Time) func(api.Time) bool {
	return func(at api.Time) bool { return from <= at && at < to }
}

// daily is on for some hours each day, but for what would have begun before it was made.
func daily(hour int, length time.Duration) func(api.Time) bool {
	return func(at api.Time) bool {
		begins := at.Std().Truncate(24 * time.Hour).Add(time.Duration(hour) * time.Hour)
		return !at.Std().Before(begins) && at.Std().Before(begins.Add(length))
	}
}

func (t *tale) hush(c *calm) { t.calms = append(t.calms, c) }

func (t *tale) hushed(service string) bool {
	l := t.lives[service]
	return slices.ContainsFunc(t.calms, func(c *calm) bool { return !c.ended && c.on(t.now()) && c.covers(l) })
}

func (t *tale) lifted(id string) {
	for _, c := range t.calms {
		c.ended = c.ended || c.id == id
	}
}

// named covers a service and what runs on it. Of one that was deleted only the name is known.
func named(name string) func(*life) bool {
	return func(l *life) bool { return l.Name == name || l.exists && l.Host == name }
}

func tagged(tag string) func(*life) bool {
	return func(l *life) bool { return l.exists && slices.Contains(l.Tags, tag) }
}

// consent is that somebody is at an outage.
type consent struct {
	by   string
	at   api.Time
	over bool // it was taken back
	once bool // that has happened
}

func (t *tale) acknowledged(incident string) bool {
	return t.acks[incident] != nil && !t.acks[incident].over
}

// plan is a route as people made it.
type plan struct {
	api.RouteInput
	id    string
	tag   string   // of the services that it is for; empty for all
	since api.Time // when it became so
}

// officeHours are those of all routes that have hours.
var officeHours = api.Hours{Days: "mon-fri", From: "08:00", To: "18:00"}

// closed reports whether a route tells nobody now.
func (t *tale) closed(route string) bool {
	for _, p := range t.plans {
		if p.Name == route && p.Hours != nil {
			at := t.now().Std()
			return at.Weekday() == time.Saturday || at.Weekday() == time.Sunday || at.Hour() < 8 || at.Hour() >= 18
		}
	}
	return false
}

// defaults is who is told when nothing else says so, and when others cannot be told.
var defaults = []string{"mail:boss", "pushover:boss"}

// plansFor gives the routes of a service.
func (t *tale) plansFor(l *life) (out []*plan) {
	if len(l.Alerts) > 0 {
		return []*plan{{RouteInput: api.RouteInput{To: l.Alerts}}}
	}
	for _, p := range t.plans {
		if p.tag != "" && !slices.Contains(l.Tags, p.tag) {
			continue
		}
		out = append(out, p)
		if !p.Continue {
			break
		}
	}
	if len(out) == 0 {
		return []*plan{{RouteInput: api.RouteInput{Name: "default", To: defaults}}}
	}
	return out
}

// reached gives whom a route tells: what leads nowhere is replaced by the default.
func (t *tale) reached(p *plan) (out []string) {
	for _, to := range p.To {
		if t.kind(to) != "" {
			out = append(out, to)
		}
	}
	if len(out) < len(p.To) {
		out = append(out, defaults...)
	}
	return out
}

// kind gives the kind of a target, empty where there is no such channel.
func (t *tale) kind(target string) string {
	if strings.Contains(target, ":") {
		return kindOf(target)
	}
	return t.channels[target]
}

func kindOf(target string) string {
	kind, _, _ := strings.Cut(target, ":")
	return kind
}
