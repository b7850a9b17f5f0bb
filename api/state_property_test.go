package api

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// twin is one of several copies of a service to which the same things happen, each looked at in its own way.
type twin struct {
	name string
	watched
	log []Transition
	// sweep lets time pass from one moment to another.
	sweep func(w *world, tw *twin, from, to Time)
	// receive lets a pulse act; most leave it to Service.Receive.
	receive func(w *world, tw *twin, p Pulse)
}

// world is the twins, the model of what must happen to them, and the clock of all.
type world struct {
	t      *rapid.T
	now    Time
	absent Absence
	model  model
	twins  []*twin
}

func newWorld(t *rapid.T) *world {
	w := &world{t: t, now: noon, absent: Absence{CatchUp: rapid.SampledFrom([]time.Duration{0, 0, 10 * time.Second, time.Hour}).Draw(t, "catch up")}}
	settings := drawSettings(t, ServiceSettings{})
	w.model = model{settings: settings, absent: w.absent, state: StateNew, since: noon}
	w.twins = []*twin{
		{name: "looked at every second", sweep: everySecond, receive: receiveAll},
		{name: "looked at when JudgeAt comes", sweep: whenDue, receive: receiveLikeStore},
		{name: "looked at now and then", sweep: atRandom, receive: receiveAll},
		{name: "moved by the bulk statement", sweep: whenDueAfterRearm, receive: receiveInBulk},
	}
	for _, tw := range w.twins {
		tw.watched = *watch(settings)
	}
	return w
}

func (w *world) do(what func(tw *twin)) {
	for _, tw := range w.twins {
		what(tw)
		w.checkJudgeAt(tw)
	}
}

func (tw *twin) note(transitions []Transition) { tw.log = append(tw.log, transitions...) }

func (w *world) judge(tw *twin, now Time) {
	tw.note(tw.Judge(now, tw.cron, w.absent))
	before := clone(tw.Service)
	if again := tw.Judge(now, tw.cron, w.absent); again != nil || !cmp.Equal(before, tw.Service) {
		w.t.Fatalf("%s: judged again at %s: %v\n%s", tw.name, since(now), again, cmp.Diff(before, tw.Service))
	}
	if tw.JudgeAt != 0 && tw.JudgeAt <= now {
		w.t.Fatalf("%s: judged at %s and to be judged at %s again", tw.name, since(now), since(tw.JudgeAt))
	}
}

// checkJudgeAt checks that the moment of the next look is never later than the next thing that happens.
func (w *world) checkJudgeAt(tw *twin) {
	if next := tw.next(tw.cron, w.absent).at; next > 0 && (tw.JudgeAt == 0 || tw.JudgeAt > max(next, w.now)) {
		w.t.Fatalf("%s: is looked at %s, but changes %s", tw.name, since(tw.JudgeAt), since(next))
	}
}

func (w *world) wait(d time.Duration) {
	from, to := w.now, w.now.Add(d)
	w.now = to
	w.do(func(tw *twin) { tw.sweep(w, tw, from, to) })
	w.model.passes(to)
}

func everySecond(w *world, tw *twin, from, to Time) {
	for t := from; t <= to; t += 1000 {
		w.judge(tw, t)
	}
}

func whenDue(w *world, tw *twin, from, to Time) {
	for tw.JudgeAt > 0 && tw.JudgeAt <= to && from < to {
		w.judge(tw, max(from, tw.JudgeAt))
	}
}

func atRandom(w *world, tw *twin, from, to Time) {
	for _, s := range rapid.SliceOfN(rapid.Int64Range(0, int64(to-from)/1000), 0, 3).Draw(w.t, "looks") {
		w.judge(tw, from+Time(s*1000))
	}
}

// whenDueAfterRearm does what the sweeper does in the database: rows that were looked at too early only learn when to be
// looked at again.
func whenDueAfterRearm(w *world, tw *twin, from, to Time) {
	for tw.JudgeAt > 0 && tw.JudgeAt <= to && from < to {
		now := max(from, tw.JudgeAt)
		if tw.State == StateUp && tw.Plain() && tw.Expected > now {
			tw.JudgeAt = tw.Expected
			continue
		}
		w.judge(tw, now)
	}
}

func receiveAll(w *world, tw *twin, p Pulse) { w.receive(tw, p, w.absent) }

func (w *world) receive(tw *twin, p Pulse, absent Absence) {
	transitions, receipt := tw.Receive(p, tw.cron, absent)
	tw.note(transitions)
	tw.receipts = append(tw.receipts, receipt)
}

// receiveLikeStore spares itself to learn of absences where nothing can depend on them.
func receiveLikeStore(w *world, tw *twin, p Pulse) {
	absent := w.absent
	if tw.JudgeAt > w.now && p.Time >= p.ReceivedAt && len(tw.OpenRuns) == 0 {
		absent = Absence{}
	}
	w.receive(tw, p, absent)
}

// receiveInBulk does what the bulk statement of the store does, where it may.
func receiveInBulk(w *world, tw *twin, p Pulse) {
	ordinary := p.Kind == PulseSuccess && p.ExitCode == 0 && p.RID == "" && p.Duration == 0 && p.Time == p.ReceivedAt
	if !ordinary || tw.State != StateUp || !tw.Plain() || tw.Expected > 0 && tw.Expected <= p.ReceivedAt || tw.LastPulse > p.ReceivedAt {
		receiveAll(w, tw, p)
		return
	}
	wait := p.NextIn
	switch {
	case wait > 0:
	case tw.NextIn > 0:
		wait = tw.NextIn
	default:
		wait = tw.StatedNextIn
	}
	tw.LastPulse, tw.Expected, tw.Deadline = p.ReceivedAt, 0, 0
	if wait > 0 {
		tw.Expected = p.ReceivedAt + Time(wait*1000)
		tw.Deadline = p.ReceivedAt + Time((wait+tw.Grace)*1000)
		if tw.JudgeAt == 0 || tw.JudgeAt > tw.Expected {
			tw.JudgeAt = tw.Expected
		}
	}
	if p.NextIn > 0 {
		tw.StatedNextIn = p.NextIn
	} else if tw.NextIn > 0 {
		tw.StatedNextIn = 0
	}
	tw.receipts = append(tw.receipts, Receipt{Kind: PulseSuccess})
}

func drawSettings(t *rapid.T, old ServiceSettings) ServiceSettings {
	length := func(name string, often int) Seconds {
		if rapid.IntRange(0, often).Draw(t, name+"?") > 0 {
			return 0
		}
		return Seconds(rapid.IntRange(1, 100).Draw(t, name))
	}
	s := old
	s.NextIn, s.Cron = 0, ""
	switch rapid.SampledFrom([]string{"period", "period", "cron", "none"}).Draw(t, "rhythm") {
	case "period":
		s.NextIn = Seconds(rapid.IntRange(1, 100).Draw(t, "next in"))
	case "cron":
		s.Cron = "* * * * *"
	}
	s.Grace = length("grace", 1)
	s.FinishWithin, s.MaxRun, s.MinRun = length("finish within", 3), length("max run", 4), length("min run", 6)
	s.ManualResume = rapid.IntRange(0, 9).Draw(t, "manual resume?") == 0
	s.FailuresToAlert = rapid.SampledFrom([]int{0, 0, 0, 1, 2, 3}).Draw(t, "failures to alert")
	return s
}

func (w *world) drawPulse() Pulse {
	t := w.t
	p := Pulse{
		Kind:       rapid.SampledFrom([]PulseKind{PulseSuccess, PulseSuccess, PulseSuccess, PulseStart, PulseStart, PulseFail, PulseLog}).Draw(t, "kind"),
		RID:        rapid.SampledFrom([]string{"", "", "", "a", "b", "c"}).Draw(t, "rid"),
		ReceivedAt: w.now,
		Time:       w.now,
	}
	if rapid.IntRange(0, 2).Draw(t, "says next in?") == 0 {
		p.NextIn = Seconds(rapid.IntRange(1, 120).Draw(t, "says next in"))
	}
	if rapid.IntRange(0, 4).Draw(t, "own time?") == 0 {
		p.Time += Time(rapid.IntRange(-300, 60).Draw(t, "own time")) * 1000
	}
	if rapid.IntRange(0, 9).Draw(t, "measured?") == 0 {
		p.Duration = time.Duration(rapid.IntRange(1, 60).Draw(t, "measured")) * time.Second
	}
	p.ExitCode = rapid.SampledFrom([]int{0, 0, 0, 0, 1}).Draw(t, "exit code")
	return p
}

func (w *world) pulse() {
	p := w.drawPulse()
	w.model.receive(p)
	w.do(func(tw *twin) {
		tw.receive(w, tw, p)
		if p.Time < p.ReceivedAt {
			return // it may tell of a silence that is due already
		}
		if after := clone(tw.Service); after.Judge(w.now, tw.cron, w.absent) != nil {
			w.t.Fatalf("%s: changes again though no time has passed", tw.name)
		}
	})
}

func (w *world) pause() {
	reason := rapid.SampledFrom([]Reason{ReasonPaused, ReasonCancelled}).Draw(w.t, "reason")
	w.model.pause(w.now, reason)
	w.do(func(tw *twin) {
		w.judge(tw, w.now)
		tw.note(tw.Pause(w.now, reason))
		if again := tw.Pause(w.now, reason); again != nil {
			w.t.Fatalf("%s: paused twice: %v", tw.name, again)
		}
	})
}

func (w *world) resume() {
	w.model.resume(w.now)
	w.do(func(tw *twin) {
		w.judge(tw, w.now)
		tw.note(tw.Resume(w.now))
	})
}

func (w *world) change() {
	settings := drawSettings(w.t, w.model.settings)
	w.model.change(settings, w.now)
	w.do(func(tw *twin) {
		w.judge(tw, w.now)
		tw.cron = cronOf(settings)
		tw.note(tw.Change(settings, w.now, tw.cron, w.absent))
	})
}

// away lets time pass without a server, up to a first look at what is due.
func (w *world) away() {
	w.do(func(tw *twin) { w.judge(tw, w.now) })
	w.model.passes(w.now)
	gap := Gap{From: w.now, To: w.now.Add(time.Duration(rapid.IntRange(5, 400).Draw(w.t, "away")) * time.Second)}
	w.absent.Gaps = append(slices.Clone(w.absent.Gaps), gap)
	w.now = gap.To
	w.model.absent, w.model.looked = w.absent, 0
	w.model.passes(w.now)
	w.do(func(tw *twin) { w.judge(tw, w.now) })
}

// compare lets all catch up and compares what they went through and what they show.
func (w *world) compare() {
	w.model.passes(w.now)
	for _, tw := range w.twins {
		w.judge(tw, w.now)
		checkTransitions(w.t, tw)
		if diff := cmp.Diff(describe(w.model.log), describe(tw.log)); diff != "" {
			w.t.Fatalf("%s: went through (-model +%s):\n%s", w.twins[0].name, tw.name, diff)
		}
		first, other := clone(w.twins[0].Service), clone(tw.Service)
		first.JudgeAt, other.JudgeAt = 0, 0
		if diff := cmp.Diff(first, other); diff != "" {
			w.t.Fatalf("(-%s +%s):\n%s", w.twins[0].name, tw.name, diff)
		}
		if diff := cmp.Diff(w.twins[0].receipts, tw.receipts); diff != "" {
			w.t.Fatalf("receipts (-%s +%s):\n%s", w.twins[0].name, tw.name, diff)
		}
	}
	w.checkShown(&w.twins[0].Service)
}

// checkShown compares what a service shows with the model, and with what must hold for any service.
func (w *world) checkShown(s *Service) {
	m := &w.model
	if s.State != m.state || s.StateSince != m.since || s.LastPulse != m.last {
		w.t.Fatalf("%s since %s, last pulse %s; the model %s since %s, %s",
			s.State, since(s.StateSince), since(s.LastPulse), m.state, since(m.since), since(m.last))
	}
	watched := s.State == StateUp || s.State == StateLate
	if expected := m.expected(); watched && s.Expected != expected || !watched && s.Expected != 0 {
		w.t.Fatalf("%s, expected %s, want %s", s.State, since(s.Expected), since(expected))
	}
	if watched && s.Expected > 0 && s.Deadline > s.Expected.Add(s.Grace.Duration()) || s.State == StateDown && s.Deadline != 0 {
		w.t.Fatalf("%s, expected %s, deadline %s", s.State, since(s.Expected), since(s.Deadline))
	}
	if s.LastPulse > w.now || s.StateSince > w.now {
		w.t.Fatalf("at %s: last pulse %s, %s since %s", since(w.now), since(s.LastPulse), s.State, since(s.StateSince))
	}
}

// checkTransitions checks that each begins where the one before ended.
func checkTransitions(t *rapid.T, tw *twin) {
	state, at := StateNew, noon
	for i, tr := range tw.log {
		if tr.From != state || tr.Since != at || tr.At < at || tr.To == tr.From || !tr.To.Valid() {
			t.Fatalf("%s: transition %d is %+v, in state %s since %s", tw.name, i, tr, state, since(at))
		}
		state, at = tr.To, tr.At
	}
	if tw.State != state || tw.StateSince != at {
		t.Fatalf("%s: is %s since %s, after %s since %s", tw.name, tw.State, since(tw.StateSince), state, since(at))
	}
}

func describe(log []Transition) []string {
	var lines []string
	for _, t := range log {
		lines = append(lines, fmt.Sprintf("%s %s>%s %s", since(t.At), t.From, t.To, t.Reason))
	}
	return lines
}

// TestWhateverHappens lets anything happen to a service, and demands that how often and by whom it is looked at makes
// no difference, and that it goes through what the model says.
func TestWhateverHappens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		t.Repeat(map[string]func(*rapid.T){
			"wait a little": func(t *rapid.T) { w.wait(time.Duration(rapid.IntRange(0, 20).Draw(t, "s")) * time.Second) },
			"wait":          func(t *rapid.T) { w.wait(time.Duration(rapid.IntRange(0, 300).Draw(t, "s")) * time.Second) },
			"pulse":         func(*rapid.T) { w.pulse() },
			"pulse again":   func(*rapid.T) { w.pulse() },
			"and again":     func(*rapid.T) { w.pulse() },
			"pause":         func(*rapid.T) { w.pause() },
			"resume":        func(*rapid.T) { w.resume() },
			"change":        func(*rapid.T) { w.change() },
			"be away":       func(*rapid.T) { w.away() },
			"compare":       func(*rapid.T) { w.compare() },
		})
		w.compare()
	})
}
