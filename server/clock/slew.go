package clock

import "time"

const (
	sleepLimit  = time.Second            // a machine that slept for longer makes Now go forward at once
	stepLimit   = 2 * time.Second        // a difference that appears at once and is larger is reported
	slowAnswer  = 100 * time.Millisecond // a reference that takes longer to answer says too little about now
	slewDivisor = 200                    // one part in 200 is half a percent
)

// slew is a correction that moves from one offset to another at a bounded rate.
type slew struct {
	since    time.Duration // when it began, as elapsed time
	from, to time.Duration
}

// at gives the correction when elapsed time has passed.
func (s slew) at(elapsed time.Duration) time.Duration {
	moved := max(elapsed-s.since, 0) / slewDivisor
	if s.from < s.to {
		return min(s.from+moved, s.to)
	}
	return max(s.from-moved, s.to)
}

// state is all that Now is reckoned from, besides the base and the elapsed time. It is replaced, never altered.
type state struct {
	slept     time.Duration // what the machine slept since the start, as last seen
	suspended time.Duration // the part of it that Now went forward by
	ahead     time.Duration // how far the machine's wall clock ran ahead of elapsed time, as last seen
	slew      slew
}

// offset gives what is to be added to base and elapsed time.
func (s state) offset(elapsed time.Duration) time.Duration {
	return s.suspended + s.slew.at(elapsed)
}

// look is what was seen of the machine and of the reference at one time.
type look struct {
	elapsed time.Duration // since the start, without the time that the machine slept
	slept   time.Duration // since the start
	ahead   time.Duration
	answer  *answer // nil when the reference was not asked or did not answer
}

// answer is what the reference said.
type answer struct {
	offset    time.Duration // how far it is ahead of base, elapsed and suspended time
	roundTrip time.Duration
	suspended time.Duration // the state's, when it was asked
}

// reason names why the state became what it is.
type reason string

const (
	resumed    reason = "resumed"    // the machine slept, or did while the reference was asked
	unmeasured reason = "unmeasured" // the reference did not answer
	slow       reason = "slow"       // it took too long to
	steady     reason = "steady"     // it is where it was believed to be, as far as its round trip can tell
	adjusted   reason = "adjusted"   // it is not quite where it was believed to be
	stepped    reason = "stepped"    // it was set: it is elsewhere by more than the step limit
)

// usable reports whether the reference said something that counts.
func (r reason) usable() bool { return r == steady || r == adjusted || r == stepped }

// verdict is a reason, and by how much: how far the reference was set forward when stepped, how long the machine slept
// when resumed, else 0.
type verdict struct {
	reason reason
	by     time.Duration
}

// decide gives the state after a look. Now goes on without a jump from the one state to the other at the look's elapsed
// time, unless the machine slept.
func decide(s state, l look) (state, verdict) {
	grown := l.slept - s.slept
	s.slept = max(s.slept, l.slept)
	s.ahead = l.ahead
	if grown > sleepLimit {
		s.suspended += grown
		return s, verdict{reason: resumed, by: grown}
	}
	switch a := l.answer; {
	case a == nil:
		return s, verdict{reason: unmeasured}
	case a.suspended != s.suspended:
		return s, verdict{reason: resumed}
	case a.roundTrip > slowAnswer:
		return s, verdict{reason: slow}
	}
	// Against where the reference was believed to be, not against where Now has come: a step that is still being made
	// good is no news.
	difference := l.answer.offset - s.slew.to
	if difference.Abs() <= l.answer.roundTrip/2 {
		return s, verdict{reason: steady}
	}
	s.slew = slew{since: l.elapsed, from: s.slew.at(l.elapsed), to: l.answer.offset}
	if difference.Abs() > stepLimit {
		return s, verdict{reason: stepped, by: difference}
	}
	return s, verdict{reason: adjusted}
}
