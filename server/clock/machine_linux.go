package clock

import (
	"time"

	"golang.org/x/sys/unix"
)

// slept gives how far the clock that goes on while the machine sleeps has run ahead of the one that stops.
func slept() (time.Duration, bool) {
	const attempts, precise = 10, time.Millisecond
	for range attempts {
		before, ok1 := read(unix.CLOCK_MONOTONIC)
		boot, ok2 := read(unix.CLOCK_BOOTTIME)
		after, ok3 := read(unix.CLOCK_MONOTONIC)
		if !ok1 || !ok2 || !ok3 {
			return 0, false
		}
		// A process that is stopped between the readings would take its own pause for sleep of the machine.
		if after-before <= precise {
			return boot - before, true
		}
	}
	return 0, false
}

func read(id int32) (time.Duration, bool) {
	var t unix.Timespec
	if err := unix.ClockGettime(id, &t); err != nil {
		return 0, false
	}
	return time.Duration(t.Nano()), true
}
