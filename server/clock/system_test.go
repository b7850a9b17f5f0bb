package clock

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// simulation is a machine whose clocks do what the test says. What it is not told to do does not happen.
type simulation struct {
	mu             sync.Mutex
	wall           time.Time
	elapsed, slept time.Duration
}

func newSimulation() *simulation {
	return &simulation{wall: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), elapsed: time.Minute, slept: time.Hour}
}

func (s *simulation) machine() machine {
	return machine{
		read: func() reading {
			s.mu.Lock()
			defer s.mu.Unlock()
			return reading{wall: s.wall, elapsed: s.elapsed}
		},
		slept: func() (time.Duration, bool) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.slept, true
		},
	}
}

// advance lets time pass; what is not elapsed is slept, and set is how far somebody sets the wall clock.
func (s *simulation) advance(elapsed, slept, set time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.elapsed += elapsed
	s.slept += slept
	s.wall = s.wall.Add(elapsed + slept + set)
}

func (s *simulation) now() time.Time { return s.machine().read().wall }

// TestNowKeepsItsPromises lets anything happen to the machine's clock, and keeps beside it a model of what may be known
// of it: how much was slept and set since the last look.
func TestNowKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sim := newSimulation()
		var reports []time.Duration
		c := newSystem(Options{OnStep: func(by time.Duration) { reports = append(reports, by) }}, sim.machine())
		last, elapsedSince, jump := c.Now(), time.Duration(0), time.Duration(0)
		var sleptSince, aheadSince, unknown time.Duration
		var expected []time.Duration

		length := rapid.OneOf(rapid.Int64Range(0, int64(3*time.Second)), rapid.Int64Range(0, int64(10*time.Hour)))
		draw := func(name string) time.Duration { return time.Duration(length.Draw(t, name)) }
		// settle is what any look at the machine makes of the sleep since the last.
		settle := func() (slept bool) {
			if slept = sleptSince > sleepLimit; slept {
				jump += sleptSince
			} else {
				unknown += sleptSince
			}
			sleptSince, aheadSince = 0, 0
			return slept
		}
		check := func() {
			if aheadSince > sleepLimit {
				settle()
			}
			now := c.Now()
			if now.Before(last) {
				t.Fatalf("Now went back by %v", last.Sub(now))
			}
			if off := (now.Sub(last) - elapsedSince - jump).Abs(); off > elapsedSince/200+2 {
				t.Fatalf("Now moved by %v in %v with a jump of %v", now.Sub(last), elapsedSince, jump)
			}
			last, elapsedSince, jump = now, 0, 0
		}
		compare := func() {
			if !settle() {
				if unknown.Abs() > stepLimit {
					expected = append(expected, unknown)
				}
				unknown = 0
			}
			c.compare(t.Context(), &silence{})
		}
		t.Repeat(map[string]func(*rapid.T){
			"pass":  func(*rapid.T) { d := draw("pass"); elapsedSince += d; sim.advance(d, 0, 0) },
			"sleep": func(*rapid.T) { d := draw("sleep"); sleptSince += d; aheadSince += d; sim.advance(0, d, 0) },
			"set": func(*rapid.T) {
				d := draw("set")
				if rapid.Bool().Draw(t, "back") {
					d = -d
				}
				unknown += d
				aheadSince += d
				sim.advance(0, 0, d)
			},
			"now":     func(*rapid.T) { check() },
			"compare": func(*rapid.T) { compare() },
		})
		check()
		compare()
		compare() // the first may have met a sleep and have told nothing else
		if diff := cmp.Diff(expected, reports); diff != "" {
			t.Fatalf("reports of steps (-want +got):\n%s", diff)
		}
		sim.advance(200*c.Offset().Abs(), 0, 0)
		if off := c.Now().Sub(sim.now()); off != 0 {
			t.Fatalf("Now does not arrive at the reference: %v off", off)
		}
		if c.Offset() != 0 {
			t.Fatalf("there, and still %v to go", c.Offset())
		}
	})
}

func TestNowIsMonotoneForAll(t *testing.T) {
	sim := newSimulation()
	c := newSystem(Options{}, sim.machine())
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			last := c.Now()
			for {
				select {
				case <-stop:
					return
				default:
				}
				now := c.Now()
				if now.Before(last) {
					t.Errorf("Now went back by %v", last.Sub(now))
					return
				}
				last = now
			}
		})
	}
	for i := range 2000 {
		sim.advance(time.Duration(i)*time.Microsecond, 0, time.Duration(i%7-3)*time.Second)
		c.compare(t.Context(), &silence{})
		if i%100 == 0 {
			sim.advance(0, time.Minute, 0)
		}
	}
	close(stop)
	readers.Wait()
}

// Two goroutines may read the machine in one order and reckon in the other.
func TestNowHoldsStillForAReadingThatIsOld(t *testing.T) {
	sim := newSimulation()
	c := newSystem(Options{}, sim.machine())
	latest := c.Now()
	sim.advance(-time.Millisecond, 0, 0)
	if got := c.Now(); !got.Equal(latest) {
		t.Errorf("Now moved by %v", got.Sub(latest))
	}
	sim.advance(2*time.Millisecond, 0, 0)
	if got := c.Now().Sub(latest); got != time.Millisecond {
		t.Errorf("Now moved by %v, want 1ms", got)
	}
}

// The first request after a sleep must not be dated before it, so Now may not wait for Run.
func TestSleepIsSeenByTheFirstNow(t *testing.T) {
	sim := newSimulation()
	c := newSystem(Options{OnStep: func(d time.Duration) { t.Errorf("step of %v reported", d) }}, sim.machine())
	before := c.Now()
	sim.advance(time.Second, 8*time.Hour, 0)
	if got, want := c.Now().Sub(before), 8*time.Hour+time.Second; got != want {
		t.Errorf("after the sleep Now is %v later, want %v", got, want)
	}
	for range 3 {
		c.compare(t.Context(), &silence{})
	}
	if got := c.Now().Sub(sim.now()); got != 0 {
		t.Errorf("%v off the wall clock", got)
	}
}

func TestSleepThatWasUnknownAtTheStartIsNotCounted(t *testing.T) {
	sim := newSimulation()
	m, known := sim.machine(), false
	slept := m.slept
	m.slept = func() (time.Duration, bool) { d, _ := slept(); return d, known }
	c := newSystem(Options{}, m)
	before := c.Now()
	known = true
	c.compare(t.Context(), &silence{})
	if got := c.Now().Sub(before); got != 0 {
		t.Errorf("Now went forward by %v", got)
	}
}

func TestSync(t *testing.T) {
	type call struct {
		offset, takes time.Duration
		err           error
	}
	broken := errors.New("connection refused")
	const s, ms = time.Second, time.Millisecond
	tests := []struct {
		name    string
		calls   []call
		want    time.Duration // how far Now must be ahead of the machine
		within  time.Duration
		failure error
	}{
		{"forward", []call{{offset: time.Hour}}, time.Hour, 0, nil},
		{"back", []call{{offset: -time.Hour}}, -time.Hour, 0, nil},
		{"half the way", []call{{offset: s, takes: 80 * ms}}, s, 0, nil},
		{
			"the quickest of slow answers",
			[]call{{5 * s, s, nil}, {s, 200 * ms, nil}, {5 * s, s, nil}, {0, 0, broken}, {5 * s, 900 * ms, nil}},
			s, 100 * ms, nil,
		},
		{"after failures", []call{{err: broken}, {err: broken}, {offset: s}}, s, 0, nil},
		{"never", []call{{err: broken}, {err: broken}, {err: broken}, {err: broken}, {err: broken}}, 0, 0, broken},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sim := newSimulation()
			c := newSystem(Options{Reference: func(context.Context) (time.Time, error) {
				this := test.calls[0]
				test.calls = test.calls[1:]
				sim.advance(this.takes/2, 0, 0)
				now := sim.now().Add(this.offset)
				sim.advance(this.takes/2, 0, 0)
				return now, this.err
			}}, sim.machine())
			c.Now()
			if err := c.Sync(t.Context()); !errors.Is(err, test.failure) {
				t.Fatalf("error %v, want %v", err, test.failure)
			}
			if got := c.Now().Sub(sim.now()); (got - test.want).Abs() > test.within {
				t.Errorf("Now is %v ahead of the machine, want %v within %v", got, test.want, test.within)
			}
			if len(test.calls) != 0 {
				t.Errorf("%d questions not asked", len(test.calls))
			}
		})
	}
}

func TestSetBaseGoesForwardOnlyAndIsSlewedBack(t *testing.T) {
	sim := newSimulation()
	c := newSystem(Options{OnStep: func(d time.Duration) { t.Errorf("step of %v reported", d) }}, sim.machine())
	start := c.Now()
	if err := c.SetBase(start.Add(-time.Hour)); err != nil || !c.Now().Equal(start) {
		t.Fatalf("a base in the past: %v, Now moved by %v", err, c.Now().Sub(start))
	}
	if err := c.SetBase(start.Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if got := c.Now().Sub(start); got != 10*time.Second {
		t.Fatalf("Now is %v later, want 10s", got)
	}
	c.compare(t.Context(), &silence{})
	sim.advance(1000*time.Second, 0, 0)
	if got := c.Now().Sub(sim.now()); got != 5*time.Second {
		t.Errorf("%v ahead after 1000 s, want 5s", got)
	}
	if got := c.Offset(); got != -5*time.Second {
		t.Errorf("offset %v, want -5s", got)
	}
	sim.advance(1000*time.Second, 0, 0)
	if got := c.Now().Sub(sim.now()); got != 0 {
		t.Errorf("%v ahead after 2000 s, want none", got)
	}
}

func TestNothingJumpsOnceRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, stop := running(t, Options{})
		defer stop()
		if err := c.Sync(t.Context()); !errors.Is(err, errRunning) {
			t.Errorf("Sync: %v", err)
		}
		if err := c.SetBase(c.Now().Add(time.Hour)); !errors.Is(err, errRunning) {
			t.Errorf("SetBase: %v", err)
		}
	})
}

func TestRunFollowsAReferenceThatWasSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var offset atomic.Int64
		var steps []time.Duration
		c, stop := running(t, Options{
			Reference: func(context.Context) (time.Time, error) { return time.Now().Add(time.Duration(offset.Load())), nil },
			OnStep:    func(by time.Duration) { steps = append(steps, by) },
		})
		defer stop()
		time.Sleep(10*time.Second + time.Millisecond)
		if got := time.Until(c.Now()); got != 0 {
			t.Errorf("%v off a reference that was never set", got)
		}
		offset.Store(int64(-10 * time.Second))
		time.Sleep(1001 * time.Second)
		if got := time.Until(c.Now()).Round(10 * time.Millisecond); got != -5*time.Second {
			t.Errorf("%v off the machine after 1000 s, want -5s", got)
		}
		time.Sleep(1001 * time.Second)
		if got := time.Until(c.Now()); got != -10*time.Second {
			t.Errorf("%v off the machine after 2000 s, want -10s", got)
		}
		if diff := cmp.Diff([]time.Duration{-10 * time.Second}, steps); diff != "" {
			t.Errorf("steps (-want +got):\n%s", diff)
		}
	})
}

func TestRunIgnoresSlowAnswersAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var takes atomic.Int64
		takes.Store(int64(150 * time.Millisecond))
		var log bytes.Buffer
		c, stop := running(t, Options{
			Reference: func(ctx context.Context) (time.Time, error) {
				time.Sleep(time.Duration(takes.Load()))
				return time.Now().Add(time.Hour), nil
			},
			OnStep: func(time.Duration) {},
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		time.Sleep(5 * time.Minute)
		if got := time.Until(c.Now()); got != 0 {
			t.Errorf("moved by %v on slow answers", got)
		}
		takes.Store(0)
		time.Sleep(5 * time.Minute)
		stop()
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if len(lines) != 2 || !strings.Contains(lines[0], "reason=slow") || !strings.Contains(lines[1], "answers again") {
			t.Errorf("want one line for the silence and one for its end, got:\n%s", log.String())
		}
		if got := time.Until(c.Now()); got < time.Second {
			t.Errorf("only %v ahead, a quick answer was not taken", got)
		}
	})
}

func running(t *testing.T, o Options) (c *System, stop func()) {
	c = NewSystem(o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	synctest.Wait()
	return c, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

func TestSleptIsKnownHere(t *testing.T) {
	first, ok := slept()
	if !ok || first < 0 {
		t.Fatalf("slept %v, %v", first, ok)
	}
	second, _ := slept()
	if (second - first).Abs() > 10*time.Millisecond {
		t.Errorf("%v of sleep between two lines", second-first)
	}
}

func TestNowDoesNotAllocate(t *testing.T) {
	c := NewSystem(Options{})
	if n := testing.AllocsPerRun(1000, func() { c.Now() }); n != 0 {
		t.Errorf("%v allocations per call", n)
	}
}

func BenchmarkNow(b *testing.B) {
	c := NewSystem(Options{})
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c.Now()
		}
	})
}
