package store

import (
	"context"
	"sync/atomic"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/hub"
)

// Servers is the handle of the servers that share the database, of their liveness and of the gaps in it.
type Servers struct {
	s       *Store
	catchUp time.Duration
	self    serverRow
	shared  atomic.Bool // another server was alive at the last Beat
}

// MinGap is the shortest time without any server that counts as an absence.
const MinGap = 5 * time.Second

// Presence is who this server is.
type Presence struct {
	ID      string
	Name    string
	Version string
	CatchUp time.Duration // caps how long deadlines are held after a gap; 0 means the default
}

// Register says who this server is, before its first Beat.
func (h *Servers) Register(p Presence) {
	h.self = serverRow{id: p.ID, name: p.Name, version: p.Version, startedAt: h.s.now()}
	h.catchUp = p.CatchUp
}

// Beat writes that this server is alive, and looks whether others are. When no server was alive for MinGap before, it
// records the gap and gives it.
func (h *Servers) Beat(ctx context.Context) (*api.Gap, error) {
	var (
		gap    *api.Gap
		others []string
	)
	err := h.s.write(ctx, useGeneral, func(tx *Tx) (err error) {
		if gap, err = tx.witness(ctx, h.self); err != nil {
			return err
		}
		others, err = tx.othersAlive(ctx, h.self)
		return err
	})
	if err == nil {
		h.shared.Store(len(others) > 0)
	}
	return gap, err
}

// LastAlive gives the latest moment at which any server was alive, 0 when none ever was. At a start it may lie in the
// future: then the clock of the machine was set back.
func (h *Servers) LastAlive(ctx context.Context) (api.Time, error) {
	var last api.Time
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		last, err = tx.lastAlive(ctx)
		return err
	})
	return last, err
}

// Gaps gives the latest gaps, newest last.
func (h *Servers) Gaps(ctx context.Context) ([]api.Gap, error) {
	var gaps []api.Gap
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		gaps, err = tx.gaps(ctx)
		return err
	})
	return gaps, err
}

// ForgetSilent removes the rows of servers that were not alive for a day.
func (h *Servers) ForgetSilent(ctx context.Context) error {
	return h.s.write(ctx, useGeneral, func(tx *Tx) error {
		last, err := tx.lastAlive(ctx)
		if err != nil {
			return err
		}
		// The latest mark stays, whoever made it: it is what a gap is measured from.
		_, err = tx.exec(ctx, "delete from server where seen_at < $1 and seen_at < $2",
			int64(tx.now.Add(-24*time.Hour)), int64(last))
		return err
	})
}

// Recent says how old a mark is at most while somebody else serves this database.
const Recent = 4 * time.Second

// OthersAlive gives the names of other servers that were alive within Recent.
func (h *Servers) OthersAlive(ctx context.Context) ([]string, error) {
	var names []string
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		names, err = tx.othersAlive(ctx, h.self)
		return err
	})
	return names, err
}

// Leave gives up what a server holds that ends in good order, so that others need not wait for its leases to run out, and
// marks its life for the last time, since a later gap is measured from there.
func (h *Servers) Leave(ctx context.Context) error {
	return h.s.write(ctx, useGeneral, func(tx *Tx) error {
		if _, err := tx.exec(ctx, "delete from lease where holder = $1", h.self.id); err != nil {
			return err
		}
		tx.wake(hub.Deliveries, hub.Incidents)
		_, err := tx.witness(ctx, h.self)
		return err
	})
}
