package store

import (
	"context"
	"errors"
	"time"

	"watchkeeper/api"
)

// Leases is the handle of what only one of several servers may do at a time.
type Leases struct{ s *Store }

// LeaseTime is how long a lease lasts unless renewed.
const LeaseTime = 4 * time.Second

// Lease is a hold on a name. Fence grows with every new holder, so that what a former one writes can be told.
type Lease struct {
	Name   string
	Holder string
	Fence  int64
	Until  api.Time
}

// ErrNotLeader says that another server holds the lease.
var ErrNotLeader = errors.New("another server holds the lease")

// Acquire takes or renews a lease for a holder; ErrNotLeader when another has it.
func (h *Leases) Acquire(ctx context.Context, name, holder string) (Lease, error) {
	var l Lease
	err := h.s.write(ctx, useGeneral, func(tx *Tx) (err error) {
		l, err = one(ctx, tx.session, scanLease, `insert into lease (name, holder, fence, until_at) values ($1, $2, 1, $3)
			on conflict (name) do update set holder = excluded.holder, until_at = excluded.until_at,
				fence = lease.fence + case when lease.holder = excluded.holder then 0 else 1 end
			where lease.holder = excluded.holder or lease.until_at < $4
			returning name, holder, fence, until_at`, name, holder, int64(tx.now.Add(LeaseTime)), int64(tx.now))
		if errors.Is(err, errNoRow) {
			return api.Wrap(api.KindConflict, ErrNotLeader, "another server holds the lease")
		}
		return err
	})
	return l, err
}

// Release gives a lease up before its time; one that another has by now stays theirs.
func (h *Leases) Release(ctx context.Context, l Lease) error {
	return h.s.write(ctx, useGeneral, func(tx *Tx) error {
		_, err := tx.exec(ctx, "update lease set until_at = 0 where name = $1 and holder = $2", l.Name, l.Holder)
		return err
	})
}

func scanLease(r row) (Lease, error) {
	var l Lease
	return l, r.Scan(&l.Name, &l.Holder, &l.Fence, &l.Until)
}
