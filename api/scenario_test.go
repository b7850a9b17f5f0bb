package api

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// noon is when the stories of the tests begin. They count seconds from it.
const noon = Time(1769860800000) // 2026-01-31T12:00:00Z

func moment(seconds float64) Time { return noon + Time(seconds*1000+0.5) }

// since gives the seconds since noon, and "none" for none.
func since(t Time) string {
	if t == 0 {
		return "none"
	}
	return strconv.FormatFloat(t.Sub(noon).Seconds(), 'f', -1, 64)
}

// ticks is a schedule with a time every so often on the clock, until its end if it has one.
type ticks struct {
	every time.Duration
	end   Time
}

func (c ticks) Next(after time.Time) time.Time {
	next := after.Truncate(c.every).Add(c.every)
	if c.end > 0 && TimeOf(next) > c.end {
		return time.Time{}
	}
	return next
}

// watched is a service in a story, with all that it goes through.
type watched struct {
	Service
	cron     Schedule
	absent   Absence
	log      []string
	receipts []Receipt
}

func watch(settings ServiceSettings) *watched {
	w := &watched{cron: cronOf(settings)}
	w.ServiceSettings = settings
	w.State, w.StateSince = StateNew, noon
	return w
}

// cronOf gives the schedule that stories mean by a cron expression: every full minute.
func cronOf(settings ServiceSettings) Schedule {
	if settings.Cron == "" {
		return nil
	}
	return ticks{every: time.Minute}
}

func (w *watched) note(transitions []Transition) {
	for _, t := range transitions {
		line := fmt.Sprintf("%s %s>%s %s", since(t.At), t.From, t.To, t.Reason)
		if t.Gap != nil {
			line += fmt.Sprintf(" away %s-%s", since(t.Gap.From), since(t.Gap.To))
		}
		w.log = append(w.log, line)
	}
}

func (w *watched) judge(now Time) { w.note(w.Judge(now, w.cron, w.absent)) }

// act is one line of a story.
type act interface{ on(w *watched) }

// pulse is the act of sending one; its methods add what it says.
type pulse struct {
	at   float64
	told *float64
	says Pulse
}

func send(at float64, kind PulseKind) pulse { return pulse{at: at, says: Pulse{Kind: kind}} }
func success(at float64) pulse              { return send(at, PulseSuccess) }
func fail(at float64) pulse                 { return send(at, PulseFail) }
func start(at float64) pulse                { return send(at, PulseStart) }

func (p pulse) rid(rid string) pulse       { p.says.RID = rid; return p }
func (p pulse) nextIn(s Seconds) pulse     { p.says.NextIn = s; return p }
func (p pulse) exit(code int) pulse        { p.says.ExitCode = code; return p }
func (p pulse) took(d time.Duration) pulse { p.says.Duration = d; return p }
func (p pulse) of(told float64) pulse      { p.told = &told; return p }
func (p pulse) alerting(to string) pulse   { p.says.Legacy = &LegacyTarget{"pushover", to}; return p }

func (p pulse) on(w *watched) {
	p.says.ReceivedAt = moment(p.at)
	p.says.Time = p.says.ReceivedAt
	if p.told != nil {
		p.says.Time = ClipTime(moment(*p.told), p.says.ReceivedAt)
	}
	transitions, receipt := w.Receive(p.says, w.cron, w.absent)
	w.note(transitions)
	w.receipts = append(w.receipts, receipt)
}

// step is any other act.
type step func(w *watched)

func (do step) on(w *watched) { do(w) }

func judge(at float64) step { return func(w *watched) { w.judge(moment(at)) } }

func pause(at float64) step { return stop(at, ReasonPaused) }

func cancel(at float64) step { return stop(at, ReasonCancelled) }

func stop(at float64, reason Reason) step {
	return func(w *watched) {
		w.judge(moment(at))
		w.note(w.Pause(moment(at), reason))
	}
}

func resume(at float64) step {
	return func(w *watched) {
		w.judge(moment(at))
		w.note(w.Resume(moment(at)))
	}
}

func change(at float64, edit func(*ServiceSettings)) step {
	return func(w *watched) {
		w.judge(moment(at))
		settings := w.ServiceSettings
		edit(&settings)
		w.cron = cronOf(settings)
		w.note(w.Change(settings, moment(at), w.cron, w.absent))
	}
}

// away is a time without any server, which ends with a look at the service.
func away(from, to float64) step {
	return func(w *watched) {
		w.absent.Gaps = append(w.absent.Gaps, Gap{From: moment(from), To: moment(to)})
		w.judge(moment(to))
	}
}

// story is what happens to a service, and what it must go through: "SECONDS FROM>TO REASON", separated by commas.
type story struct {
	name     string
	settings ServiceSettings
	acts     []act
	want     string
}

func tell(t *testing.T, stories []story) {
	t.Helper()
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			w := watch(s.settings)
			for _, a := range s.acts {
				a.on(w)
			}
			var want []string
			for line := range strings.SplitSeq(s.want, ",") {
				if line = strings.TrimSpace(line); line != "" {
					want = append(want, line)
				}
			}
			if diff := cmp.Diff(want, w.log); diff != "" {
				t.Errorf("went through (-want +got):\n%s", diff)
			}
			checkChain(t, w)
		})
	}
}

// checkChain checks that the last line of the log and the state agree.
func checkChain(t *testing.T, w *watched) {
	t.Helper()
	if len(w.log) == 0 {
		return
	}
	if last := w.log[len(w.log)-1]; !strings.HasPrefix(last, since(w.StateSince)+" ") || !strings.Contains(last, ">"+string(w.State)+" ") {
		t.Errorf("is %s since %s after %q", w.State, since(w.StateSince), last)
	}
}

func clone(s Service) Service {
	s.OpenRuns = slices.Clone(s.OpenRuns)
	s.Tags = slices.Clone(s.Tags)
	s.Alerts = slices.Clone(s.Alerts)
	return s
}
