// Package schedule turns the text of a schedule into the times at which something is expected: cron expressions in the
// dialect of Debian's cron as Healthchecks speaks it. Calendar expressions of systemd belong here too, once they come.
//
// Everything here is pure arithmetic on a given moment: nothing reads the clock, waits, runs anything or knows what is
// being scheduled.
package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"watchkeeper/api"
)

// MaxExpression is the longest cron expression, in bytes.
const MaxExpression = 100

// horizon is how far Next looks. The rarest day that exists at all, such as a fifth Monday in February across a
// century without a leap day, comes back after 40 years.
const horizon = 50

// Cron is a parsed cron expression in a time zone. It never changes, so any number of goroutines may use it.
type Cron struct {
	expression string
	zone       *time.Location
	minutes    uint64 // bit n: minute n
	hours      uint64 // bit n: hour n
	months     uint64 // bit n: month n, January is 1
	days       days
	clock      clock
}

var _ api.Schedule = (*Cron)(nil)

// clock says what a change of the clocks does to a schedule.
type clock string

const (
	clockFixed   clock = "fixed"   // hour and minute are named: each nominal time happens exactly once
	clockElapsed clock = "elapsed" // hour or minute begins with a star: whatever the wall shows, minute by minute
)

// Parse reads a cron expression of exactly five fields, at most 100 bytes, and the name of an IANA time zone, where
// empty means UTC. An error says in words for a user what to write instead; one is also given for an expression that
// has no time within 50 years, such as 31 February.
func Parse(expression, zone string) (*Cron, error) {
	location, err := LoadZone(zone)
	if err != nil {
		return nil, err
	}
	return parse(expression, location)
}

func parse(expression string, zone *time.Location) (*Cron, error) {
	if len(expression) > MaxExpression {
		return nil, fmt.Errorf("must be at most %d bytes", MaxExpression)
	}
	fields := strings.FieldsFunc(expression, func(r rune) bool { return r == ' ' || r == '\t' })
	if len(fields) != 5 {
		return nil, fmt.Errorf("must be five fields (minute, hour, day of month, month, day of week) such as 30 3 * * 1-5, not %d",
			len(fields))
	}
	c := &Cron{expression: strings.Join(fields, " "), zone: zone, clock: clockFixed}
	if strings.HasPrefix(fields[0], "*") || strings.HasPrefix(fields[1], "*") {
		c.clock = clockElapsed
	}
	var errs [4]error
	c.minutes, errs[0] = minuteField.parse(fields[0])
	c.hours, errs[1] = hourField.parse(fields[1])
	c.days, errs[2] = parseDays(fields[2], fields[4])
	c.months, errs[3] = monthField.parse(fields[3])
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	// The calendar repeats, so whether a schedule ever comes can be asked of any moment.
	if c.Next(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, errors.New("names a time that never comes: check the day of month against month and day of week")
	}
	return c, nil
}

// String gives the expression, its fields separated by single blanks.
func (c *Cron) String() string { return c.expression }

// Zone gives the time zone in which the expression is read.
func (c *Cron) Zone() *time.Location { return c.zone }

// Upcoming gives the next n times of s after a moment, fewer when s ends before.
func Upcoming(s api.Schedule, after time.Time, n int) []time.Time {
	var times []time.Time
	for len(times) < n {
		after = s.Next(after)
		if after.IsZero() {
			break
		}
		times = append(times, after)
	}
	return times
}

// Period gives the shortest time between two of the times that a schedule expects. It is measured from a fixed day on: the
// same expression has the same period whenever somebody asks.
func Period(s api.Schedule) api.Seconds {
	const looks = 7 // a week of workdays is enough, and no clock change comes within seven Sundays of the day
	times := Upcoming(s, time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC), looks)
	var shortest time.Duration
	for i := 1; i < len(times); i++ {
		if apart := times[i].Sub(times[i-1]); shortest == 0 || apart < shortest {
			shortest = apart
		}
	}
	return api.Seconds(shortest / time.Second)
}
