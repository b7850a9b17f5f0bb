// Package retention keeps what the server remembers within bounds: it removes what is older or more than is kept, and
// watches how full the disk is.
//
// What is to go is decided in package api, how it goes in package store. Here is when, and how slowly.
package retention

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/clock"
	"watchkeeper/server/store"
)

// Options is what the feature is made of.
type Options struct {
	Store *store.Store
	Clock clock.Clock
	Log   *slog.Logger
	Keep  map[api.Table]api.Retention
	Disk  *Guard // nil where the database is not in the data folder
}

// Retention removes what is not kept.
type Retention struct{ Options }

// New makes the feature.
func New(o Options) *Retention { return &Retention{o} }

// The pace of a removal: a step is as large as fits into its time, and is followed by a pause as long as itself, so that
// whoever writes has at least every second turn.
const (
	stepTime  = 10 * time.Millisecond
	firstStep = 200
	minStep   = 20
	maxStep   = 20_000
	minPause  = 5 * time.Millisecond
)

// RunOnce removes what is old or too much now, of each table.
func (r *Retention) RunOnce(ctx context.Context) error {
	var errs []error
	for _, table := range api.Tables() {
		if err := r.trim(ctx, table); err != nil {
			errs = append(errs, fmt.Errorf("removing old %s: %w", table, err))
		}
	}
	if err := r.shrink(ctx); err != nil {
		errs = append(errs, fmt.Errorf("giving back unused room: %w", err))
	}
	return errors.Join(errs...)
}

func (r *Retention) trim(ctx context.Context, table api.Table) error {
	keep := r.Keep[table]
	if keep == (api.Retention{}) {
		return nil
	}
	use, err := r.Store.Retention.Use(ctx, table)
	if err != nil || use.Rows == 0 {
		return err
	}
	var size api.Time
	if left, over := keep.Keep(use.Bytes); over {
		if size, err = r.Store.Retention.Begins(ctx, table, left); err != nil {
			return err
		}
	}
	before, reason := keep.Before(api.TimeOf(r.Clock.Now()), size)
	if reason == api.RetentionNone {
		return nil
	}
	trimming := r.Store.Retention.Trim(table, before, reason == api.RetentionSize)
	var removed int64
	err = r.paced(ctx, func(rows int) (bool, error) {
		n, done, err := trimming.Step(ctx, rows)
		removed += n
		return !done, err
	})
	if removed > 0 {
		r.Log.Info("removed what is not kept", "table", table, "rows", removed, "before", before.String(), "reason", reason)
	}
	return err
}

func (r *Retention) shrink(ctx context.Context) error {
	return r.paced(ctx, func(pages int) (bool, error) { return r.Store.Retention.Shrink(ctx, pages) })
}

// paced takes steps until there are no more.
func (r *Retention) paced(ctx context.Context, step func(size int) (more bool, err error)) error {
	for size := firstStep; ; {
		began := r.Clock.Now()
		more, err := step(size)
		if err != nil || !more {
			return err
		}
		took := r.Clock.Now().Sub(began)
		size = nextStep(size, took)
		if err := clock.Sleep(ctx, r.Clock, max(took, minPause)); err != nil {
			return err
		}
	}
}

// nextStep gives the size of a step after one that took so long.
func nextStep(size int, took time.Duration) int {
	fitting := float64(2 * size)
	if took > stepTime/2 {
		fitting = float64(size) * float64(stepTime) / float64(took)
	}
	return min(max(int(fitting), minStep), maxStep)
}

// Describe tells what the database holds, and what is left for it.
func (r *Retention) Describe(ctx context.Context) (api.Storage, error) {
	var s api.Storage
	var err error
	if s.Bytes, err = r.Store.Size(ctx); err != nil {
		return s, err
	}
	for _, table := range api.Tables() {
		use, err := r.Store.Retention.Use(ctx, table)
		if err != nil {
			return s, err
		}
		s.Tables = append(s.Tables, use.With(r.Keep[table]))
	}
	if r.Disk != nil {
		s.Disk, err = r.Disk.Look()
	}
	return s, err
}
