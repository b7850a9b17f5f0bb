package watchtower

import (
	"errors"
	"strings"
	"time"

	"watchkeeper/api"
)

// clock reads local times that go forward, so that it knows which of the two hours is meant when the clocks are set back.
type clock struct {
	zone *time.Location
	last time.Time
}

// disorder is how far lines may go back.
const disorder = time.Minute

var errNoTime = errors.New("has no day and time that can be read")

// read gives the moment of a day and a time in the zone.
func (c *clock) read(day, hour string) (api.Time, error) {
	wall, err := time.ParseInLocation("20060102 15:04:05", strings.ReplaceAll(day, "-", "")+" "+hour, c.zone)
	if err != nil || wall.Year() < 1990 || api.TimeOf(wall) > api.MaxTime.Add(-24*time.Hour) {
		return 0, errNoTime
	}
	// The other hour that reads the same, if there is one, comes before or after.
	first, second := wall, wall
	for _, shift := range []time.Duration{-time.Hour, time.Hour} {
		if other := wall.Add(shift); other.Hour() == wall.Hour() && other.Day() == wall.Day() {
			if shift < 0 {
				first = other
			} else {
				second = other
			}
		}
	}
	wall = first
	if first.Before(c.last.Add(-disorder)) && !second.Before(c.last.Add(-disorder)) {
		wall = second
	}
	if wall.After(c.last) {
		c.last = wall
	}
	return api.TimeOf(wall), nil
}
