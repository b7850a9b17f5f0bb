package command

import (
	"fmt"
	"time"

	"watchkeeper/api"
)

// clock shows times as the person in front of it knows them.
type clock struct {
	now  time.Time
	zone *time.Location
}

func (r *run) clock() clock { return clock{r.now(), r.Zone} }

// full gives a moment with date, zone and distance; "never" for none.
func (c clock) full(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.In(c.zone).Format("2006-01-02 15:04:05 MST") + " (" + c.distance(t) + ")"
}

// moment is full for a time of the interface; empty for none.
func (c clock) moment(t api.Time) string {
	if t == 0 {
		return ""
	}
	return c.full(t.Std())
}

// short gives a moment for a table: with its date only where that is another day; "-" for none.
func (c clock) short(t api.Time) string {
	if t == 0 {
		return "-"
	}
	return c.stamp(t) + " (" + c.distance(t.Std()) + ")"
}

// stamp gives a moment without distance.
func (c clock) stamp(t api.Time) string {
	local, now := t.Std().In(c.zone), c.now.In(c.zone)
	if local.Year() == now.Year() && local.YearDay() == now.YearDay() {
		return local.Format("15:04:05")
	}
	return local.Format("2006-01-02 15:04:05")
}

// distance gives how far a moment is from now.
func (c clock) distance(t time.Time) string {
	switch d := c.now.Sub(t); {
	case d >= time.Second:
		return roughly(d) + " ago"
	case d <= -time.Second:
		return "in " + roughly(-d+time.Second-1) // what is to come in an hour is not in 59 min a moment later
	}
	return "now"
}

// roughly gives a length of time in its largest fitting unit.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d d", d/(24*time.Hour))
}

// length gives a length of time exactly, in units that people read; empty for none.
func length(s api.Seconds) string {
	units := []struct {
		size api.Seconds
		name string
	}{{24 * 3600, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}}
	text := ""
	for _, u := range units {
		if n := s / u.size; n > 0 {
			if text != "" {
				text += " "
			}
			text += fmt.Sprintf("%d %s", n, u.name)
			s %= u.size
		}
	}
	return text
}

func count(n int) string { return fmt.Sprintf("%d", n) }
