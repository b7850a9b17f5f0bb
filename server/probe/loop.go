package probe

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/clock"
	"watchkeeper/server/hub"
	"watchkeeper/server/store"
)

// The pace of the loop.
const (
	// reloadEvery bounds how often the probes are read while many of them are being changed.
	reloadEvery = time.Second / 2
	// lookEvery is how long the loop sleeps at most, so that it sees that it leads no more.
	lookEvery = time.Second
	// readAnew is how often the probes are read though nobody spoke of a change.
	readAnew = time.Minute
)

// Run probes while this server leads, until ctx ends.
func (p *Probes) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	background.Go(func() { p.leader.run(ctx) })
	l := &loop{
		Probes: p, schedule: newSchedule(laneSize), ended: make(chan outcome, 2*laneSize),
	}
	l.run(ctx)
	cancel()
	background.Wait()
	l.workers.Wait()
	return nil
}

// loop is the state of Run.
type loop struct {
	*Probes
	schedule *schedule
	workers  sync.WaitGroup
	ended    chan outcome // has room for all that can be under way
	lease    *store.Lease // under which the schedule was read
	readAt   api.Time     // when that was, 0 for it must be read anew
	// tenure is the context of what runs under the lease, and stop ends it.
	tenure context.Context
	stop   context.CancelFunc
}

// outcome is what became of a run.
type outcome struct {
	entry    *entry
	failures int
	notified notice
}

func (l *loop) run(ctx context.Context) {
	changed := l.Hub.Subscribe(hub.Probes)
	defer changed.Close()
	timer := l.Clock.NewTimer(0)
	defer timer.Stop()
	stale := true
	defer l.resign()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed.C():
			stale = true
		case <-l.leader.changed:
			stale = true
		case o := <-l.ended:
			l.underway.Add(-1)
			o.entry.notified = o.notified
			l.schedule.done(o.entry, o.failures, l.now())
		case <-timer.C():
		}
		wait := lookEvery
		if l.lead(ctx) {
			now := l.now()
			if age := now.Sub(l.readAt); l.readAt == 0 || age >= readAnew || stale && age >= reloadEvery {
				stale = !l.read(ctx)
			} else if stale {
				wait = reloadEvery - age
			}
			for _, e := range l.schedule.due(now) {
				l.start(e)
			}
			if next := l.schedule.next(); next > 0 {
				wait = min(wait, max(0, next.Sub(l.now())))
			}
		}
		timer.Reset(wait)
	}
}

func (l *loop) now() api.Time { return api.TimeOf(l.Clock.Now()) }

// lead sees whether this server leads, and begins anew or gives up when that has changed.
func (l *loop) lead(ctx context.Context) bool {
	lease := l.leader.lease()
	if l.lease != nil && (lease == nil || lease.Fence != l.lease.Fence) {
		if ctx.Err() == nil {
			l.Log.Warn("this server probes no more: another one does, or it could not say that it is alive")
		}
		l.resign()
	}
	if lease == nil || ctx.Err() != nil {
		return false
	}
	if l.lease == nil {
		l.lease, l.readAt = lease, 0
		l.tenure, l.stop = context.WithCancel(ctx)
	}
	return true
}

// resign forgets the schedule and ends what is under way, without a result.
func (l *loop) resign() {
	if l.stop != nil {
		l.stop()
		l.stop = nil
	}
	l.schedule.clear()
	l.lease = nil
}

// read takes what is to be probed from the store, and reports whether it could.
func (l *loop) read(ctx context.Context) bool {
	l.readAt = max(l.now(), 1)
	list, err := l.Store.Probes.Watched(ctx)
	if err != nil {
		if ctx.Err() == nil {
			l.trouble.say("reading the probes failed, trying on", "error", err)
		}
		return false
	}
	l.schedule.load(list, l.now())
	return true
}

// start runs a probe beside the loop.
func (l *loop) start(e *entry) {
	target, lease, said, ctx := e.Probed, l.lease, e.notified, l.tenure
	l.underway.Add(1)
	l.workers.Go(func() {
		o := outcome{entry: e, failures: target.Failures, notified: said}
		defer func() { l.ended <- o }()
		r := l.check(ctx, target)
		if ctx.Err() != nil {
			return
		}
		o.notified = l.warn(target, r, said)
		failures, err := l.record(target, r, lease)
		if err == nil {
			o.failures = failures
		} else if api.KindOf(err) != api.KindNotFound && api.KindOf(err) != api.KindConflict {
			l.trouble.say("what a probe found could not be stored", "service", target.Name, "error", err)
		}
	})
}

// complaint tells the log of trouble that may come with every run, once a minute.
type complaint struct {
	log   *slog.Logger
	clock clock.Clock
	mu    sync.Mutex
	told  map[string]time.Time
}

func (c *complaint) say(what string, facts ...any) {
	const every = time.Minute
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	if told, before := c.told[what]; before && now.Sub(told) < every {
		return
	}
	if c.told == nil {
		c.told = map[string]time.Time{}
	}
	c.told[what] = now
	c.log.Error(what, facts...)
}
