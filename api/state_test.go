package api

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The services of the stories.
var (
	everyMinute = ServiceSettings{NextIn: 60, Grace: 30}
	strict      = ServiceSettings{NextIn: 60} // no grace, as watchTower's services have none
	silent      = ServiceSettings{}           // nobody said how often it pulses
	onTheClock  = ServiceSettings{Cron: "* * * * *", Grace: 30}
	byHand      = ServiceSettings{NextIn: 60, ManualResume: true}
	limited     = ServiceSettings{NextIn: 3600, Grace: 30, FinishWithin: 20, MaxRun: 10, MinRun: 5}
)

func TestSilence(t *testing.T) {
	t.Parallel()
	tell(t, []story{
		{
			"is late at the expected time and down at the end of the grace", everyMinute,
			[]act{success(1), judge(200)},
			"1 new>up pulse, 61 up>late expected, 91 late>down timeout",
		},
		{"is not noticed a millisecond too early", everyMinute, []act{success(0.25), judge(60.249)}, "0.25 new>up pulse"},
		{
			"is noticed at the very millisecond", everyMinute,
			[]act{success(0.25), judge(60.25), judge(90.25)},
			"0.25 new>up pulse, 60.25 up>late expected, 90.25 late>down timeout",
		},
		{"skips late without grace", strict, []act{success(1), judge(61)}, "1 new>up pulse, 61 up>down timeout"},
		{
			"is one down however often it is looked at", strict,
			[]act{success(1), judge(61), judge(62), judge(63)},
			"1 new>up pulse, 61 up>down timeout",
		},
		{"means nothing where nobody said how often", silent, []act{success(1), judge(1e6)}, "1 new>up pulse"},
		{"means nothing before the first pulse", everyMinute, []act{judge(1e6)}, ""},
		{"counts from the latest pulse", strict, []act{success(1), success(50), judge(109)}, "1 new>up pulse"},
		{
			"ends with a pulse while late", everyMinute,
			[]act{success(1), judge(70), success(75), judge(130)},
			"1 new>up pulse, 61 up>late expected, 75 late>up pulse",
		},
		{
			"ends with a pulse while down", everyMinute,
			[]act{success(1), judge(100), success(120), judge(130)},
			"1 new>up pulse, 61 up>late expected, 91 late>down timeout, 120 down>up pulse",
		},
		{
			"that nobody has judged yet is judged when the pulse comes", everyMinute,
			[]act{success(1), success(120)},
			"1 new>up pulse, 61 up>late expected, 91 late>down timeout, 120 down>up pulse",
		},
		{
			"that nobody has judged yet leaves late behind", everyMinute,
			[]act{success(1), success(70)},
			"1 new>up pulse, 61 up>late expected, 70 late>up pulse",
		},
		{
			"of a schedule begins at its next time", onTheClock,
			[]act{success(1), judge(59.999), judge(60), judge(90)},
			"1 new>up pulse, 60 up>late expected, 90 late>down timeout",
		},
		{
			"of a schedule ends with a pulse at its time", onTheClock,
			[]act{success(1), success(60), judge(119)},
			"1 new>up pulse, 60 up>late expected, 60 late>up pulse",
		},
	})
}

func TestStatedNextIn(t *testing.T) {
	t.Parallel()
	tell(t, []story{
		{
			"is the period of a service that has none", silent,
			[]act{success(1).nextIn(10), judge(11)},
			"1 new>up pulse, 11 up>down timeout",
		},
		{
			"stays the period of a service that has none", silent,
			[]act{success(1).nextIn(10), success(2), judge(11), judge(12)},
			"1 new>up pulse, 12 up>down timeout",
		},
		{
			"is kept through a cancel", silent,
			[]act{success(1).nextIn(10), cancel(2), success(3), judge(13)},
			"1 new>up pulse, 2 up>paused cancelled, 3 paused>up pulse, 13 up>down timeout",
		},
		{
			"rules until the next pulse where the service has its own", strict,
			[]act{success(1).nextIn(10), success(2), judge(61), judge(62)},
			"1 new>up pulse, 62 up>down timeout",
		},
		{
			"may be longer than the service's own", strict,
			[]act{success(1).nextIn(100), judge(100), judge(101)},
			"1 new>up pulse, 101 up>down timeout",
		},
		{
			"rules over a schedule until the next pulse", onTheClock,
			[]act{success(1).nextIn(300), judge(300), success(300), judge(360)},
			"1 new>up pulse, 360 up>late expected",
		},
		{
			"has its grace", everyMinute,
			[]act{success(1).nextIn(10), judge(41)},
			"1 new>up pulse, 11 up>late expected, 41 late>down timeout",
		},
		{
			"comes with a fail too", silent,
			[]act{fail(1).nextIn(10), success(2), judge(12)},
			"1 new>down fail, 2 down>up pulse, 12 up>down timeout",
		},
		{"of a log means nothing", silent, []act{success(1), send(2, PulseLog).nextIn(10), judge(1e6)}, "1 new>up pulse"},
		{"ends when the period is set", silent, []act{
			success(1).nextIn(10), change(2, func(s *ServiceSettings) { s.NextIn = 100 }), judge(100), judge(101),
		}, "1 new>up pulse, 101 up>down timeout"},
		{"stays when something else is set", silent, []act{
			success(1).nextIn(10), change(2, func(s *ServiceSettings) { s.Description = "x" }), judge(11),
		}, "1 new>up pulse, 11 up>down timeout"},
	})
}

func TestPauses(t *testing.T) {
	t.Parallel()
	tell(t, []story{
		{"a paused service is not judged", everyMinute, []act{success(1), pause(2), judge(1e6)}, "1 new>up pulse, 2 up>paused paused"},
		{"a pause may be repeated", everyMinute, []act{success(1), pause(2), cancel(3)}, "1 new>up pulse, 2 up>paused paused"},
		{
			"the next success ends it", everyMinute,
			[]act{success(1), pause(2), success(500), judge(560)},
			"1 new>up pulse, 2 up>paused paused, 500 paused>up pulse, 560 up>late expected",
		},
		{
			"cancel after death clears it", strict,
			[]act{success(1), judge(61), cancel(70), success(80)},
			"1 new>up pulse, 61 up>down timeout, 70 down>paused cancelled, 80 paused>up pulse",
		},
		{
			"with manual_resume a pulse does not end it", byHand,
			[]act{success(1), pause(2), success(3), fail(4), judge(1e6)},
			"1 new>up pulse, 2 up>paused paused",
		},
		{
			"resume expects nothing until the next pulse", byHand,
			[]act{success(1), pause(2), resume(3), judge(1e5), success(1e5), judge(1e5 + 60)},
			"1 new>up pulse, 2 up>paused paused, 3 paused>new resumed, 100000 new>up pulse, 100060 up>down timeout",
		},
		{
			"resume of what is not paused does nothing", everyMinute,
			[]act{success(1), resume(2), judge(61)},
			"1 new>up pulse, 61 up>late expected",
		},
		{"a pause ends open runs", everyMinute, []act{start(1), pause(2), judge(1e6)}, "2 new>paused paused"},
		{
			"a start on a paused service arms the deadline", everyMinute,
			[]act{pause(1), start(2), judge(31.999), judge(32)},
			"1 new>paused paused, 32 paused>down not_finished",
		},
		{
			"resume forgets it again", everyMinute,
			[]act{pause(1), start(2), resume(3), judge(1e6)},
			"1 new>paused paused, 3 paused>new resumed",
		},
	})
}

func TestSettings(t *testing.T) {
	t.Parallel()
	nextIn := func(s Seconds) func(*ServiceSettings) { return func(c *ServiceSettings) { c.NextIn, c.Cron = s, "" } }
	grace := func(s Seconds) func(*ServiceSettings) { return func(c *ServiceSettings) { c.Grace = s } }
	toCron := func(c *ServiceSettings) { c.NextIn, c.Cron = 0, "* * * * *" }
	tell(t, []story{
		{
			"a longer period puts off the deadline", strict,
			[]act{success(1), change(2, nextIn(100)), judge(100), judge(101)},
			"1 new>up pulse, 101 up>down timeout",
		},
		{
			"a shorter one is judged at once", strict,
			[]act{success(1), change(30, nextIn(10)), judge(30)},
			"1 new>up pulse, 11 up>down timeout",
		},
		{
			"a longer one ends late", everyMinute,
			[]act{success(1), judge(70), change(75, nextIn(100)), judge(101)},
			"1 new>up pulse, 61 up>late expected, 75 late>up settings, 101 up>late expected",
		},
		{
			"one that is over at this very moment does not end late", everyMinute,
			[]act{success(1), judge(70), change(75, nextIn(74))},
			"1 new>up pulse, 61 up>late expected",
		},
		{
			"no period ends late", everyMinute,
			[]act{success(1), judge(70), change(75, nextIn(0)), judge(1e6)},
			"1 new>up pulse, 61 up>late expected, 75 late>up settings",
		},
		{
			"down stays down until it pulses", strict,
			[]act{success(1), judge(70), change(75, nextIn(1000)), judge(80), success(90)},
			"1 new>up pulse, 61 up>down timeout, 90 down>up pulse",
		},
		{
			"paused stays paused", strict,
			[]act{success(1), pause(2), change(3, nextIn(10)), judge(1e6)},
			"1 new>up pulse, 2 up>paused paused",
		},
		{
			"a longer grace while late puts off the deadline", everyMinute,
			[]act{success(1), judge(70), change(75, grace(100)), judge(160), judge(161)},
			"1 new>up pulse, 61 up>late expected, 161 late>down timeout",
		},
		{
			"no grace while late is down at once", everyMinute,
			[]act{success(1), judge(70), change(75, grace(0)), judge(75)},
			"1 new>up pulse, 61 up>late expected, 61 late>down timeout",
		},
		{
			"from a period to a schedule", strict,
			[]act{success(1), change(30, toCron), judge(59), judge(60)},
			"1 new>up pulse, 60 up>down timeout",
		},
		{
			"from a schedule to a period", onTheClock,
			[]act{success(1), change(30, nextIn(120)), judge(121)},
			"1 new>up pulse, 121 up>late expected",
		},
		{"a limit may be set while a run is open", strict, []act{
			start(1), change(5, func(c *ServiceSettings) { c.FinishWithin = 20 }), judge(21),
		}, "21 new>down not_finished"},
	})
}

func TestTransitionsTellWhenTheFormerStateBegan(t *testing.T) {
	t.Parallel()
	w := watch(everyMinute)
	success(1).on(w)
	got := w.Judge(moment(200), nil, Absence{})
	want := []Transition{
		{From: StateUp, To: StateLate, Reason: ReasonExpected, At: moment(61), Since: moment(1)},
		{From: StateLate, To: StateDown, Reason: ReasonTimeout, At: moment(91), Since: moment(61)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("transitions (-want +got):\n%s", diff)
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings ServiceSettings
		acts     []act
		want     bool
	}{
		"a period":             {everyMinute, nil, true},
		"nothing":              {silent, nil, true},
		"a schedule":           {onTheClock, nil, false},
		"a limit":              {ServiceSettings{MaxRun: 1}, nil, false},
		"a least":              {ServiceSettings{MinRun: 1}, nil, false},
		"an end":               {ServiceSettings{FinishWithin: 1}, nil, false},
		"an open run":          {everyMinute, []act{start(1)}, false},
		"a run that has ended": {everyMinute, []act{start(1), success(2)}, true},
	} {
		w := watch(c.settings)
		for _, a := range c.acts {
			a.on(w)
		}
		if got := w.Plain(); got != c.want {
			t.Errorf("%s: plain %v, want %v", name, got, c.want)
		}
	}
}

func TestStatesThatExist(t *testing.T) {
	t.Parallel()
	for _, s := range []State{StateNew, StateUp, StateLate, StateDown, StatePaused} {
		if !s.Valid() {
			t.Errorf("%q is no state", s)
		}
	}
	for _, s := range []State{"", StateDeleted, "UP", "grace"} {
		if s.Valid() {
			t.Errorf("%q is a state", s)
		}
	}
}
