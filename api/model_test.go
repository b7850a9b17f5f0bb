package api

import (
	"slices"
	"time"
)

// model is a service as docs/states.md describes it, written to be believed and not to be fast: it looks at every
// second. All moments that it is given are whole seconds.
type model struct {
	settings ServiceSettings
	absent   Absence
	state    State
	since    Time
	last     Time // pulse
	stated   Seconds
	failures int
	runs     []OpenRun
	looked   Time // up to which nothing more is due; 0 when something has happened since
	log      []Transition
}

func (m *model) enter(to State, reason Reason, at Time) {
	if to == m.state {
		return
	}
	at = max(at, m.since)
	m.log = append(m.log, Transition{From: m.state, To: to, Reason: reason, At: at, Since: m.since})
	m.state, m.since = to, at
}

// passes lets time pass up to a moment at which a server watches.
func (m *model) passes(now Time) {
	from := m.looked
	if from == 0 {
		from = m.begin()
	}
	for t := from; t <= now; t += 1000 {
		m.look(t)
	}
	m.looked = now
}

// begin is before anything that may be due.
func (m *model) begin() Time {
	begin := m.since
	if m.last > 0 {
		begin = min(begin, m.last)
	}
	for _, run := range m.runs {
		begin = min(begin, run.StartedAt)
	}
	return begin
}

// look says what time does in this very second.
func (m *model) look(t Time) {
	if m.state != StateDown && slices.ContainsFunc(m.runs, func(r OpenRun) bool { return m.hangs(r, t) }) {
		m.enter(StateDown, ReasonNotFinished, t)
		m.giveUp(t)
	}
	switch m.state {
	case StateUp:
		switch {
		case m.settings.Grace > 0 && m.missed(0, t):
			m.enter(StateLate, ReasonExpected, t)
		case m.settings.Grace == 0 && m.missed(0, t):
			m.enter(StateDown, ReasonTimeout, t)
		}
	case StateLate:
		if m.missed(m.settings.Grace, t) {
			m.enter(StateDown, ReasonTimeout, t)
		}
	}
}

// missed reports whether at t the expected pulse is overdue by the grace, and no absence of ours excuses it.
func (m *model) missed(grace Seconds, t Time) bool {
	expected := m.expected()
	return expected > 0 && t >= expected.Add(grace.Duration()) && !m.excused(m.last, expected.Sub(m.last), grace, t)
}

// hangs reports whether at t a run has been open for too long.
func (m *model) hangs(run OpenRun, t Time) bool {
	limit := m.limit(run)
	return !run.Overdue && limit > 0 && t.Sub(run.StartedAt) >= limit && !m.excused(run.StartedAt, limit, 0, t)
}

// excused says, in the words of the contract, that after a gap a deadline is not judged before the end of the gap +
// min(nextIn, W) + grace, with W = min(catch up, max(30 s, twice the gap)).
func (m *model) excused(since Time, nextIn time.Duration, grace Seconds, t Time) bool {
	for _, g := range m.absent.Gaps {
		w := max(30*time.Second, 2*g.To.Sub(g.From))
		if m.absent.CatchUp > 0 {
			w = min(w, m.absent.CatchUp)
		} else {
			w = min(w, 10*time.Minute)
		}
		if g.To > since && t < g.To.Add(min(nextIn, w)+grace.Duration()) {
			return true
		}
	}
	return false
}

func (m *model) limit(run OpenRun) time.Duration {
	switch c := m.settings; {
	case run.NextIn > 0:
		return (run.NextIn + c.Grace).Duration()
	case c.FinishWithin > 0:
		return c.FinishWithin.Duration()
	case c.MaxRun > 0:
		return c.MaxRun.Duration()
	default:
		return c.Grace.Duration()
	}
}

func (m *model) expected() Time {
	period := m.settings.NextIn
	if m.stated > 0 {
		period = m.stated
	}
	switch {
	case m.last == 0:
		return 0
	case m.settings.Cron != "" && m.stated == 0:
		t := m.last + 1000
		for t%60_000 != 0 {
			t += 1000
		}
		return t
	case period == 0:
		return 0
	}
	return m.last.Add(period.Duration())
}

func (m *model) giveUp(t Time) {
	for i, run := range m.runs {
		m.runs[i].Overdue = run.Overdue || m.hangs(run, t)
	}
}

func (m *model) receive(p Pulse) {
	m.passes(p.ReceivedAt)
	m.looked = 0
	if m.state == StatePaused && m.settings.ManualResume {
		return
	}
	if m.state == StateDown {
		m.giveUp(p.ReceivedAt)
	}
	told := min(p.Time, p.ReceivedAt)
	old := false
	if told < p.ReceivedAt {
		stopped := m.state == StatePaused || m.state == StateNew && m.last > 0
		old = told < m.last || stopped && told < m.since
	}
	switch {
	case p.Kind == PulseStart && !old:
		m.end(func(r OpenRun) bool { return r.RID == p.RID })
		m.runs = append(m.runs, OpenRun{RID: p.RID, StartedAt: told, NextIn: p.NextIn})
	case p.Kind == PulseSuccess || p.Kind == PulseFail:
		m.result(p, told, old)
	}
}

func (m *model) end(which func(OpenRun) bool) {
	m.runs = slices.DeleteFunc(slices.Clone(m.runs), which)
}

func (m *model) result(p Pulse, told Time, old bool) {
	failed := p.Kind == PulseFail || p.ExitCode > 0
	took := m.finished(p, told, failed)
	reason := ReasonPulse
	if failed {
		reason = ReasonFail
	} else if took > 0 {
		if limit := m.settings.MaxRun.Duration(); limit > 0 && took > limit {
			failed, reason = true, ReasonTooLong
		} else if took < m.settings.MinRun.Duration() {
			failed, reason = true, ReasonTooFast
		}
	}
	if old {
		return
	}
	m.last = told
	if p.NextIn > 0 || m.settings.NextIn > 0 || m.settings.Cron != "" {
		m.stated = p.NextIn
	}
	if failed {
		m.failures++
	} else {
		m.failures = 0
	}
	switch {
	case failed && m.failures >= max(1, m.settings.FailuresToAlert):
		m.enter(StateDown, reason, told)
	case failed && m.state == StateDown:
	case failed && told < p.ReceivedAt && m.vain(p.ReceivedAt):
	case failed:
		m.enter(StateUp, ReasonPulse, told)
	case told < p.ReceivedAt && m.vain(p.ReceivedAt):
	default:
		m.enter(StateUp, reason, told)
	}
}

// vain reports whether a success that comes belated cannot end the present silence: a service that was up from then on
// would be where this one is.
func (m *model) vain(now Time) bool {
	was := model{settings: m.settings, absent: m.absent, state: StateUp, since: m.last, last: m.last, stated: m.stated}
	was.passes(now)
	switch m.state {
	case StateLate:
		return was.state != StateUp
	case StateDown:
		return was.state == StateDown || was.expected() > 0 && m.since > was.expected()
	}
	return false
}

// finished ends the runs that a success or fail ends, and gives how long the run took, 0 when nobody knows.
func (m *model) finished(p Pulse, told Time, failed bool) time.Duration {
	after := func(r OpenRun) bool { return told < p.ReceivedAt && r.StartedAt > told }
	for _, run := range m.runs {
		if run.RID != p.RID || p.RID == "" && after(run) {
			continue
		}
		m.end(func(r OpenRun) bool { return r == run })
		if took := told.Sub(run.StartedAt); p.Duration == 0 && took >= 0 {
			return max(took, time.Millisecond)
		}
		return p.Duration
	}
	if failed || p.RID == "" {
		m.end(func(r OpenRun) bool { return !after(r) })
	}
	return p.Duration
}

func (m *model) pause(now Time, reason Reason) {
	m.passes(now)
	m.looked, m.runs, m.failures = 0, nil, 0
	m.enter(StatePaused, reason, now)
}

func (m *model) resume(now Time) {
	m.passes(now)
	if m.state == StatePaused {
		m.looked, m.runs, m.failures = 0, nil, 0
		m.enter(StateNew, ReasonResumed, now)
	}
}

func (m *model) change(settings ServiceSettings, now Time) {
	m.passes(now)
	m.looked = 0
	if settings.NextIn != m.settings.NextIn || settings.Cron != m.settings.Cron {
		m.stated = 0
	}
	m.settings = settings
	if expected := m.expected(); m.state == StateLate && (expected == 0 || expected > now) {
		m.enter(StateUp, ReasonSettings, now)
	}
}
