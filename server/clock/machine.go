package clock

import "time"

// reading is one look at the machine's clocks.
type reading struct {
	wall    time.Time
	elapsed time.Duration // monotonic, since the start
}

// ahead gives how far the wall clock ran ahead of elapsed time. It changes when the wall clock is set and when the
// machine sleeps.
func (r reading) ahead(base time.Time) time.Duration {
	return r.wall.Sub(base) - r.elapsed
}

// machine is the clocks of the machine. Tests put others in their place.
type machine struct {
	read func() reading
	// slept gives how long the machine slept since some fixed moment, and false where that cannot be known.
	slept func() (time.Duration, bool)
}

func thisMachine() machine {
	start := time.Now()
	return machine{
		read: func() reading {
			now := time.Now()
			return reading{wall: now.Round(0), elapsed: now.Sub(start)}
		},
		slept: slept,
	}
}
