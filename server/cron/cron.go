// Package cron runs the periodic work of the server: what must happen now and then, on one of several servers, and can
// be repeated without harm. It is the only user of gocron.
//
// What has a deadline of its own, such as judging silence or sending a message, is a loop of its feature instead.
package cron

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/go-co-op/gocron/v2"

	"watchkeeper/server/clock"
	"watchkeeper/server/store"
)

// Job is work that is done every so often, by the leader only, and once soon after the start.
type Job struct {
	Name  string
	Every time.Duration
	Run   func(context.Context) error
}

// Options is what a Cron is made of.
type Options struct {
	Leases *store.Leases
	Server string // the id of this server
	Clock  clock.Clock
	Log    *slog.Logger
	Jobs   []Job
}

// Cron runs jobs while this server is the leader.
type Cron struct{ Options }

// New makes a Cron.
func New(o Options) *Cron { return &Cron{o} }

const (
	leaseName  = "cron"
	renewEvery = store.LeaseTime / 4
	stopWithin = 5 * time.Second
)

// Run runs the jobs until ctx ends, and waits a while for one that is under way.
func (c *Cron) Run(ctx context.Context) error {
	leader := &leader{cron: c}
	scheduler, err := gocron.NewScheduler(gocron.WithDistributedElector(leader), gocron.WithStopTimeout(stopWithin))
	if err != nil {
		return fmt.Errorf("making the scheduler: %w", err)
	}
	for _, job := range c.Jobs {
		_, err := scheduler.NewJob(gocron.DurationJob(job.Every), gocron.NewTask(func() { c.run(ctx, job) }),
			gocron.WithName(job.Name), gocron.WithSingletonMode(gocron.LimitModeReschedule), gocron.WithStartAt(gocron.WithStartImmediately()))
		if err != nil {
			return fmt.Errorf("scheduling %s: %w", job.Name, err)
		}
	}
	leader.renew(ctx)
	scheduler.Start()
	ticker := time.NewTicker(renewEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			if err := scheduler.Shutdown(); err != nil {
				c.Log.Warn("periodic work did not end in time", "error", err)
			}
			return nil
		case <-ticker.C:
			leader.renew(ctx)
		}
	}
}

func (c *Cron) run(ctx context.Context, job Job) {
	if ctx.Err() != nil {
		return
	}
	if err := job.Run(ctx); err != nil && ctx.Err() == nil {
		c.Log.Error("periodic work failed", "job", job.Name, "error", err)
	}
}

// leader holds the lease while it can.
type leader struct {
	cron  *Cron
	until atomic.Pointer[time.Time]
}

// renew takes or keeps the lease.
func (l *leader) renew(ctx context.Context) {
	started := l.cron.Clock.Now()
	_, err := l.cron.Leases.Acquire(ctx, leaseName, l.cron.Server)
	switch {
	case err == nil:
		// Counted from before the request, so that the lease never lasts longer here than in the database.
		until := started.Add(store.LeaseTime)
		l.until.Store(&until)
	case errors.Is(err, store.ErrNotLeader):
		l.until.Store(nil)
	}
}

var errNotLeader = errors.New("another server leads")

// IsLeader says whether this server may run jobs now.
func (l *leader) IsLeader(context.Context) error {
	if until := l.until.Load(); until != nil && l.cron.Clock.Now().Before(*until) {
		return nil
	}
	return errNotLeader
}
