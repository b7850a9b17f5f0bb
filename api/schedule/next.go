package schedule

import "time"

// wall is what a clock on the wall shows, as minutes since 1970-01-01 00:00 on that clock.
type wall int64

func wallOf(t time.Time) wall {
	_, offset := t.Zone()
	seconds := t.Unix() + int64(offset)
	w := wall(seconds / 60)
	if seconds%60 < 0 {
		w--
	}
	return w
}

const maxOffset = 16 * 3600 // seconds, more than any zone ever had

// at gives the moment at which a clock with this offset from UTC, in seconds, shows w.
func (w wall) at(offset int) time.Time { return time.Unix(int64(w)*60-int64(offset), 0) }

// The years 1 to 9999, as Unix seconds.
const (
	firstSecond = -62135596800
	lastSecond  = 253402300799
)

// Next gives the first time strictly after a moment, in the zone of the schedule; the zero time when there is none
// within 50 years, or for a moment outside the years 1 to 9999.
//
// Where the clocks go forward, a fixed time inside the hour that is skipped moves to its end; where they go back, it
// counts at its first occurrence. A schedule with a star in hour or minute follows what the wall shows: what is skipped
// does not happen, what is repeated happens again.
func (c *Cron) Next(after time.Time) time.Time {
	if after.Unix() < firstSecond || after.Unix() > lastSecond {
		return time.Time{}
	}
	after = after.In(c.zone)
	limit := after.Year() + horizon
	if c.clock == clockFixed {
		return c.nextFixed(after, limit)
	}
	return c.nextElapsed(after, limit)
}

func (c *Cron) nextFixed(after time.Time, limit int) time.Time {
	w := wallOf(after)
	for {
		var ok bool
		if w, ok = c.nextWall(w+1, limit); !ok {
			return time.Time{}
		}
		// In a repeated hour the wall is before what has already been.
		if t := firstShowing(w, c.zone); t.After(after) {
			return t
		}
	}
}

func (c *Cron) nextElapsed(after time.Time, limit int) time.Time {
	w := wallOf(after) + 1
	for {
		end := periodEnd(after)
		_, offset := after.Zone()
		next, ok := c.nextWall(w, limit)
		if !ok {
			return time.Time{}
		}
		if t := next.at(offset).In(c.zone); end.IsZero() || t.Before(end) {
			return t
		}
		after = end
		w = wallOf(end.Add(59 * time.Second)) // the first full minute, for offsets of old that have seconds
	}
}

// firstShowing gives the first moment at which a wall in the zone shows w, or the end of the gap that skips w.
func firstShowing(w wall, zone *time.Location) time.Time {
	period := w.at(maxOffset).In(zone) // no wall on earth shows w yet
	for {
		_, offset := period.Zone()
		end := periodEnd(period)
		t := w.at(offset).In(zone)
		switch {
		case t.Before(period):
			return period
		case end.IsZero() || t.Before(end):
			return t
		}
		period = end
	}
}

// periodEnd gives the end of a period around t, without a change of the clocks inside; the zero time when there are no
// changes any more.
func periodEnd(t time.Time) time.Time {
	_, end := t.ZoneBounds()
	if !end.IsZero() && !end.After(t) {
		// Beyond its tables Go lets every year have 365 days; the last one of a leap year needs an end of its own.
		return t.Truncate(24 * time.Hour).Add(24 * time.Hour)
	}
	return end
}

// nextWall gives the first wall time from w on, up to the end of a year, that the expression names.
func (c *Cron) nextWall(w wall, limit int) (wall, bool) {
	t := w.at(0).UTC()
	year, month, day := t.Date()
	hour, minute := t.Hour(), t.Minute()
	for year <= limit {
		if c.months&(1<<month) != 0 {
			named := c.days.in(year, month)
			for found, ok := from(named, day); ok; found, ok = from(named, found+1) {
				if found > day {
					hour, minute = 0, 0
				}
				if h, m, ok := c.timeOfDay(hour, minute); ok {
					return wall(time.Date(year, month, found, h, m, 0, 0, time.UTC).Unix() / 60), true
				}
			}
		}
		month, day, hour, minute = month+1, 1, 0, 0
		if month > time.December {
			year, month = year+1, time.January
		}
	}
	return 0, false
}

// timeOfDay gives the first named hour and minute of a day from the given one on.
func (c *Cron) timeOfDay(hour, minute int) (int, int, bool) {
	if c.hours&(1<<hour) != 0 {
		if m, ok := from(c.minutes, minute); ok {
			return hour, m, true
		}
	}
	h, ok := from(c.hours, hour+1)
	m, _ := from(c.minutes, 0)
	return h, m, ok
}
