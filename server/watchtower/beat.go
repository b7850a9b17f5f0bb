package watchtower

import (
	"context"
	"strconv"
	"strings"
	"time"

	"watchkeeper/api"
)

// Action is what a line of heartbeats records.
type Action string

// The actions.
const (
	ActionPulse  Action = "pulse"
	ActionCancel Action = "cancel"
	ActionAlert  Action = "alert" // it was declared dead
)

// Beat is a line of heartbeats.
type Beat struct {
	Service  string
	NextIn   api.Seconds
	At       api.Time
	Expected api.Time
	Action   Action
}

// Beats gives the heartbeats, the oldest first, until use gives an error.
func (f *Folder) Beats(ctx context.Context, use func(Beat) error, unread func(Unread)) error {
	return f.lines(ctx, beatsFolder, func(line string, c *clock) (string, error) {
		b, reason := parseBeat(line, c)
		if reason != "" {
			return reason, nil
		}
		return "", use(b)
	}, unread)
}

// The fields of a line behind the name of the service, which may itself hold what separates them.
const beatFields = 6

// parseBeat reads service;nextIn;day;time;expected;expected time;action.
func parseBeat(line string, c *clock) (b Beat, reason string) {
	parts := strings.Split(line, ";")
	if len(parts) <= beatFields {
		return b, "has too few fields"
	}
	fields := parts[len(parts)-beatFields:]
	b.Service = strings.Join(parts[:len(parts)-beatFields], ";")
	if reason := api.CheckName(b.Service); reason != "" {
		return b, "names a service that " + reason
	}
	b.Action = Action(strings.TrimSpace(fields[5]))
	if b.Action != ActionPulse && b.Action != ActionCancel && b.Action != ActionAlert {
		return b, "has an action that is none of pulse, cancel and alert"
	}
	nextIn, err := strconv.ParseInt(strings.TrimSpace(fields[0]), 10, 64)
	if err != nil || nextIn < 1 || nextIn > int64(api.MaxSeconds) {
		return b, "has a nextIn that is no number of seconds up to ten years"
	}
	b.NextIn = api.Seconds(nextIn)
	if b.At, err = c.read(strings.TrimSpace(fields[1]), strings.TrimSpace(fields[2])); err != nil {
		return b, err.Error()
	}
	expected, err := strconv.ParseFloat(strings.TrimSpace(fields[3]), 64)
	if err != nil || !(expected >= 0 && expected <= float64(api.MaxTime)/1000) {
		return b, "has an expected time that is no number of seconds"
	}
	b.Expected = api.Time(expected * 1000)
	// What was expected counts from the pulse, to the second and whatever the zone.
	if exact := b.Expected.Add(-b.NextIn.Duration()); b.Action == ActionPulse && exact.Sub(b.At).Abs() <= time.Hour+time.Minute {
		b.At = exact
	}
	return b, ""
}

// Fate is what became of a service in watchTower, and so what it is with us.
type Fate string

// The fates.
const (
	FateAlive     Fate = "alive"     // still expected when the records end: watched from now on
	FateCancelled Fate = "cancelled" // not watched until it pulses
	FateDead      Fate = "dead"      // declared dead there, and told: down, and not told again
	FateForgotten Fate = "forgotten" // silent and never told, since a restart forgets: not watched until it pulses
)

// forgotten is how late watchTower may be to declare a service dead.
const forgottenAfter = time.Minute

// Life is what the records tell of one service.
type Life struct {
	First  api.Time // of its pulses; 0 when there is none
	Last   api.Time
	NextIn api.Seconds
	Pulses int64
	Latest Beat // of any action
}

// Add lets a line count.
func (l *Life) Add(b Beat) {
	l.Latest = b
	if b.Action != ActionPulse {
		return
	}
	if l.First == 0 {
		l.First = b.At
	}
	l.Last, l.NextIn = b.At, b.NextIn
	l.Pulses++
}

// Fate decides by the last line of a service and the moment at which the records of all services end.
func (l *Life) Fate(end api.Time) Fate {
	switch {
	case l.Latest.Action == ActionCancel:
		return FateCancelled
	case l.Latest.Action == ActionAlert:
		return FateDead
	case l.Latest.Expected.Add(forgottenAfter) < end:
		return FateForgotten
	}
	return FateAlive
}
