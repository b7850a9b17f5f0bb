package api

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestKinds(t *testing.T) {
	t.Parallel()
	tell(t, []story{
		{"a fail brings a new service down", everyMinute, []act{fail(1)}, "1 new>down fail"},
		{"a fail brings a service down at once", everyMinute, []act{success(1), fail(2), judge(1e6)}, "1 new>up pulse, 2 up>down fail"},
		{"a second fail says nothing new", everyMinute, []act{fail(1), fail(2), success(3)}, "1 new>down fail, 3 down>up pulse"},
		{"an exit code above 0 is a fail", everyMinute, []act{success(1).exit(0), success(2).exit(3)}, "1 new>up pulse, 2 up>down fail"},
		{"a fail while late", everyMinute, []act{success(1), judge(61), fail(62)}, "1 new>up pulse, 61 up>late expected, 62 late>down fail"},
		{"a fail ends a pause", everyMinute, []act{pause(1), fail(2)}, "1 new>paused paused, 2 paused>down fail"},
		{
			"a log changes nothing", everyMinute,
			[]act{send(1, PulseLog), success(2), send(60, PulseLog), judge(62)},
			"2 new>up pulse, 62 up>late expected",
		},
		{"a log does not end a pause", everyMinute, []act{pause(1), send(2, PulseLog)}, "1 new>paused paused"},
		{"a log does not recover", everyMinute, []act{fail(1), send(2, PulseLog)}, "1 new>down fail"},
		{"a start is no sign of success", everyMinute, []act{fail(1), start(2), judge(1e6)}, "1 new>down fail"},
		{
			"a start does not put off the deadline", everyMinute,
			[]act{success(1), start(60.5), judge(91)},
			"1 new>up pulse, 61 up>late expected, 90.5 late>down not_finished",
		},
	})
}

func TestFailsInARow(t *testing.T) {
	t.Parallel()
	patient := ServiceSettings{NextIn: 60, Grace: 30, FailuresToAlert: 3}
	tell(t, []story{
		{"the third fail is down", patient, []act{success(1), fail(2), fail(3), fail(4)}, "1 new>up pulse, 4 up>down fail"},
		{"a success begins to count anew", patient, []act{success(1), fail(2), fail(3), success(4), fail(5), fail(6)}, "1 new>up pulse"},
		{"a fail that is put up with is a sign of life", patient, []act{fail(1), judge(61), fail(62)}, "1 new>up pulse, 61 up>late expected, 62 late>up pulse"},
		{"silence does not wait", patient, []act{fail(1), judge(91)}, "1 new>up pulse, 61 up>late expected, 91 late>down timeout"},
		{"a fail never recovers", patient, []act{success(1), judge(91), fail(92)}, "1 new>up pulse, 61 up>late expected, 91 late>down timeout"},
		{"silence between fails does not make them less", patient, []act{fail(1), fail(2), judge(100), success(101)}, "1 new>up pulse, 62 up>late expected, 92 late>down timeout, 101 down>up pulse"},
		{"a pause begins to count anew", patient, []act{fail(1), fail(2), pause(3), fail(4)}, "1 new>up pulse, 3 up>paused paused, 4 paused>up pulse"},
		{
			"a run that broke a limit counts",
			ServiceSettings{MaxRun: 5, FinishWithin: 100, FailuresToAlert: 2},
			[]act{start(1), success(6.5), start(10), success(16)},
			"6.5 new>up pulse, 16 up>down ran_too_long",
		},
	})
}

func TestRuns(t *testing.T) {
	t.Parallel()
	tell(t, []story{
		{"a run that does not end in time is down", limited, []act{start(1), judge(20.999), judge(21)}, "21 new>down not_finished"},
		{"a run that ends in time is up", limited, []act{start(1), success(8), judge(100)}, "8 new>up pulse"},
		{"a run that takes longer than max_run failed", limited, []act{start(1), success(11.001)}, "11.001 new>down ran_too_long"},
		{"a run of exactly max_run is fine", limited, []act{start(1), success(11)}, "11 new>up pulse"},
		{"a run that takes less than min_run failed", limited, []act{start(1), success(5.999)}, "5.999 new>down ran_too_fast"},
		{"a run of exactly min_run is fine", limited, []act{start(1), success(6)}, "6 new>up pulse"},
		{"a run that took no time at all was too fast", limited, []act{start(1), success(1)}, "1 new>down ran_too_fast"},
		{"a run whose length nobody knows is fine", limited, []act{success(1)}, "1 new>up pulse"},
		{"the length that the sender measured counts", limited, []act{start(1), success(8).took(12 * time.Second)}, "8 new>down ran_too_long"},
		{"it counts without a start too", limited, []act{success(8).took(time.Second)}, "8 new>down ran_too_fast"},
		{"a failed run is a fail whatever it took", limited, []act{start(1), fail(2)}, "2 new>down fail"},
		{
			"the limit is max_run where finish_within is not set",
			ServiceSettings{MaxRun: 10, Grace: 5},
			[]act{start(1), judge(11)},
			"11 new>down not_finished",
		},
		{"the limit is the grace where neither is set", ServiceSettings{Grace: 5}, []act{start(1), judge(6)}, "6 new>down not_finished"},
		{"without limit and grace a run may take as long as it likes", strict, []act{start(1), judge(1e6)}, ""},
		{
			"a start may say how long it takes, and has the grace", everyMinute,
			[]act{start(1).nextIn(100), judge(130.999), judge(131)},
			"131 new>down not_finished",
		},
		{
			"what a start says wins over the limit of the service", limited,
			[]act{start(1).nextIn(3), judge(33.999), judge(34)},
			"34 new>down not_finished",
		},
		{"a start again begins anew", limited, []act{start(1), start(15), judge(34), judge(35)}, "35 new>down not_finished"},
		{
			"the end of one leaves the other open", limited,
			[]act{start(1).rid("a"), start(2).rid("b"), success(8).rid("a"), judge(21), judge(22)},
			"8 new>up pulse, 22 up>down not_finished",
		},
		{"a success without a name ends all", limited, []act{start(1).rid("a"), start(2).rid("b"), success(8), judge(100)}, "8 new>up pulse"},
		{
			"a success without a name prefers the run without one", limited,
			[]act{start(1).rid("a"), start(2), success(8), judge(21)},
			"8 new>up pulse, 21 up>down not_finished",
		},
		{
			"a fail with a name that nobody knows ends all", limited,
			[]act{start(1).rid("a"), fail(8).rid("x"), success(9).rid("y"), judge(100)},
			"8 new>down fail, 9 down>up pulse",
		},
		{
			"the late end of a run that was given up recovers",
			ServiceSettings{NextIn: 3600, FinishWithin: 20},
			[]act{start(1), judge(21), success(30), judge(100)},
			"21 new>down not_finished, 30 down>up pulse",
		},
		{"a run that crashed does not come back after a success", limited, []act{
			start(1).rid("crashed"), judge(21), success(30).rid("x"), judge(100),
		}, "21 new>down not_finished, 30 down>up pulse"},
		{"a run that crashed while the service was down does not come back either", limited, []act{
			start(1).rid("a"), judge(21), start(30).rid("b"), success(60).rid("x"), judge(200),
		}, "21 new>down not_finished, 60 down>up pulse"},
		{"a run that is still in time when the service recovers is judged", limited, []act{
			start(1).rid("a"), judge(21), start(30).rid("b"), success(40).rid("x"), judge(50),
		}, "21 new>down not_finished, 40 down>up pulse, 50 up>down not_finished"},
		{"a start on a down service does not alert again", limited, []act{fail(1), start(2), judge(1e6)}, "1 new>down fail"},
		{
			"a run is the reason where silence is due at the same moment",
			ServiceSettings{NextIn: 20, FinishWithin: 20},
			[]act{success(1), start(1), judge(21)},
			"1 new>up pulse, 21 up>down not_finished",
		},
		{
			"silence comes first where it is due first",
			ServiceSettings{NextIn: 10, FinishWithin: 20},
			[]act{success(1), start(2), judge(30)},
			"1 new>up pulse, 11 up>down timeout",
		},
	})
}

func TestPulsesWithATimeOfTheirOwn(t *testing.T) {
	t.Parallel()
	noGrace := ServiceSettings{NextIn: 60, FinishWithin: 20}
	tell(t, []story{
		{"the deadline counts from that time", strict, []act{success(10).of(5), judge(64.999), judge(65)}, "5 new>up pulse, 65 up>down timeout"},
		{
			"an older one does not move the deadline", strict,
			[]act{success(10), success(20).of(5), judge(70)},
			"10 new>up pulse, 70 up>down timeout",
		},
		{
			"one of the very moment of the last pulse counts", strict,
			[]act{success(10), fail(20).of(10)},
			"10 new>up pulse, 10 up>down fail",
		},
		{"an older fail is the past", strict, []act{success(10), fail(20).of(5)}, "10 new>up pulse"},
		{
			"one from the future counts from its receipt", strict,
			[]act{success(10).of(500), judge(69.999), judge(70)},
			"10 new>up pulse, 70 up>down timeout",
		},
		{"after one from the future a fail still counts", strict, []act{success(10).of(500), fail(20)}, "10 new>up pulse, 20 up>down fail"},
		{"one that is too far ahead counts as now", strict, []act{success(10).of(4000), judge(70)}, "10 new>up pulse, 70 up>down timeout"},
		{
			"a down later than what it promised stays", strict,
			[]act{success(1), success(3), judge(63), success(70).of(2.5)},
			"1 new>up pulse, 63 up>down timeout",
		},
		{
			"a newer one that promised less than the silence lasted does not undo it", strict,
			[]act{success(1), judge(61), success(500).of(2)},
			"1 new>up pulse, 61 up>down timeout",
		},
		{
			"nor does one whose promise ended with the silence going on", strict,
			[]act{success(1).nextIn(10), judge(11), success(20).of(2).nextIn(5)},
			"1 new>up pulse, 11 up>down timeout",
		},
		{
			"one that promised more than that undoes it", strict,
			[]act{success(1).nextIn(10), judge(11), success(20).of(2).nextIn(60), judge(62)},
			"1 new>up pulse, 11 up>down timeout, 11 down>up pulse, 62 up>down timeout",
		},
		{
			"one sent after the down recovers", strict,
			[]act{success(1), judge(61), success(100).of(90), judge(150)},
			"1 new>up pulse, 61 up>down timeout, 90 down>up pulse, 150 up>down timeout",
		},
		{
			"a down later than what it promised stays, also while its grace would still run", everyMinute,
			[]act{success(1), start(50), judge(80), success(85).of(19.999)},
			"1 new>up pulse, 61 up>late expected, 80 late>down not_finished",
		},
		{
			"a down at the very moment that it promised is undone", everyMinute,
			[]act{success(1), start(50), judge(80), success(85).of(20), judge(85)},
			"1 new>up pulse, 61 up>late expected, 80 late>down not_finished, 80 down>up pulse, 80 up>late expected",
		},
		{
			"a down is undone while the grace of what it promised runs", everyMinute,
			[]act{success(1), start(50), judge(80), success(100).of(25), judge(100)},
			"1 new>up pulse, 61 up>late expected, 80 late>down not_finished, 80 down>up pulse, 85 up>late expected",
		},
		{
			"a silence that we excuse does not count against it", strict,
			[]act{success(1).nextIn(10), judge(11), away(20, 50), success(100).of(15), judge(109.999), judge(110)},
			"1 new>up pulse, 11 up>down timeout, 15 down>up pulse, 110 up>down timeout away 20-50",
		},
		{"a service without period recovers", silent, []act{fail(1), success(100).of(2)}, "1 new>down fail, 2 down>up pulse"},
		{
			"late stays where the promise is over too", everyMinute,
			[]act{success(1), judge(61), success(85).of(20), judge(109.999), judge(110)},
			"1 new>up pulse, 61 up>late expected, 110 late>down timeout",
		},
		{
			"late stays where the promise is over at this very moment", everyMinute,
			[]act{success(1), judge(61), success(80).of(20)},
			"1 new>up pulse, 61 up>late expected",
		},
		{
			"late ends where the promise still holds", everyMinute,
			[]act{success(1), judge(61), success(85).of(50), judge(109)},
			"1 new>up pulse, 61 up>late expected, 61 late>up pulse",
		},
		{
			"the first one may tell of a silence that is long over", everyMinute,
			[]act{success(500).of(10), judge(500)},
			"10 new>up pulse, 70 up>late expected, 100 late>down timeout",
		},
		{
			"one from before a pause does not end it", strict,
			[]act{success(1), cancel(10), success(11).of(9), judge(1e6)},
			"1 new>up pulse, 10 up>paused cancelled",
		},
		{
			"one from the very moment of a pause ends it", strict,
			[]act{success(1), cancel(10), success(12).of(10)},
			"1 new>up pulse, 10 up>paused cancelled, 10 paused>up pulse",
		},
		{
			"one from after a pause ends it", strict,
			[]act{success(1), cancel(10), success(12).of(11), judge(71)},
			"1 new>up pulse, 10 up>paused cancelled, 11 paused>up pulse, 71 up>down timeout",
		},
		{
			"one from before a resume does not arm it", strict,
			[]act{success(1), pause(10), resume(20), success(21).of(15), judge(1e6)},
			"1 new>up pulse, 10 up>paused paused, 20 paused>new resumed",
		},
		{
			"a fail from before a pause does not end it", strict,
			[]act{success(1), cancel(10), fail(11).of(9)},
			"1 new>up pulse, 10 up>paused cancelled",
		},
		{
			"a start that comes after its end opens no run", noGrace,
			[]act{success(10).of(8).rid("a"), start(11).of(2).rid("a"), judge(60)},
			"8 new>up pulse",
		},
		{"a start from before a pause opens no run", noGrace, []act{pause(10), start(11).of(9), judge(1e6)}, "10 new>paused paused"},
		{
			"an end from before the start does not end the run", noGrace,
			[]act{start(10).of(9), success(11).of(3), judge(29)},
			"3 new>up pulse, 29 up>down not_finished",
		},
		{
			"the end of a named run ends it whatever the clocks say", noGrace,
			[]act{start(10).rid("a"), success(11).of(9).rid("a"), judge(60)},
			"9 new>up pulse",
		},
	})
}

// TestServersWhoseClocksDifferALittle has pulses without a time of their own, received by two servers in another order
// than they are stored.
func TestServersWhoseClocksDifferALittle(t *testing.T) {
	t.Parallel()
	tell(t, []story{
		{"a fail counts", strict, []act{success(10), fail(9.995)}, "10 new>up pulse, 10 up>down fail"},
		{"a success counts", strict, []act{fail(10), success(9.995)}, "10 new>down fail, 10 down>up pulse"},
		{"an end ends the run", limited, []act{start(10), success(9.995).took(7 * time.Second), judge(100)}, "9.995 new>up pulse"},
		{"a start opens a run", limited, []act{success(10).rid("x"), start(9.995), judge(30)}, "10 new>up pulse, 29.995 up>down not_finished"},
		{"a pause ends with a success", strict, []act{pause(10), success(9.995)}, "10 new>paused paused, 10 paused>up pulse"},
	})
}

func TestReceipts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		settings ServiceSettings
		acts     []act
		want     Receipt
	}{
		{"a success", everyMinute, []act{success(1)}, Receipt{Kind: PulseSuccess}},
		{"an exit code above 0", everyMinute, []act{success(1).exit(1)}, Receipt{Kind: PulseFail}},
		{"a log stays a log whatever its exit code", everyMinute, []act{send(1, PulseLog).exit(1)}, Receipt{Kind: PulseLog}},
		{"a run that is too long", limited, []act{start(1), success(12)}, Receipt{Kind: PulseFail, Duration: 11 * time.Second}},
		{"the duration since the start", everyMinute, []act{start(1), success(3.5)}, Receipt{Kind: PulseSuccess, Duration: 2500 * time.Millisecond}},
		{
			"the duration of the run with the name", everyMinute,
			[]act{start(1).rid("a"), start(2).rid("b"), fail(4).rid("a")},
			Receipt{Kind: PulseFail, Duration: 3 * time.Second},
		},
		{"no duration for a name without a start", everyMinute, []act{start(1), success(2).rid("a")}, Receipt{Kind: PulseSuccess}},
		{"no duration where a named run is ended without its name", everyMinute, []act{start(1).rid("a"), success(2)}, Receipt{Kind: PulseSuccess}},
		{
			"the duration that the sender measured", everyMinute,
			[]act{start(1), success(3).took(time.Second)},
			Receipt{Kind: PulseSuccess, Duration: time.Second},
		},
		{
			"no duration where the end is told to be before the start", everyMinute,
			[]act{start(5).rid("a"), success(6).of(4).rid("a")},
			Receipt{Kind: PulseSuccess},
		},
		{
			"a run within a millisecond has a duration", everyMinute,
			[]act{start(1), success(1)},
			Receipt{Kind: PulseSuccess, Duration: time.Millisecond},
		},
		{"ignored while paused with manual_resume", byHand, []act{pause(1), start(2)}, Receipt{Kind: PulseIgnored}},
		{"a log too", byHand, []act{pause(1), send(2, PulseLog)}, Receipt{Kind: PulseIgnored}},
		{"not ignored once resumed", byHand, []act{pause(1), resume(2), success(3)}, Receipt{Kind: PulseSuccess}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := watch(c.settings)
			for _, a := range c.acts {
				a.on(w)
			}
			if diff := cmp.Diff(c.want, w.receipts[len(w.receipts)-1]); diff != "" {
				t.Errorf("receipt (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatPulsesLeaveBehind(t *testing.T) {
	t.Parallel()
	w := watch(ServiceSettings{NextIn: 60})
	start(1).on(w)
	if !w.Running || w.LastStart != moment(1) || w.LastPulse != 0 || w.FirstPulse != 0 {
		t.Errorf("after a start: %+v", w.ServiceStatus)
	}
	success(3).alerting("anna").on(w)
	if w.Running || w.LastDuration != 2 || w.LastPulse != moment(3) || w.FirstPulse != moment(3) || w.AlertTarget != "anna" {
		t.Errorf("after its end: %+v", w.ServiceStatus)
	}
	success(5).alerting("berta").on(w)
	if w.LastDuration != 2 || w.LastPulse != moment(5) || w.FirstPulse != moment(3) || w.AlertType != "pushover" || w.AlertTarget != "berta" {
		t.Errorf("after the next pulse: %+v", w.ServiceStatus)
	}
	start(7).of(0.5).on(w)
	if w.LastStart != moment(1) || w.Running {
		t.Errorf("after a start that comes too late: %+v", w.ServiceStatus)
	}
	success(8).on(w)
	if w.AlertTarget != "berta" {
		t.Errorf("a pulse that names nobody to tell changed who is told to %q", w.AlertTarget)
	}
}

func TestOpenRunsAreBounded(t *testing.T) {
	t.Parallel()
	w := watch(ServiceSettings{Grace: 1000})
	for i := range 3 * MaxOpenRuns {
		start(float64(i)).rid(string(rune('a' + i))).on(w)
	}
	if len(w.OpenRuns) != MaxOpenRuns || w.OpenRuns[0].StartedAt != moment(2*MaxOpenRuns) {
		t.Errorf("%d runs are open, the first since %s", len(w.OpenRuns), since(w.OpenRuns[0].StartedAt))
	}
}

func TestPulseInput(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]PulseInput{
		"nothing":    {},
		"everything": {Kind: PulseFail, NextIn: MaxSeconds, RID: strings.Repeat("r", MaxRIDLength), ExitCode: new(255), Duration: new(0.5), Body: "x", Time: 1},
		"zeros":      {Kind: PulseStart, ExitCode: new(0), Duration: new(0.0)},
		"a log":      {Kind: PulseLog, Duration: new(MaxPulseDuration.Seconds())},
	} {
		if err := in.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		in   PulseInput
		want string
	}{
		"an unknown kind":       {PulseInput{Kind: "beat"}, "body.kind"},
		"ignored":               {PulseInput{Kind: PulseIgnored}, "body.kind"},
		"a negative period":     {PulseInput{NextIn: -1}, "body.next_in"},
		"more than ten years":   {PulseInput{NextIn: MaxSeconds + 1}, "body.next_in"},
		"a long rid":            {PulseInput{RID: strings.Repeat("r", MaxRIDLength+1)}, "body.rid"},
		"a negative exit code":  {PulseInput{ExitCode: new(-1)}, "body.exit_code"},
		"an exit code of 256":   {PulseInput{ExitCode: new(256)}, "body.exit_code"},
		"a negative duration":   {PulseInput{Duration: new(-0.1)}, "body.duration"},
		"a duration of years":   {PulseInput{Duration: new(1e9)}, "body.duration"},
		"a duration of nothing": {PulseInput{Duration: new(math.NaN())}, "body.duration"},
	} {
		wantFields(t, name, c.in.Validate(), c.want)
	}
}

func TestKindsThatExist(t *testing.T) {
	t.Parallel()
	for _, kind := range []PulseKind{PulseSuccess, PulseStart, PulseFail, PulseLog, PulseIgnored} {
		if !kind.Valid() {
			t.Errorf("%q is no kind", kind)
		}
	}
	if PulseKind("").Valid() || PulseKind("Success").Valid() {
		t.Error("what is no kind is valid")
	}
}
