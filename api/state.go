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

// Gap is a time in which no server watched.
type Gap struct {
	From Time `json:"from"`
	To   Time `json:"to"`
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
// that is the cause; 0 when no gap matters.
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
		if t := g.To.Add(min(wait, window)); t > until {
			until, cause = t, &a.Gaps[i]
		}
	}
	return until, cause
}

// Receive lets a pulse act on the service: first what time has decided before it arrived, then the pulse itself. It
// returns the transitions in order (none, one or two) and what became of the pulse.
func (s *Service) Receive(p Pulse, cron Schedule, absent Absence) ([]Transition, Receipt) {
	transitions := s.Judge(p.ReceivedAt, cron, absent)
	receipt := Receipt{Kind: p.Kind, Duration: p.Duration}
	if s.State == StatePaused && s.ManualResume {
		receipt.Kind = PulseIgnored
		return transitions, receipt
	}
	if p.Kind == PulseSuccess && p.ExitCode > 0 {
		receipt.Kind = PulseFail
	}
	var t *Transition
	switch receipt.Kind {
	case PulseStart:
		s.start(p)
	case PulseSuccess, PulseFail:
		t = s.finish(p, cron, &receipt)
	case PulseLog, PulseIgnored:
	}
	if t != nil {
		transitions = append(transitions, *t)
	}
	s.arm(p.ReceivedAt, cron, absent)
	return transitions, receipt
}

func (s *Service) start(p Pulse) {
	s.OpenRuns = slices.DeleteFunc(s.OpenRuns, func(r OpenRun) bool { return r.RID == p.RID })
	s.OpenRuns = append(s.OpenRuns, OpenRun{RID: p.RID, StartedAt: p.Time})
	if extra := len(s.OpenRuns) - MaxOpenRuns; extra > 0 {
		s.OpenRuns = slices.Delete(s.OpenRuns, 0, extra)
	}
	s.LastStart = max(s.LastStart, p.Time)
}

// finish applies a success or fail. The receipt learns the duration of the run and whether a limit made it a fail.
func (s *Service) finish(p Pulse, cron Schedule, receipt *Receipt) *Transition {
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
	if s.LastPulse > 0 && p.Time < s.LastPulse {
		return nil // it tells of the past, and newer signs of life are known
	}
	s.LastPulse = p.Time
	if s.FirstPulse == 0 {
		s.FirstPulse = p.Time
	}
	if receipt.Duration > 0 {
		s.LastDuration = receipt.Duration.Seconds()
	}
	s.learnNextIn(p.NextIn)
	to := StateUp
	if receipt.Kind == PulseFail {
		to = StateDown
	}
	if s.State == StateDown && to == StateUp && p.Time < p.ReceivedAt && s.StateSince > p.Time {
		// A pulse that was held up on its way does not undo a silence that began after what it promised.
		if promised := s.expected(cron); promised > 0 && s.StateSince > promised {
			return nil
		}
	}
	return s.move(to, reason, p.Time, nil)
}

func (s *Service) learnNextIn(stated Seconds) {
	ownPeriod := s.NextIn > 0 || s.Cron != ""
	if stated > 0 || ownPeriod {
		s.StatedNextIn = stated
	}
}

// closeRun ends the open run that the pulse belongs to and gives the receipt its duration. A fail without a matching
// start, and a success without a rid, end whatever is open, with no duration.
func (s *Service) closeRun(p Pulse, receipt *Receipt) {
	i := slices.IndexFunc(s.OpenRuns, func(r OpenRun) bool { return r.RID == p.RID })
	switch {
	case i >= 0:
		if took := p.Time.Sub(s.OpenRuns[i].StartedAt); receipt.Duration == 0 && took > 0 {
			receipt.Duration = took
		}
		s.OpenRuns = slices.Delete(s.OpenRuns, i, i+1)
	case receipt.Kind == PulseFail || p.RID == "":
		s.OpenRuns = nil
	}
}

// Judge decides what time alone has done to the service by now: late, down, or nothing. It always leaves JudgeAt at a
// moment after now, or 0.
func (s *Service) Judge(now Time, cron Schedule, absent Absence) []Transition {
	var out []Transition
	for range 2 { // late and down may both be due
		due := s.next(cron, absent)
		if due.at == 0 || due.at > now {
			break
		}
		if due.reason == ReasonNotFinished {
			s.giveUpRuns(due.at)
		}
		out = append(out, *s.move(due.to, due.reason, due.at, due.gap))
	}
	s.arm(now, cron, absent)
	return out
}

// giveUpRuns marks the runs whose time was over at the moment the service went down for them, so that a run that
// crashed does not bring it down again after every later success.
func (s *Service) giveUpRuns(at Time) {
	for i, run := range s.OpenRuns {
		s.OpenRuns[i].Overdue = run.Overdue || run.StartedAt.Add(s.runLimit()) <= at
	}
}

// Pause stops watching until a pulse or Resume; reason is ReasonPaused or ReasonCancelled. It may be repeated.
func (s *Service) Pause(now Time, reason Reason) []Transition {
	s.OpenRuns = nil
	return s.decide(now, StatePaused, reason)
}

// Resume begins anew after a pause: nothing is expected until the next pulse. It does nothing unless paused.
func (s *Service) Resume(now Time) []Transition {
	if s.State != StatePaused {
		return nil
	}
	s.OpenRuns = nil
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
	if settings.NextIn != s.NextIn || settings.Cron != s.Cron {
		s.StatedNextIn = 0
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
// statement may do it: no cron expression, no limits on runs, no open start.
func (s *Service) Plain() bool {
	return s.Cron == "" && s.MaxRun == 0 && s.MinRun == 0 && s.FinishWithin == 0 && len(s.OpenRuns) == 0
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

// due is the next thing that time does to a service.
type due struct {
	at     Time
	to     State
	reason Reason
	gap    *Gap
}

// next gives what time will do to the service and when, with the hold of our own absence counted in.
func (s *Service) next(cron Schedule, absent Absence) due {
	if s.State == StateDown {
		return due{}
	}
	d := s.runDue(absent)
	if s.State != StateUp && s.State != StateLate {
		return d
	}
	expected := s.expected(cron)
	if expected == 0 {
		return d
	}
	silence := due{at: expected, to: StateLate, reason: ReasonExpected}
	held, gap := absent.hold(s.LastPulse, expected.Sub(s.LastPulse))
	if held > expected {
		silence.at, silence.gap = held, gap
	}
	if s.State == StateLate || s.Grace == 0 {
		silence.at, silence.to, silence.reason = silence.at.Add(s.Grace.Duration()), StateDown, ReasonTimeout
	}
	if d.at == 0 || silence.at < d.at {
		return silence
	}
	return d
}

// runDue gives when the first open run has been open for too long.
func (s *Service) runDue(absent Absence) due {
	limit := s.runLimit()
	if limit == 0 || len(s.OpenRuns) == 0 {
		return due{}
	}
	d := due{to: StateDown, reason: ReasonNotFinished}
	for _, run := range s.OpenRuns {
		if run.Overdue {
			continue
		}
		at, cause := run.StartedAt.Add(limit), (*Gap)(nil)
		if held, gap := absent.hold(run.StartedAt, limit); held > at {
			at, cause = held, gap
		}
		if d.at == 0 || at < d.at {
			d.at, d.gap = at, cause
		}
	}
	return d
}

func (s *Service) runLimit() time.Duration {
	for _, limit := range []Seconds{s.FinishWithin, s.MaxRun, s.Grace} {
		if limit > 0 {
			return limit.Duration()
		}
	}
	return 0
}

// expected gives when the next pulse is due at the latest, without the grace; 0 when none is.
func (s *Service) expected(cron Schedule) Time {
	switch {
	case s.LastPulse == 0:
		return 0
	case s.StatedNextIn == 0 && s.Cron != "" && cron != nil:
		return TimeOf(cron.Next(s.LastPulse.Std()))
	case s.NextInForce() > 0:
		return s.LastPulse.Add(s.NextInForce().Duration())
	}
	return 0
}

// arm computes the times that are shown and the moment of the next judgement. The shown times know nothing of holds.
func (s *Service) arm(now Time, cron Schedule, absent Absence) {
	s.Expected, s.Deadline = 0, 0
	if s.State == StateUp || s.State == StateLate {
		s.Expected = s.expected(cron)
		s.Deadline = s.Expected.Add(s.Grace.Duration())
	}
	if s.State != StateDown {
		if d := s.runDue(Absence{}); d.at > 0 && (s.Deadline == 0 || d.at < s.Deadline) {
			s.Deadline = d.at
		}
	}
	s.Running = slices.ContainsFunc(s.OpenRuns, func(r OpenRun) bool { return !r.Overdue })
	s.JudgeAt = s.next(cron, absent).at
	if s.JudgeAt > 0 && s.JudgeAt < now {
		s.JudgeAt = now
	}
}
