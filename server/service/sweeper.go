package service

import (
	"context"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/hub"
)

// The pace of the sweeper.
const (
	sweepEvery = 100 * time.Millisecond
	// lowWater is how far the sweeper looks back: behind it the index is full of dead entries. Once in fullSweepEvery,
	// and at the start, it looks at everything.
	lowWater       = time.Minute
	fullSweepEvery = time.Minute
	// patience after a failed sweep, so that a database that is away is not hammered.
	sweepPatience = time.Second
)

// Sweeper notices silence: it judges the services whose time has come.
type Sweeper struct{ services *Services }

// NewSweeper makes the sweeper of the services. Any number of servers may run one on the same database.
func NewSweeper(s *Services) *Sweeper { return &Sweeper{s} }

// Run sweeps until ctx ends.
func (w *Sweeper) Run(ctx context.Context) error {
	s := w.services
	woken := s.Hub.Subscribe(hub.Deadlines)
	defer woken.Close()
	timer := s.Clock.NewTimer(0)
	defer timer.Stop()
	var full api.Time // when everything was looked at
	failing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-woken.C():
		case <-timer.C():
		}
		now := api.TimeOf(s.Clock.Now())
		from := now.Add(-lowWater)
		if now.Sub(full) >= fullSweepEvery || now < full {
			from = 0
		}
		err := w.sweep(ctx, from)
		wait := sweepEvery
		switch {
		case err == nil:
			if from == 0 {
				full = now
			}
			if failing {
				s.Log.Info("deadlines are judged again")
			}
		case ctx.Err() == nil:
			wait, full = sweepPatience, 0
			if !failing {
				s.Log.Error("judging deadlines failed, trying on", "error", err)
			}
		}
		failing = err != nil
		timer.Reset(wait)
	}
}

// sweep judges in batches until nothing is due.
func (w *Sweeper) sweep(ctx context.Context, from api.Time) error {
	for ctx.Err() == nil {
		swept, err := w.services.Store.Services.Sweep(ctx, from)
		if err != nil {
			return err
		}
		for _, c := range swept.Changes {
			w.services.Log.Info("service changed", "service", c.Subject, "from", c.From, "to", c.To, "cause", c.Reason, "at", c.At.String())
		}
		if !swept.More {
			return nil
		}
	}
	return nil
}
