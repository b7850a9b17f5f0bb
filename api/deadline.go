package api

import (
	"slices"
	"time"
)

// due is what time does to a service next. Its gap is one that the wait went through, so that it may be the cause.
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
	run := s.firstRunDue(absent)
	silence := s.silenceDue(cron, absent)
	if run.at == 0 || silence.at > 0 && silence.at < run.at {
		return silence
	}
	return run
}

// silenceDue gives when the missing pulse makes the service late, or down where it is late or has no grace.
func (s *Service) silenceDue(cron Schedule, absent Absence) due {
	if s.State != StateUp && s.State != StateLate {
		return due{}
	}
	expected := s.expected(cron)
	if expected == 0 {
		return due{}
	}
	held, gap := absent.hold(s.LastPulse, expected.Sub(s.LastPulse))
	d := due{at: max(expected, held), to: StateLate, reason: ReasonExpected, gap: gap}
	if s.State == StateLate || s.Grace == 0 {
		d.at, d.to, d.reason = d.at.Add(s.Grace.Duration()), StateDown, ReasonTimeout
	}
	return d
}

// firstRunDue gives when the first open run has been open for too long.
func (s *Service) firstRunDue(absent Absence) due {
	var first due
	for _, run := range s.OpenRuns {
		if d := s.runDue(run, absent); d.at > 0 && (first.at == 0 || d.at < first.at) {
			first = d
		}
	}
	return first
}

// runDue gives when one run has been open for too long.
func (s *Service) runDue(run OpenRun, absent Absence) due {
	limit := s.runLimit(run)
	if limit == 0 || run.Overdue {
		return due{}
	}
	held, gap := absent.hold(run.StartedAt, limit)
	return due{at: max(run.StartedAt.Add(limit), held), to: StateDown, reason: ReasonNotFinished, gap: gap}
}

// runLimit gives how long the run may stay open: what its start promised and the grace, or the limits of the service;
// 0 for as long as it likes.
func (s *Service) runLimit(run OpenRun) time.Duration {
	if run.NextIn > 0 {
		return (run.NextIn + s.Grace).Duration()
	}
	for _, limit := range []Seconds{s.FinishWithin, s.MaxRun, s.Grace} {
		if limit > 0 {
			return limit.Duration()
		}
	}
	return 0
}

// giveUpRuns marks the runs whose time is over while the service is down, so that a run that crashed does not bring it
// down again after a later success.
func (s *Service) giveUpRuns(at Time, absent Absence) {
	for i, run := range s.OpenRuns {
		if d := s.runDue(run, absent); d.at > 0 && d.at <= at {
			s.OpenRuns[i].Overdue = true
		}
	}
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
		if d := s.firstRunDue(Absence{}); d.at > 0 && (s.Deadline == 0 || d.at < s.Deadline) {
			s.Deadline = d.at
		}
	}
	s.Running = slices.ContainsFunc(s.OpenRuns, func(r OpenRun) bool { return !r.Overdue })
	s.JudgeAt = s.next(cron, absent).at
	if s.JudgeAt > 0 && s.JudgeAt < now {
		s.JudgeAt = now
	}
}
