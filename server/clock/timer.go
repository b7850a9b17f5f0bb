package clock

import (
	"sync"
	"time"
)

// systemTimer is a timer of the machine that sends the clock's time instead of the machine's.
type systemTimer struct {
	clock *System
	c     chan time.Time

	mu    sync.Mutex
	timer *time.Timer
	round int // rises with every Stop and Reset, so that a firing that comes too late is known
}

// NewTimer makes a timer that fires after d, at once if d is not positive.
func (c *System) NewTimer(d time.Duration) Timer {
	t := &systemTimer{clock: c, c: make(chan time.Time, 1)}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.start(d)
	return t
}

func (t *systemTimer) C() <-chan time.Time { return t.c }

func (t *systemTimer) Stop() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stop()
}

func (t *systemTimer) Reset(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stop()
	t.start(d)
}

func (t *systemTimer) start(d time.Duration) {
	round := t.round
	t.timer = time.AfterFunc(d, func() { t.fire(round) })
}

// stop ends the round. A timer whose function has begun counts as stopped as long as nobody received from it.
func (t *systemTimer) stop() bool {
	active := t.timer != nil
	t.round++
	if active {
		t.timer.Stop()
		t.timer = nil
	}
	select {
	case <-t.c:
		return true
	default:
		return active
	}
}

func (t *systemTimer) fire(round int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if round != t.round {
		return
	}
	t.timer = nil
	t.c <- t.clock.Now()
}
