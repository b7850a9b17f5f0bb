package clock

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Every clock's timers keep the same rules. pass lets d go by.
func TestTimers(t *testing.T) {
	rules := func(t *testing.T, c Clock, pass func(time.Duration)) {
		start := c.Now()
		wait := func(timer Timer) (time.Duration, bool) {
			synctest.Wait()
			select {
			case at := <-timer.C():
				return at.Sub(start), true
			default:
				return 0, false
			}
		}
		timer := c.NewTimer(10 * time.Second)
		pass(9 * time.Second)
		if _, fired := wait(timer); fired {
			t.Error("fired early")
		}
		pass(2 * time.Second)
		if at, fired := wait(timer); !fired || at != 10*time.Second {
			t.Errorf("fired %v at %v, want at 10s", fired, at)
		}
		if timer.Stop() {
			t.Error("stopped a timer that was received from")
		}
		timer.Reset(5 * time.Second)
		pass(time.Second)
		timer.Reset(5 * time.Second)
		pass(4 * time.Second)
		if _, fired := wait(timer); fired {
			t.Error("fired when it would have before the reset")
		}
		pass(time.Second)
		synctest.Wait()
		if !timer.Stop() {
			t.Error("a timer that nobody received from counts as too late to stop")
		}
		if _, fired := wait(timer); fired {
			t.Error("a value was left after Stop")
		}
		if timer.Stop() {
			t.Error("stopped twice")
		}
		pass(time.Minute)
		if _, fired := wait(timer); fired {
			t.Error("fired after Stop")
		}
		if at, fired := wait(c.NewTimer(0)); !fired || at != c.Now().Sub(start) {
			t.Errorf("a timer of 0: fired %v at %v", fired, at)
		}
	}
	t.Run("system", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { rules(t, NewSystem(Options{}), time.Sleep) })
	})
	t.Run("manual", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := NewManual(time.Now())
			rules(t, m, m.Advance)
		})
	})
}

func TestTimerFromManyGoroutines(t *testing.T) {
	for name, c := range map[string]Clock{"system": NewSystem(Options{}), "manual": NewManual(time.Unix(0, 0))} {
		timer := c.NewTimer(0)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 500 {
					timer.Reset(time.Nanosecond)
					timer.Stop()
					c.NewTimer(0).Reset(0)
				}
			})
		}
		all.Wait()
		if timer.Stop() {
			t.Errorf("%s: still active after the last stop", name)
		}
	}
}

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewSystem(Options{})
		start := c.Now()
		if err := Sleep(t.Context(), c, time.Minute); err != nil || c.Now().Sub(start) != time.Minute {
			t.Errorf("%v after %v", err, c.Now().Sub(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := Sleep(ctx, c, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ended by its context: %v", err)
		}
		if c.Now().Sub(start) != time.Minute+time.Second {
			t.Errorf("slept on after its context ended")
		}
		if err := Sleep(ctx, c, 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("no time to sleep, and an ended context: %v", err)
		}
		if err := Sleep(t.Context(), c, -1); err != nil {
			t.Errorf("less than no time: %v", err)
		}
	})
}

func TestManualFiresInOrderAtTheRightNow(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	m := NewManual(start)
	var timers []Timer
	lengths := []time.Duration{3 * time.Second, time.Second, 9 * time.Second, time.Second, 2 * time.Second}
	for _, d := range lengths {
		timers = append(timers, m.NewTimer(d))
	}
	m.Advance(5 * time.Second)
	var fired []time.Duration
	for _, timer := range timers {
		select {
		case at := <-timer.C():
			fired = append(fired, at.Sub(start))
		default:
			fired = append(fired, 0)
		}
	}
	want := []time.Duration{3 * time.Second, time.Second, 0, time.Second, 2 * time.Second}
	if diff := cmp.Diff(want, fired); diff != "" {
		t.Errorf("fired at (-want +got):\n%s", diff)
	}
	if got := m.Now().Sub(start); got != 5*time.Second {
		t.Errorf("Now is %v later, want 5s", got)
	}
}

func TestManualSetLeavesTimersWhatTheyHadLeft(t *testing.T) {
	for _, set := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		m := NewManual(start)
		timer := m.NewTimer(10 * time.Second)
		m.Advance(4 * time.Second)
		m.Set(start.Add(set))
		m.Advance(5 * time.Second)
		if timer.Stop() != true {
			t.Fatalf("set by %v: the timer fired", set)
		}
		timer.Reset(time.Second)
		m.Advance(time.Second)
		if at := <-timer.C(); at.Sub(start) != set+6*time.Second {
			t.Errorf("set by %v: fired at %v", set, at.Sub(start))
		}
	}
}

func TestManualSetBase(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	m := NewManual(start)
	for _, by := range []time.Duration{-time.Hour, time.Hour} {
		if err := m.SetBase(start.Add(by)); err != nil {
			t.Fatal(err)
		}
		if got, want := m.Now().Sub(start), max(by, 0); got != want {
			t.Errorf("base set by %v: Now %v later, want %v", by, got, want)
		}
	}
}

func TestManualDrivesALoop(t *testing.T) {
	m := NewManual(time.Unix(0, 0))
	turns := make(chan time.Time, 100)
	ctx, cancel := context.WithCancel(t.Context())
	var loop sync.WaitGroup
	loop.Go(func() {
		for Sleep(ctx, m, time.Second) == nil {
			turns <- m.Now()
		}
	})
	for i := range 10 {
		m.BlockUntil(1)
		m.Advance(time.Second)
		if got, want := (<-turns).Unix(), int64(i+1); got != want {
			t.Errorf("turn %d at %d s, want %d s", i, got, want)
		}
	}
	cancel()
	loop.Wait()
}

// The function of a timer may have begun when the timer is stopped or set anew.
func TestFiringThatComesTooLateIsDropped(t *testing.T) {
	timer := NewSystem(Options{}).NewTimer(time.Hour).(*systemTimer)
	first := timer.round
	timer.Reset(time.Hour)
	timer.fire(first)
	select {
	case <-timer.C():
		t.Error("fired for what it was before the reset")
	default:
	}
	if !timer.Stop() {
		t.Error("no longer active")
	}
}
