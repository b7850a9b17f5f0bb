package clock

import (
	"slices"
	"sync"
	"time"
)

// Manual is a clock that stands still until it is told otherwise, for tests and for simulated faults. Its methods may
// be called from any goroutine.
type Manual struct {
	mu      sync.Mutex
	now     time.Time
	elapsed time.Duration
	timers  []*manualTimer // those that wait, by when they are due, then by age
	changed *sync.Cond     // when a timer begins or ends to wait
}

// NewManual gives a clock that shows t.
func NewManual(t time.Time) *Manual {
	m := &Manual{now: t.Round(0).UTC()}
	m.changed = sync.NewCond(&m.mu)
	return m
}

// Now gives the time that was set.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Advance lets d pass and fires the timers that become due, in order, each at its own Now. It does not wait for those
// who receive: a loop that sets its timer anew each time is given its turns by advancing in steps of its period, with
// BlockUntil between them.
func (m *Manual) Advance(d time.Duration) {
	if d < 0 {
		panic("clock: time cannot pass backwards")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	end := m.elapsed + d
	for len(m.timers) > 0 && m.timers[0].due <= end {
		t := m.timers[0]
		m.remove(t)
		m.pass(t.due)
		t.c <- m.now
	}
	m.pass(end)
}

func (m *Manual) pass(elapsed time.Duration) {
	m.now = m.now.Add(elapsed - m.elapsed)
	m.elapsed = elapsed
}

// Set makes Now t, either way, without time having passed: no timer fires, each has as long to go as before. So does a
// machine that slept, and a program that was started again after its clock was set.
func (m *Manual) Set(t time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = t.Round(0).UTC()
}

// SetBase makes Now t unless that is past, as System does before it runs.
func (m *Manual) SetBase(t time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t.After(m.now) {
		m.now = t.Round(0).UTC()
	}
	return nil
}

// BlockUntil returns once at least n timers wait.
func (m *Manual) BlockUntil(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.timers) < n {
		m.changed.Wait()
	}
}

// NewTimer makes a timer that fires when d has passed, at once if d is not positive.
func (m *Manual) NewTimer(d time.Duration) Timer {
	t := &manualTimer{clock: m, c: make(chan time.Time, 1)}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.start(t, d)
	return t
}

func (m *Manual) start(t *manualTimer, d time.Duration) {
	if d <= 0 {
		t.c <- m.now
		return
	}
	t.due = m.elapsed + d
	at := len(m.timers)
	for at > 0 && m.timers[at-1].due > t.due {
		at--
	}
	m.timers = slices.Insert(m.timers, at, t)
	m.changed.Broadcast()
}

func (m *Manual) remove(t *manualTimer) bool {
	at := slices.Index(m.timers, t)
	if at < 0 {
		return false
	}
	m.timers = slices.Delete(m.timers, at, at+1)
	m.changed.Broadcast()
	return true
}

type manualTimer struct {
	clock *Manual
	c     chan time.Time
	due   time.Duration
}

func (t *manualTimer) C() <-chan time.Time { return t.c }

func (t *manualTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	return t.stop()
}

func (t *manualTimer) Reset(d time.Duration) {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	t.stop()
	t.clock.start(t, d)
}

func (t *manualTimer) stop() bool {
	waiting := t.clock.remove(t)
	select {
	case <-t.c:
		return true
	default:
		return waiting
	}
}
