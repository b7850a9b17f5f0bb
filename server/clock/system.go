package clock

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	measureEvery   = time.Second
	measureTimeout = 5 * time.Second // giving up sooner would cost a slow database its connection, too
	syncAttempts   = 5
	silenceLimit   = time.Minute // a reference that gives no usable answer for longer is worth a line in the log
)

// Options are what a System is made of.
type Options struct {
	// Reference asks the clock that all servers share what time it is; nil takes the machine's.
	Reference func(context.Context) (time.Time, error)
	// OnStep is told how far the reference was set, forward if positive, when that is over two seconds. It is called
	// by Run, once for each time, and holds up the next measurement until it returns. May be nil.
	OnStep func(offset time.Duration)
	// Logger gets a line when the machine slept, and when the reference falls silent and comes back. May be nil.
	Logger *slog.Logger
}

// System is the clock of a running server. Now may be called from any number of goroutines.
type System struct {
	options Options
	machine machine
	base    time.Time
	asleep  time.Duration // what the machine says of sleep at the start

	knowsSleep bool // false where it did not say then, and so has nothing to be compared with later

	state   atomic.Pointer[state]
	last    atomic.Int64 // the latest Now that was given, in nanoseconds since 1970
	change  sync.Mutex   // held while state is replaced
	running atomic.Bool
}

// NewSystem gives a clock whose base is the machine's clock. One with a reference needs Sync before it is relied on,
// and Run while it is.
func NewSystem(o Options) *System { return newSystem(o, thisMachine()) }

func newSystem(o Options, m machine) *System {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	first := m.read()
	c := &System{options: o, machine: m, base: first.wall.Add(-first.elapsed)}
	c.asleep, c.knowsSleep = m.slept()
	if c.options.Reference == nil {
		c.options.Reference = func(context.Context) (time.Time, error) { return m.read().wall, nil }
	}
	c.state.Store(&state{})
	return c
}

// Now gives the time.
func (c *System) Now() time.Time {
	r := c.machine.read()
	s := c.state.Load()
	// Of a machine that slept, the wall clock knows first. Waiting for Run to notice would date the first requests
	// after the sleep as if it had not been, and judge them at once.
	if r.ahead(c.base)-s.ahead > sleepLimit {
		s = c.resume()
	}
	return time.Unix(0, c.notBefore(c.at(s, r.elapsed))).UTC()
}

func (c *System) at(s *state, elapsed time.Duration) int64 {
	return c.base.Add(elapsed + s.offset(elapsed)).UnixNano()
}

// Offset gives how far the reference, as last measured, is ahead of Now: what is still to be slewed.
func (c *System) Offset() time.Duration {
	s := c.state.Load()
	return s.slew.to - s.slew.at(c.machine.read().elapsed)
}

// notBefore gives now, or what was given last when that is later: a caller that read the machine before a new slew
// began and the state after, or the other way round, can be off by a few microseconds.
func (c *System) notBefore(now int64) int64 {
	for {
		last := c.last.Load()
		if now <= last {
			return last
		}
		if c.last.CompareAndSwap(last, now) {
			return now
		}
	}
}

// resume takes in that the machine may have slept.
func (c *System) resume() *state {
	s, v := c.take(nil)
	c.tell(v)
	return s
}

// take looks at the machine and replaces the state by what follows from that and the answer.
func (c *System) take(a *answer) (*state, verdict) {
	c.change.Lock()
	defer c.change.Unlock()
	s := c.state.Load()
	r := c.machine.read()
	l := look{elapsed: r.elapsed, slept: s.slept, ahead: r.ahead(c.base), answer: a}
	if slept, ok := c.machine.slept(); ok && c.knowsSleep {
		l.slept = slept - c.asleep
	}
	next, v := decide(*s, l)
	c.state.Store(&next)
	return &next, v
}

// measure asks the reference, and takes it that the answer was made half way between question and arrival.
func (c *System) measure(ctx context.Context) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, measureTimeout)
	defer cancel()
	suspended := c.state.Load().suspended
	asked := c.machine.read().elapsed
	reference, err := c.options.Reference(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking the reference for the time: %w", err)
	}
	roundTrip := c.machine.read().elapsed - asked
	middle := c.base.Add(asked + roundTrip/2 + suspended)
	return &answer{offset: reference.Sub(middle), roundTrip: roundTrip, suspended: suspended}, nil
}

var errRunning = errors.New("the clock is running")

// Sync sets the clock by its reference at once, whichever way that goes; a reference that answers slowly is asked a few
// times and believed in its quickest answer. It must come before anything relies on Now, and fails once Run was called
// or when the reference never answers.
func (c *System) Sync(ctx context.Context) error {
	if c.running.Load() {
		return fmt.Errorf("syncing: %w", errRunning)
	}
	var best *answer
	var failure error
	for range syncAttempts {
		a, err := c.measure(ctx)
		if err != nil {
			failure = err
			continue
		}
		if best == nil || a.roundTrip < best.roundTrip {
			best = a
		}
		if best.roundTrip <= slowAnswer {
			break
		}
	}
	if best == nil {
		return failure
	}
	c.place(func(state, time.Duration) slew { return slew{from: best.offset, to: best.offset} })
	return nil
}

// SetBase makes Now go on from t, for a start that finds a liveness mark in the future: what is stored must not lie
// ahead of Now. The way back to the reference is then slewed as everything is. A t that is past changes nothing, and
// once Run was called it fails.
func (c *System) SetBase(t time.Time) error {
	if c.running.Load() {
		return fmt.Errorf("setting the base: %w", errRunning)
	}
	if !t.After(c.Now()) {
		return nil
	}
	c.place(func(s state, elapsed time.Duration) slew {
		return slew{since: elapsed, from: t.Sub(c.base) - elapsed - s.suspended, to: s.slew.to}
	})
	return nil
}

// place puts Now where it has to be before anybody relies on it.
func (c *System) place(at func(s state, elapsed time.Duration) slew) {
	c.change.Lock()
	defer c.change.Unlock()
	next := *c.state.Load()
	next.slew = at(next, c.machine.read().elapsed)
	c.state.Store(&next)
	c.last.Store(0)
}

// Run compares the clock with its reference every second until ctx ends, and then gives nil.
func (c *System) Run(ctx context.Context) error {
	c.running.Store(true)
	ticker := time.NewTicker(measureEvery)
	defer ticker.Stop()
	var s silence
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			c.compare(ctx, &s)
		}
	}
}

func (c *System) compare(ctx context.Context, s *silence) {
	a, err := c.measure(ctx)
	if ctx.Err() != nil {
		return
	}
	_, v := c.take(a)
	c.tell(v)
	s.note(c.options.Logger, heard{elapsed: c.machine.read().elapsed, reason: v.reason, err: err})
}

func (c *System) tell(v verdict) {
	switch {
	case v.reason == resumed && v.by > 0:
		c.options.Logger.Warn("the machine slept", "for", v.by)
	case v.reason == stepped && c.options.OnStep != nil:
		c.options.OnStep(v.by)
	}
}

// silence is how long the reference has said nothing usable, and whether the log has it.
type silence struct {
	last time.Duration // when it did, as elapsed time
	told bool
}

type heard struct {
	elapsed time.Duration
	reason  reason
	err     error
}

func (s *silence) note(log *slog.Logger, h heard) {
	switch {
	case h.reason == resumed:
	case h.reason.usable():
		if s.told {
			log.Info("the clock's reference answers again", "after", h.elapsed-s.last)
		}
		*s = silence{last: h.elapsed}
	case !s.told && h.elapsed-s.last > silenceLimit:
		log.Warn("the clock's reference gives no usable answer", "reason", string(h.reason), "for", h.elapsed-s.last,
			"error", h.err)
		s.told = true
	}
}
