package api

import (
	"math"
	"strconv"
	"time"
)

// Uptime tells how much of a time a service was up.
type Uptime struct {
	Period    string   `json:"period" enum:"24h,7d,30d,90d,1y"`
	From      Time     `json:"from" doc:"where the period begins"`
	Percent   *float64 `json:"percent" doc:"of the watched time that it was up or late; null when it was not watched at all"`
	Up        float64  `json:"up" doc:"seconds that it was up or late"`
	Down      float64  `json:"down" doc:"seconds that it was down"`
	Unwatched float64  `json:"unwatched" doc:"seconds before its first pulse, or paused, or older than what is kept"`
	Outages   int      `json:"outages" doc:"times that it went down in the period, or was down where it begins"`
}

// PercentText gives the percentage for people, cut to two digits so that only a perfect one reads 100; empty when the
// service was not watched.
func (u *Uptime) PercentText() string {
	if u.Percent == nil {
		return ""
	}
	return strconv.FormatFloat(math.Floor(*u.Percent*100)/100, 'f', -1, 64) + " %"
}

// ServiceUptime is the uptime of a service over several periods, the shortest first.
type ServiceUptime struct {
	Service string   `json:"service"`
	State   State    `json:"state" enum:"new,up,late,down,paused"`
	Since   Time     `json:"since" doc:"when the state began"`
	Periods []Uptime `json:"periods"`
}

// uptimePeriods are those that are told.
var uptimePeriods = []struct {
	name   string
	length time.Duration
}{
	{"24h", 24 * time.Hour},
	{"7d", 7 * 24 * time.Hour},
	{"30d", 30 * 24 * time.Hour},
	{"90d", 90 * 24 * time.Hour},
	{"1y", 365 * 24 * time.Hour},
}

// UptimeReach is how far back uptime looks.
const UptimeReach = 365 * 24 * time.Hour

// UptimeCount adds up the uptime of a service from its changes, the newest first.
type UptimeCount struct {
	totals []uptimeTotal
	state  State // that ended at until
	until  Time
}

type uptimeTotal struct {
	from                Time
	up, down, unwatched time.Duration
	outages             int
}

// NewUptimeCount begins with the state in which the service is now.
func NewUptimeCount(state State, now Time) *UptimeCount {
	c := &UptimeCount{state: state, until: now, totals: make([]uptimeTotal, len(uptimePeriods))}
	for i, p := range uptimePeriods {
		c.totals[i].from = now.Add(-p.length)
	}
	return c
}

// Add counts the state that a change began. It reports whether older changes still matter.
func (c *UptimeCount) Add(change Change) bool {
	c.span(change.At)
	c.state = change.From
	return c.until > c.totals[len(c.totals)-1].from
}

// span counts the present state from a moment on.
func (c *UptimeCount) span(from Time) {
	from = min(from, c.until)
	for i := range c.totals {
		t := &c.totals[i]
		if c.until <= t.from {
			continue
		}
		length := c.until.Sub(max(from, t.from))
		switch c.state {
		case StateUp, StateLate:
			t.up += length
		case StateDown:
			t.down += length
			t.outages++
		default:
			t.unwatched += length
		}
	}
	c.until = from
}

// Periods ends the count: before its oldest change the service was in the state that this change ended, at most since
// it was made.
func (c *UptimeCount) Periods(createdAt Time) []Uptime {
	c.span(createdAt)
	c.state = StateNew
	c.span(0)
	out := make([]Uptime, len(c.totals))
	for i, t := range c.totals {
		out[i] = Uptime{
			Period: uptimePeriods[i].name, From: t.from, Up: InSeconds(t.up), Down: InSeconds(t.down),
			Unwatched: InSeconds(t.unwatched), Outages: t.outages,
		}
		if watched := t.up + t.down; watched > 0 {
			percent := float64(t.up) / float64(watched) * 100 // in this order all is exactly 100
			out[i].Percent = &percent
		}
	}
	return out
}
