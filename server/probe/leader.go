package probe

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"watchkeeper/server/clock"
	"watchkeeper/server/store"
)

const (
	leaseName  = "probe"
	renewEvery = store.LeaseTime / 4
)

// leader holds the lease while it can. Of several servers one probes; when it dies another has the lease after a few
// seconds.
type leader struct {
	leases *store.Leases
	server string
	clock  clock.Clock
	log    *slog.Logger
	held   atomic.Pointer[tenure]
	// changed receives when this server has begun to lead.
	changed chan struct{}
}

// tenure is a lease, and the moment until which it is surely held.
type tenure struct {
	store.Lease
	until time.Time
}

// run takes and keeps the lease until ctx ends.
func (l *leader) run(ctx context.Context) {
	failing := false
	for {
		err := l.renew(ctx)
		if ctx.Err() != nil {
			return
		}
		if trouble := err != nil && !errors.Is(err, store.ErrNotLeader); trouble != failing {
			failing = trouble
			if trouble {
				l.log.Error("agreeing on which server probes failed, trying on", "error", err)
			}
		}
		if clock.Sleep(ctx, l.clock, renewEvery) != nil {
			return
		}
	}
}

func (l *leader) renew(ctx context.Context) error {
	// Counted from before the request, so that the lease never lasts longer here than in the database.
	began := l.clock.Now()
	lease, err := l.leases.Acquire(ctx, leaseName, l.server)
	switch {
	case err == nil:
		before := l.held.Swap(&tenure{lease, began.Add(store.LeaseTime)})
		if before == nil || before.Fence != lease.Fence {
			l.log.Info("this server probes")
			select {
			case l.changed <- struct{}{}:
			default:
			}
		}
	case errors.Is(err, store.ErrNotLeader):
		l.held.Store(nil)
	}
	return err
}

// lease gives the lease, nil while another server has it.
func (l *leader) lease() *store.Lease {
	t := l.held.Load()
	if t == nil || !l.clock.Now().Before(t.until) {
		return nil
	}
	return &t.Lease
}
