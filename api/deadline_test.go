package api

import (
	"testing"
	"time"
)

// TestShownTimes looks at what a service shows after a story: expected, deadline, and the moment of its next judgement.
func TestShownTimes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                        string
		settings                    ServiceSettings
		acts                        []act
		expected, deadline, judgeAt string
	}{
		{"a service that never pulsed", everyMinute, []act{judge(5)}, "none", "none", "none"},
		{"up", everyMinute, []act{success(1.5)}, "61.5", "91.5", "61.5"},
		{"up without grace", strict, []act{success(1.5)}, "61.5", "61.5", "61.5"},
		{"up without period", silent, []act{success(1.5)}, "none", "none", "none"},
		{"up by the word of its client", silent, []act{success(1.5).nextIn(7)}, "8.5", "8.5", "8.5"},
		{"up by a schedule", onTheClock, []act{success(1.5)}, "60", "90", "60"},
		{"late", everyMinute, []act{success(1), judge(70)}, "61", "91", "91"},
		{"down by silence", strict, []act{success(1), judge(70)}, "none", "none", "none"},
		{"down by a fail", everyMinute, []act{fail(1)}, "none", "none", "none"},
		{"down with a run", everyMinute, []act{fail(1), start(2)}, "none", "none", "none"},
		{"paused", everyMinute, []act{success(1), pause(2)}, "none", "none", "none"},
		{"resumed", everyMinute, []act{success(1), pause(2), resume(3)}, "none", "none", "none"},
		{"new with a run", everyMinute, []act{start(1)}, "none", "31", "31"},
		{"paused with a run", everyMinute, []act{pause(1), start(2)}, "none", "32", "32"},
		{"a run that ends before the deadline", limited, []act{success(1), start(2)}, "3601", "22", "22"},
		{"a run that ends after the deadline", ServiceSettings{NextIn: 10, FinishWithin: 60}, []act{success(1), start(2)}, "11", "11", "11"},
		{"the first run to end", limited, []act{start(1).rid("a"), start(0).rid("b")}, "none", "20", "20"},
		{
			"a run that was given up",
			ServiceSettings{NextIn: 60, FinishWithin: 20},
			[]act{start(1).rid("a"), judge(21), success(30).rid("x")},
			"90", "90", "90",
		},
		{"a hold is not shown", strict, []act{success(0), away(30, 100)}, "60", "60", "160"},
		{"a hold of a run is not shown", limited, []act{start(0), away(10, 100)}, "none", "20", "120"},
		{"settings", strict, []act{success(1), change(2, func(s *ServiceSettings) { s.NextIn, s.Grace = 10, 5 })}, "11", "16", "11"},
		{"settings that are due at once", strict, []act{success(1), change(50, func(s *ServiceSettings) { s.NextIn = 10 })}, "11", "11", "50"},
		{"a pulse that is old already", strict, []act{success(500).of(1)}, "61", "61", "500"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := watch(c.settings)
			for _, a := range c.acts {
				a.on(w)
			}
			for _, shown := range []struct {
				name string
				got  Time
				want string
			}{{"expected", w.Expected, c.expected}, {"deadline", w.Deadline, c.deadline}, {"judged at", w.JudgeAt, c.judgeAt}} {
				if since(shown.got) != shown.want {
					t.Errorf("%s %s, want %s", shown.name, since(shown.got), shown.want)
				}
			}
		})
	}
}

func TestRunning(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		acts []act
		want bool
	}{
		"no start":               {[]act{success(1)}, false},
		"a start":                {[]act{start(1)}, true},
		"a start and its end":    {[]act{start(1), success(2)}, false},
		"a start and a fail":     {[]act{start(1), fail(2)}, false},
		"two, one of them ended": {[]act{start(1).rid("a"), start(2).rid("b"), success(3).rid("a")}, true},
		"one that was given up":  {[]act{start(1), judge(21)}, false},
		"one that was paused":    {[]act{start(1), pause(2)}, false},
		"one while down":         {[]act{fail(1), start(2)}, true},
	} {
		w := watch(ServiceSettings{FinishWithin: 20})
		for _, a := range c.acts {
			a.on(w)
		}
		if w.Running != c.want {
			t.Errorf("%s: running %v, want %v", name, w.Running, c.want)
		}
	}
}

func TestAScheduleMayEnd(t *testing.T) {
	t.Parallel()
	w := watch(onTheClock)
	w.cron = ticks{every: time.Minute, end: moment(60)}
	success(1).on(w)
	if w.Deadline != moment(90) {
		t.Errorf("deadline %s, want 90", since(w.Deadline))
	}
	success(61).on(w)
	if w.Deadline != 0 || w.JudgeAt != 0 || w.State != StateUp {
		t.Errorf("after its end: %s, deadline %s, judged at %s", w.State, since(w.Deadline), since(w.JudgeAt))
	}
}

func TestAScheduleThatCannotBeReadExpectsNothing(t *testing.T) {
	t.Parallel()
	w := watch(onTheClock)
	w.cron = nil
	success(1).on(w)
	if w.Deadline != 0 || w.JudgeAt != 0 {
		t.Errorf("deadline %s, judged at %s", since(w.Deadline), since(w.JudgeAt))
	}
}
