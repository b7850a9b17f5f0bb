package api

import (
	"slices"
	"time"
)

// State is where a service stands. docs/states.md draws the transitions.
type State string

// The states of a service.
const (
	StateNew    State = "new"    // never pulsed, or resumed: nothing is expected yet
	StateUp     State = "up"     // pulsed in time
	StateLate   State = "late"   // the expected pulse did not come, the grace runs
	StateDown   State = "down"   // silent beyond the grace, or it said that it failed
	StatePaused State = "paused" // not watched until it pulses or somebody resumes it
)

// StateDeleted stands in the last change of a service. No service is ever in it.
const StateDeleted State = "deleted"

// Valid reports whether s is one of the states.
func (s State) Valid() bool {
	switch s {
	case StateNew, StateUp, StateLate, StateDown, StatePaused:
		return true
	}
	return false
}

// Reason names why a state changed.
type Reason string

// The reasons of a change.
const (
	ReasonPulse       Reason = "pulse"        // a success arrived
	ReasonTimeout     Reason = "timeout"      // no pulse until the deadline
	ReasonExpected    Reason = "expected"     // no pulse at the expected time, grace begins
	ReasonFail        Reason = "fail"         // the service said that it failed
	ReasonTooLong     Reason = "ran_too_long" // a run took longer than max_run
	ReasonTooFast     Reason = "ran_too_fast" // a run took less than min_run
	ReasonNotFinished Reason = "not_finished" // a run started and did not end in time
	ReasonPaused      Reason = "paused"       // somebody paused it
	ReasonCancelled   Reason = "cancelled"    // its client cancelled it
	ReasonResumed     Reason = "resumed"      // somebody resumed it
	ReasonSettings    Reason = "settings"     // its settings changed
	ReasonDeleted     Reason = "deleted"      // it was deleted
	ReasonAlert       Reason = "alert"        // an event asked for an alert
)

// Schedule gives the next expected time strictly after a moment; the zero time when there is none.
type Schedule interface {
	Next(after time.Time) time.Time
}

// Transition is a change of state that has been decided. At is the moment it counts from: the deadline itself when
// time decided, the receive time when a pulse did. Gap is set when our own absence may be the cause.
type Transition struct {
	From, To State
	Reason   Reason
	At       Time
	Since    Time // when the former state began
	Gap      *Gap
}

// Receive lets a pulse act on the service: first what time has decided before it arrived, then the pulse itself. It
// returns the transitions in order, three at most, and what became of the pulse.
func (s *Service) Receive(p Pulse, cron Schedule, absent Absence) ([]Transition, Receipt) {
	// A sender whose clock is ahead must not put off its own deadline, nor date a change into the future.
	p.Time = min(p.Time, p.ReceivedAt)
	transitions := s.Judge(p.ReceivedAt, cron, absent)
	receipt := Receipt{Kind: p.Kind, Duration: p.Duration}
	if s.State == StatePaused && s.ManualResume {
		receipt.Kind = PulseIgnored
		return transitions, receipt
	}
	if p.Kind == PulseSuccess && p.ExitCode > 0 {
		receipt.Kind = PulseFail
	}
	if s.State == StateDown {
		s.giveUpRuns(p.ReceivedAt, absent)
	}
	var t *Transition
	switch receipt.Kind {
	case PulseStart:
		s.start(p)
	case PulseSuccess, PulseFail:
		t = s.finish(p, cron, absent, &receipt)
	case PulseLog, PulseIgnored:
	}
	if t != nil {
		transitions = append(transitions, *t)
	}
	s.arm(p.ReceivedAt, cron, absent)
	return transitions, receipt
}

func (s *Service) start(p Pulse) {
	s.LastStart = max(s.LastStart, p.Time)
	if s.overtaken(p) {
		return // its end may have come before it, so that nothing would ever close it
	}
	s.OpenRuns = slices.DeleteFunc(s.OpenRuns, func(r OpenRun) bool { return r.RID == p.RID })
	s.OpenRuns = append(s.OpenRuns, OpenRun{RID: p.RID, StartedAt: p.Time, NextIn: p.NextIn})
	if extra := len(s.OpenRuns) - MaxOpenRuns; extra > 0 {
		s.OpenRuns = slices.Delete(s.OpenRuns, 0, extra)
	}
}

// finish applies a success or fail. The receipt learns the duration of the run and whether a limit made it a fail.
func (s *Service) finish(p Pulse, cron Schedule, absent Absence, receipt *Receipt) *Transition {
	s.closeRun(p, receipt)
	reason := ReasonPulse
	switch took := receipt.Duration; {
	case receipt.Kind == PulseFail:
		reason = ReasonFail
	case s.MaxRun > 0 && took > s.MaxRun.Duration():
		receipt.Kind, reason = PulseFail, ReasonTooLong
	case s.MinRun > 0 && took > 0 && took < s.MinRun.Duration():
		receipt.Kind, reason = PulseFail, ReasonTooFast
	}
	if p.Legacy != nil {
		s.AlertType, s.AlertTarget = p.Legacy.AlertType, p.Legacy.AlertTarget
	}
	if s.overtaken(p) {
		return nil
	}
	s.LastPulse = p.Time
	if s.FirstPulse == 0 {
		s.FirstPulse = p.Time
	}
	if receipt.Duration > 0 {
		s.LastDuration = InSeconds(receipt.Duration)
	}
	s.learnNextIn(p.NextIn)
	if receipt.Kind == PulseFail {
		if s.Failures++; s.Failures >= s.FailsToDown() {
			return s.move(StateDown, reason, p.Time, nil)
		}
		if s.State == StateDown {
			return nil
		}
		reason = ReasonPulse // one that is put up with is a sign of life like any other
	} else {
		s.Failures = 0
	}
	if p.belated() && s.brokePromise(p.ReceivedAt, cron, absent) {
		return nil
	}
	return s.move(StateUp, reason, p.Time, nil)
}

// overtaken reports whether a pulse tells of a past after which newer signs of life came, or somebody paused or resumed
// the service. A pulse without a time of its own never is, also where the clocks of two servers differ a little.
func (s *Service) overtaken(p Pulse) bool {
	switch {
	case !p.belated():
		return false
	case p.Time < s.LastPulse:
		return true
	case s.State == StatePaused, s.State == StateNew && s.LastPulse > 0:
		return p.Time < s.StateSince
	}
	return false
}

// brokePromise reports whether the latest pulse, when it arrived, had already been followed by a silence longer than it
// promised, so that it must not end the silence that is known.
func (s *Service) brokePromise(now Time, cron Schedule, absent Absence) bool {
	promised := s.expected(cron)
	if promised == 0 {
		return false
	}
	held, _ := absent.hold(s.LastPulse, promised.Sub(s.LastPulse))
	switch over := max(promised, held); s.State {
	case StateLate:
		return over <= now
	case StateDown:
		return s.StateSince > promised || over.Add(s.Grace.Duration()) <= now
	}
	return false
}

func (s *Service) learnNextIn(stated Seconds) {
	ownPeriod := s.NextIn > 0 || s.Cron != ""
	if stated > 0 || ownPeriod {
		s.StatedNextIn = stated
	}
}

// closeRun ends the open run that the pulse belongs to and gives the receipt its duration. A fail without a matching
// start, and a success without a rid, end whatever is open, with no duration. No pulse ends what began after it.
func (s *Service) closeRun(p Pulse, receipt *Receipt) {
	later := func(r OpenRun) bool { return p.belated() && r.StartedAt > p.Time }
	i := slices.IndexFunc(s.OpenRuns, func(r OpenRun) bool { return r.RID == p.RID && (p.RID != "" || !later(r)) })
	switch {
	case i >= 0:
		if took := p.Time.Sub(s.OpenRuns[i].StartedAt); receipt.Duration == 0 && took >= 0 {
			receipt.Duration = max(took, time.Millisecond) // 0 would say that nobody knows
		}
		s.OpenRuns = slices.Delete(s.OpenRuns, i, i+1)
	case receipt.Kind == PulseFail || p.RID == "":
		s.OpenRuns = slices.DeleteFunc(s.OpenRuns, func(r OpenRun) bool { return !later(r) })
	}
}

// Judge decides what time alone has done to the service by now: late, down, or nothing. It leaves JudgeAt at a moment
// after now, or 0. Before JudgeAt it does nothing, so that a caller may then spare itself to learn of absences.
func (s *Service) Judge(now Time, cron Schedule, absent Absence) []Transition {
	if s.JudgeAt == 0 || s.JudgeAt > now {
		return nil
	}
	var out []Transition
	for range 2 { // late and down may both be due
		due := s.next(cron, absent)
		if due.at == 0 || due.at > now {
			break
		}
		if due.reason == ReasonNotFinished {
			s.giveUpRuns(due.at, absent)
		}
		out = append(out, *s.move(due.to, due.reason, due.at, due.gap))
	}
	s.arm(now, cron, absent)
	return out
}

// Pause stops watching until a pulse or Resume; reason is ReasonPaused or ReasonCancelled. It may be repeated. Like
// Resume and Change it knows nothing of what time did before: the caller lets Judge act first.
func (s *Service) Pause(now Time, reason Reason) []Transition {
	s.OpenRuns, s.Failures = nil, 0
	return s.decide(now, StatePaused, reason)
}

// Resume begins anew after a pause: nothing is expected until the next pulse. It does nothing unless paused.
func (s *Service) Resume(now Time) []Transition {
	if s.State != StatePaused {
		return nil
	}
	s.OpenRuns, s.Failures = nil, 0
	return s.decide(now, StateNew, ReasonResumed)
}

func (s *Service) decide(now Time, to State, reason Reason) []Transition {
	t := s.move(to, reason, now, nil)
	s.arm(now, nil, Absence{})
	if t == nil {
		return nil
	}
	return []Transition{*t}
}

// Change replaces the settings. What is expected is computed anew from the last pulse; a service that was late and is
// not by its new settings is up again. A down service stays down until it pulses.
func (s *Service) Change(settings ServiceSettings, now Time, cron Schedule, absent Absence) []Transition {
	if settings.NextIn != s.NextIn || settings.Cron != s.Cron || (settings.Probe == nil) != (s.Probe == nil) {
		s.StatedNextIn = 0
	}
	if !settings.Probe.Same(s.Probe) {
		s.Failures = 0 // they were of another target
	}
	s.ServiceSettings = settings
	s.UpdatedAt = now
	var out []Transition
	if expected := s.expected(cron); s.State == StateLate && (expected == 0 || expected > now) {
		if t := s.move(StateUp, ReasonSettings, now, nil); t != nil {
			out = append(out, *t)
		}
	}
	s.arm(now, cron, absent)
	return out
}

// Plain reports whether a success without anything special only moves the times of the service, so that a bulk
// statement may do it: no cron expression, no limits on runs, no open start, no fail to forget.
func (s *Service) Plain() bool {
	return s.Cron == "" && s.MaxRun == 0 && s.MinRun == 0 && s.FinishWithin == 0 && len(s.OpenRuns) == 0 && s.Failures == 0
}

func (s *Service) move(to State, reason Reason, at Time, gap *Gap) *Transition {
	if s.State == to {
		return nil
	}
	at = max(at, s.StateSince) // a pulse may tell of a time before the present state began
	t := &Transition{From: s.State, To: to, Reason: reason, At: at, Since: s.StateSince, Gap: gap}
	s.State, s.StateSince = to, at
	return t
}
