package api

import (
	"testing"
	"time"
)

func TestHold(t *testing.T) {
	t.Parallel()
	gap := func(from, to float64) Gap { return Gap{From: moment(from), To: moment(to)} }
	restored := Gap{From: moment(100), To: moment(10_100), Restored: true}
	for _, c := range []struct {
		name  string
		gaps  []Gap
		limit time.Duration
		since float64
		wait  time.Duration
		until string // "none" or seconds
		cause int    // index, -1 for none
	}{
		{"no gap", nil, 0, 0, time.Hour, "none", -1},
		{"a gap that ended before the wait began", []Gap{gap(0, 10)}, 0, 10, time.Hour, "none", -1},
		{"a gap that ended within the wait", []Gap{gap(0, 10)}, 0, 9.999, time.Hour, "40", 0},
		{"30 s at least", []Gap{gap(100, 106)}, 0, 0, time.Hour, "136", 0},
		{"twice the gap", []Gap{gap(100, 200)}, 0, 0, time.Hour, "400", 0},
		{"10 minutes at most", []Gap{gap(100, 10_100)}, 0, 0, time.Hour, "10700", 0},
		{"the setting at most", []Gap{gap(100, 10_100)}, 2 * time.Minute, 0, time.Hour, "10220", 0},
		{"a setting below 30 s", []Gap{gap(100, 106)}, 10 * time.Second, 0, time.Hour, "116", 0},
		{"a setting above 10 minutes", []Gap{gap(100, 10_100)}, time.Hour, 0, 2 * time.Hour, "13700", 0},
		{"the wait at most", []Gap{gap(100, 10_100)}, 0, 0, 20 * time.Second, "10120", 0},
		{"the whole wait after a restore", []Gap{restored}, 0, 0, 25 * time.Hour, "100100", 0},
		{"a wait that began after a restore", []Gap{restored}, 0, 10_100, 25 * time.Hour, "none", -1},
		{"of two gaps the one that holds longer", []Gap{gap(100, 300), gap(310, 320)}, 0, 0, time.Hour, "700", 0},
		{"of two gaps the later one", []Gap{gap(100, 106), gap(310, 320)}, 0, 0, time.Hour, "350", 1},
		{"of two gaps the one that the wait went through", []Gap{gap(100, 300), gap(310, 320)}, 0, 305, time.Hour, "350", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			until, cause := Absence{c.gaps, c.limit}.hold(moment(c.since), c.wait)
			if since(until) != c.until {
				t.Errorf("held until %s, want %s", since(until), c.until)
			}
			if c.cause < 0 && cause != nil || c.cause >= 0 && (cause == nil || *cause != c.gaps[c.cause]) {
				t.Errorf("for %v, want gap %d", cause, c.cause)
			}
		})
	}
}

func TestOurAbsence(t *testing.T) {
	t.Parallel()
	hourly := ServiceSettings{NextIn: 3600, Grace: 60}
	tell(t, []story{
		{
			"a deadline within it is held", strict,
			[]act{success(0), away(30, 100), judge(159.999), judge(160)},
			"0 new>up pulse, 160 up>down timeout away 30-100",
		},
		{
			"a deadline soon after it is held", strict,
			[]act{success(50), away(60, 100), judge(110), judge(160)},
			"50 new>up pulse, 160 up>down timeout away 60-100",
		},
		{
			"a deadline long after it is not, but may be its fault", hourly,
			[]act{success(0), away(30, 100), judge(3600), judge(3660)},
			"0 new>up pulse, 3600 up>late expected away 30-100, 3660 late>down timeout away 30-100",
		},
		{
			"one before the last pulse is not its fault", strict,
			[]act{away(5, 10), success(50), judge(110)},
			"50 new>up pulse, 110 up>down timeout",
		},
		{
			"late and down are both held, the grace follows", hourly,
			[]act{success(0), away(3590, 3620), judge(3679), judge(3680), judge(3740)},
			"0 new>up pulse, 3680 up>late expected away 3590-3620, 3740 late>down timeout away 3590-3620",
		},
		{
			"while late the grace begins again after it", everyMinute,
			[]act{success(0), judge(60), away(80, 100), judge(169.999), judge(170)},
			"0 new>up pulse, 60 up>late expected, 170 late>down timeout away 80-100",
		},
		{"a pulse within the hold is in time", strict, []act{success(0), away(30, 100), success(155), judge(214)}, "0 new>up pulse"},
		{
			"what was late stays so until it pulses", everyMinute,
			[]act{success(0), judge(60), away(80, 100), success(165), judge(170)},
			"0 new>up pulse, 60 up>late expected, 165 late>up pulse",
		},
		{
			"a second absence holds again", strict,
			[]act{success(0), away(30, 100), away(120, 130), judge(189.999), judge(190)},
			"0 new>up pulse, 160 up>down timeout away 30-100",
		},
		{
			"a run is held like a silence", limited,
			[]act{start(0), away(10, 100), judge(119.999), judge(120)},
			"120 new>down not_finished away 10-100",
		},
		{"a run that began after it is not", limited, []act{away(10, 100), start(110), judge(130)}, "130 new>down not_finished"},
		{
			"a schedule is held by the time to its next moment", onTheClock,
			[]act{success(30), away(50, 100), judge(129.999), judge(130), judge(160)},
			"30 new>up pulse, 130 up>late expected away 50-100, 160 late>down timeout away 50-100",
		},
		{
			"new, paused and down services do not care", strict,
			[]act{away(0, 10), pause(20), away(30, 40), fail(50), away(60, 70), judge(1e6)},
			"20 new>paused paused, 50 paused>down fail",
		},
		{
			"one that tells late of a time before it is held too", strict,
			[]act{success(0), away(30, 100), success(110).of(50), judge(159.999), judge(160)},
			"0 new>up pulse, 160 up>down timeout away 30-100",
		},
	})
}

func TestHeldServiceIsNotJudgedByThoseWhoDoNotKnowOfTheGap(t *testing.T) {
	t.Parallel()
	w := watch(strict)
	success(0).on(w)
	away(30, 100).on(w)
	if w.JudgeAt != moment(160) {
		t.Fatalf("is judged at %s, want 160", since(w.JudgeAt))
	}
	if got := w.Judge(moment(120), nil, Absence{}); got != nil {
		t.Errorf("judged: %v", got)
	}
	got, _ := w.Receive(Pulse{Kind: PulseSuccess, ReceivedAt: moment(130), Time: moment(130)}, nil, Absence{})
	if got != nil || w.State != StateUp || w.LastPulse != moment(130) {
		t.Errorf("a pulse while held: %v, %s", got, w.State)
	}
}
