package ping_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"watchkeeper/api"
)

const (
	runA = "11111111-2222-4333-8444-555555555555"
	runB = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
)

// life is what happens to one service. A step is a signal, a time that passes, "pause" or "resume", and behind the colon
// the state that it leaves.
type life struct {
	settings api.ServiceSettings
	steps    []string
	changes  []string
}

var lives = map[string]life{
	"silence: late at the expected time, down after the grace": {
		hourly,
		[]string{": up", "+59m: up", "+59s: up", "+1s: late", "+9m59s: late", "+1s: down", "+24h: down", ": up"},
		[]string{"new > up: pulse", "up > late: expected", "late > down: timeout", "down > up: pulse"},
	},
	"fail brings down at once, and a second fail is no change": {
		hourly,
		[]string{": up", "/fail: down", "/fail: down", "/3: down", "/log: down", "/0: up"},
		[]string{"new > up: pulse", "up > down: fail", "down > up: pulse"},
	},
	"a start neither ends silence nor moves the deadline": {
		hourly, []string{": up", "+50m: up", "/start: up", "+9m59s: up", "+1s: down"}, // ten minutes to finish
		[]string{"new > up: pulse", "up > down: not_finished"},
	},
	"a start on a new service arms a deadline": {
		hourly,
		[]string{"/start: new", "+9m59s: new", "+1s: down", ": up"},
		[]string{"new > down: not_finished", "down > up: pulse"},
	},
	"a start on a down service tells nobody again": {
		hourly,
		[]string{"/fail: down", "/start: down", "+24h: down", ": up", "+59m: up"},
		[]string{"new > down: fail", "down > up: pulse"},
	},
	"a success ends the run": {
		hourly,
		[]string{"/start: new", "+5m: new", ": up", "+59m: up", "+1m: late"},
		[]string{"new > up: pulse", "up > late: expected"},
	},
	"a success of another run leaves the run open": {
		hourly,
		[]string{"/start?rid=" + runA + ": new", "+5m: new", "?rid=" + runB + ": up", "+4m59s: up", "+1s: down"},
		[]string{"new > up: pulse", "up > down: not_finished"},
	},
	"a fail ends every run": {
		hourly,
		[]string{"/start?rid=" + runA + ": new", "/fail?rid=" + runB + ": down", ": up", "+59m: up"},
		[]string{"new > down: fail", "down > up: pulse"},
	},
	"a success without rid ends every run": {
		hourly,
		[]string{"/start?rid=" + runA + ": new", "/start?rid=" + runB + ": new", ": up", "+59m: up"},
		[]string{"new > up: pulse"},
	},
	"a success without rid ends the run without, if there is one": {
		hourly,
		[]string{"/start?rid=" + runA + ": new", "/start: new", ": up", "+10m: down"},
		[]string{"new > up: pulse", "up > down: not_finished"},
	},
	"pause: a success ends it, start and log do not": {
		hourly,
		[]string{": up", "pause: paused", "+24h: paused", "/log: paused", "/start: paused", ": up"},
		[]string{"new > up: pulse", "up > paused: paused", "paused > up: pulse"},
	},
	"pause: a fail ends it": {
		hourly, []string{"pause: paused", "/1: down"}, []string{"new > paused: paused", "paused > down: fail"},
	},
	"pause: a start that does not end is noticed": {
		hourly,
		[]string{"pause: paused", "/start: paused", "+10m: down"},
		[]string{"new > paused: paused", "paused > down: not_finished"},
	},
	"pause for good: no signal ends it": {
		held,
		[]string{": up", "pause: paused", ": paused", "/fail: paused", "/start: paused", "+24h: paused", "resume: new", ": up"},
		[]string{"new > up: pulse", "up > paused: paused", "paused > new: resumed", "new > up: pulse"},
	},
	"nextIn rules until the next ping": {
		hourly,
		[]string{"?nextIn=60: up", "+59s: up", "+1s: late", "+9m59s: late", ": up", "+59m: up", "+1m: late"},
		[]string{"new > up: pulse", "up > late: expected", "late > up: pulse", "up > late: expected"},
	},
	"nextIn of a start is for its end": {
		hourly, []string{"/start?nextIn=30: new", "+10m29s: new", "+1s: down"}, []string{"new > down: not_finished"},
	},
	"nextIn for a service without a period stays": {
		api.ServiceSettings{},
		[]string{"?nextIn=60: up", "+59s: up", ": up", "+59s: up", "+1s: down"},
		[]string{"new > up: pulse", "up > down: timeout"},
	},
	"without period and nextIn nothing is expected": {
		api.ServiceSettings{}, []string{": up", "+8760h: up", "/start: up", "+8760h: up"}, []string{"new > up: pulse"},
	},
	"a run that took too long failed": {
		api.ServiceSettings{NextIn: 3600, Grace: 600, MaxRun: 300, FinishWithin: 900},
		[]string{"/start: new", "+5m1s: new", ": down"},
		[]string{"new > down: ran_too_long"},
	},
	"cron: expected at its times": {
		api.ServiceSettings{Cron: "0 13 * * *", TimeZone: "UTC", Grace: 600},
		[]string{": up", "+59m59s: up", "+1s: late", "+9m59s: late", "+1s: down", ": up", "+23h49m59s: up", "+1s: late"},
		[]string{"new > up: pulse", "up > late: expected", "late > down: timeout", "down > up: pulse", "up > late: expected"},
	},
}

var (
	hourly = api.ServiceSettings{NextIn: 3600, Grace: 600}
	held   = api.ServiceSettings{NextIn: 3600, Grace: 600, ManualResume: true}
)

func TestLives(t *testing.T) {
	onEach(t, func(t *testing.T, s server) {
		for name, l := range lives {
			t.Run(name, func(t *testing.T) {
				// Every life begins at noon.
				s.Clock.Advance(s.Clock.Now().Truncate(24 * time.Hour).Add(36 * time.Hour).Sub(s.Clock.Now()))
				l.settings.Name = name
				id := s.create(t, l.settings)
				for i, step := range l.steps {
					do, want, _ := strings.Cut(step, ": ")
					s.step(t, id, do)
					if got := s.service(t, id).State; string(got) != want {
						t.Fatalf("step %d, %q: state %s; %v", i+1, step, got, s.changes(t, id))
					}
				}
				same(t, "changes", s.changes(t, id), l.changes)
			})
		}
	})
}

func (s server) step(t *testing.T, id, do string) {
	t.Helper()
	var err error
	switch {
	case do == "pause":
		_, err = s.Services.Pause(context.Background(), id, api.ReasonPaused)
	case do == "resume":
		_, err = s.Services.Resume(context.Background(), id)
	case strings.HasPrefix(do, "+"):
		var d time.Duration
		if d, err = time.ParseDuration(do[1:]); err == nil {
			s.Pass(t, d)
		}
	default:
		s.ok(t, id+do)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestStartKeepsLastPing(t *testing.T) {
	onEach(t, func(t *testing.T, s server) {
		id := s.create(t, api.ServiceSettings{Name: "job", NextIn: 3600, Grace: 600})
		s.ok(t, id)
		first := s.service(t, id).LastPulse
		s.Pass(t, time.Minute)
		s.ok(t, id+"/start")
		svc := s.service(t, id)
		same(t, "times", []any{svc.LastPulse, svc.LastStart, svc.Running}, []any{first, first.Add(time.Minute), true})
		s.Pass(t, 90*time.Second)
		s.ok(t, id)
		svc = s.service(t, id)
		same(t, "after", []any{svc.LastPulse, svc.LastDuration, svc.Running}, []any{first.Add(150 * time.Second), 90.0, false})
	})
}

func TestDurations(t *testing.T) {
	onEach(t, func(t *testing.T, s server) {
		for name, c := range map[string]struct {
			signals []string // a second apart
			want    []float64
		}{
			"without rid":           {[]string{"/start", ""}, []float64{0, 1}},
			"with the same rid":     {[]string{"/start?rid=" + runA, "?rid=" + runA}, []float64{0, 1}},
			"in other letters":      {[]string{"/start?rid=" + runB, "?rid=" + strings.ToUpper(runB)}, []float64{0, 1}},
			"of a fail":             {[]string{"/start", "/fail"}, []float64{0, 1}},
			"by exit status":        {[]string{"/start?rid=" + runA, "/1?rid=" + runA}, []float64{0, 1}},
			"of overlapping runs":   {[]string{"/start?rid=" + runA, "/start?rid=" + runB, "?rid=" + runA, "?rid=" + runB}, []float64{0, 0, 2, 2}},
			"of a run begun anew":   {[]string{"/start", "/start", ""}, []float64{0, 0, 1}},
			"not of another run":    {[]string{"/start?rid=" + runA, "?rid=" + runB}, []float64{0, 0}},
			"not without its rid":   {[]string{"/start?rid=" + runA, ""}, []float64{0, 0}},
			"not of a failed one":   {[]string{"/start?rid=" + runA, "/fail?rid=" + runB, "?rid=" + runA}, []float64{0, 0, 0}},
			"not of one that ended": {[]string{"/start", "", ""}, []float64{0, 1, 0}},
			"not of a log":          {[]string{"/start", "/log", ""}, []float64{0, 0, 2}},
		} {
			id := s.create(t, api.ServiceSettings{Name: "duration " + name, NextIn: 3600, Grace: 600})
			for _, signal := range c.signals {
				s.ok(t, id+signal)
				s.Clock.Advance(time.Second)
			}
			got := []float64{}
			for _, p := range s.history(t, id) {
				got = append(got, p.Duration)
			}
			same(t, name, got, c.want)
		}
	})
}

func TestRunIDs(t *testing.T) {
	s := onSQLite(t)
	for rid, want := range map[string]string{
		runA: runA, strings.ToUpper(runB): runB, "00000000-0000-0000-0000-000000000000": "00000000-0000-0000-0000-000000000000",
		"": "invalid", "x": "invalid", runA[:35]: "invalid", runA + "0": "invalid", strings.ReplaceAll(runA, "-", ""): "invalid",
		"{" + runA + "}": "invalid", "urn:uuid:" + runA: "invalid", runA + "%0A": "invalid", "1111111122224333844455555555555-5555": "invalid",
	} {
		id := s.create(t, api.ServiceSettings{Name: "job " + rid, NextIn: 3600})
		for _, action := range []string{"", "/start", "/fail", "/log", "/7"} {
			before := len(s.history(t, id))
			r := s.ping(t, "GET", id+action+"?rid="+rid, "")
			history := s.history(t, id)
			if want == "invalid" {
				same(t, rid, []any{r.Status, r.Body, len(history)}, []any{400, "invalid uuid format", before})
				continue
			}
			same(t, rid, []any{r.Status, r.Body, history[before].RID}, []any{200, "OK", want})
		}
		if want == "invalid" {
			slug := fmt.Sprintf("new-%d", len(rid))
			s.want(t, s.PingKey+"/"+slug+"?create=1&rid="+rid, 400, "invalid uuid format")
			s.want(t, s.PingKey+"/"+slug, 404, "not found")
		}
	}
}

func TestNextIn(t *testing.T) {
	s := onSQLite(t)
	const refused = "nextIn must be 1 to 315360000 seconds (ten years)"
	for query, want := range map[string]api.Seconds{
		"?nextIn=1": 1, "?nextIn=315360000": 315360000, "?nextIn=0060": 60, "?nextIn=": 3600, "": 3600, "?nextin=60": 3600,
		"?nextIn=0": 0, "?nextIn=-1": 0, "?nextIn=315360001": 0, "?nextIn=60.5": 0, "?nextIn=x": 0, "?nextIn=99999999999999999999": 0,
		"?nextIn=%2060": 0, "?nextIn=NaN": 0,
	} {
		id := s.create(t, api.ServiceSettings{Name: "job " + query, NextIn: 3600, Grace: 600})
		if want == 0 {
			s.want(t, id+query, 400, refused)
			same(t, query+": recorded", len(s.history(t, id)), 0)
			continue
		}
		s.ok(t, id+query)
		same(t, query, s.service(t, id).Deadline, api.TimeOf(s.Clock.Now()).Add((want + 600).Duration()))
	}
	id := s.create(t, api.ServiceSettings{Name: "by header", NextIn: 3600, Grace: 600})
	s.ping(t, "POST", id, "", "nextIn: 60")
	same(t, "by header", s.service(t, id).NextInForce(), api.Seconds(60))
	s.ping(t, "POST", id+"?nextIn=90", "", "nextIn: 60")
	same(t, "the query wins", s.service(t, id).NextInForce(), api.Seconds(90))
	same(t, "bad header", s.ping(t, "POST", id, "", "nextIn: soon").Status, 400)
}
