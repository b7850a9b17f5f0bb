package api

import "time"

// Gap is a time in which no server watched.
type Gap struct {
	From Time `json:"from"`
	To   Time `json:"to"`
	// Restored says that the database of To is a copy from From: pulses of that time may have been acknowledged and are
	// not in it.
	Restored bool `json:"restored,omitempty" doc:"the time between a backup and the start of what was restored from it"`
}

// The bounds of the hold after a gap: a service is given twice the gap to pulse again, within these.
const (
	MinCatchUp = 30 * time.Second
	MaxCatchUp = 10 * time.Minute // the default of the setting catch_up
)

// Absence is what the server knows about its own gaps, newest last. CatchUp caps the hold; 0 means MaxCatchUp.
type Absence struct {
	Gaps    []Gap
	CatchUp time.Duration
}

// hold gives the moment before which a wait of the given length that began at since must not be judged, and the gap
// that sets it; 0 when there was no gap since.
func (a Absence) hold(since Time, wait time.Duration) (Time, *Gap) {
	limit := a.CatchUp
	if limit <= 0 {
		limit = MaxCatchUp
	}
	var until Time
	var cause *Gap
	for i, g := range a.Gaps {
		if g.To <= since {
			continue
		}
		window := min(limit, max(MinCatchUp, 2*g.To.Sub(g.From)))
		if g.Restored {
			// A service may have pulsed at any moment that was lost, so it is given the whole of its time again.
			window = wait
		}
		if t := g.To.Add(min(wait, window)); t > until {
			until, cause = t, &a.Gaps[i]
		}
	}
	return until, cause
}
