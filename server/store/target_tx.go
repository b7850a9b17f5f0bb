package store

import (
	"cmp"
	"context"
	"slices"

	"github.com/google/uuid"

	"watchkeeper/api"
)

// admit lets new deliveries through to their targets, or has them gathered in the digests of these. It gives the
// digests that begin with them.
func (tx *Tx) admit(ctx context.Context, sql targetSQL, deliveries []*Delivery) ([]*Delivery, error) {
	targets, err := tx.lockTargets(ctx, sql, deliveries)
	if err != nil || len(targets) == 0 {
		return nil, err
	}
	var digests []*Delivery
	for _, d := range deliveries {
		t := targets[d.target]
		if t == nil || d.State != api.DeliveryWaiting {
			continue
		}
		at := t.Admit(tx.now)
		if at == 0 {
			continue
		}
		if t.digest == "" {
			digest := newDigest(d, at, tx.now)
			t.digest = digest.ID
			digests = append(digests, digest)
		}
		d.State, d.NextAttempt, d.Digest, d.Reason = api.DeliveryHeld, 0, t.digest, t.Held(tx.zone)
	}
	return digests, tx.saveTargets(ctx, sql, targets)
}

// newDigest is a delivery to the target of d that tells of several.
func newDigest(d *Delivery, at, now api.Time) *Delivery {
	return &Delivery{
		Delivery: api.Delivery{
			ID: uuid.Must(uuid.NewV7()).String(), About: api.AboutDigest, Channel: d.Channel, State: api.DeliveryWaiting,
			NextAttempt: at, CreatedAt: now,
		},
		Address: d.Address, Lane: d.Lane, DueAt: at, target: d.target,
	}
}

// lockTargets locks the targets of deliveries that are to be sent, in the order of their names.
func (tx *Tx) lockTargets(ctx context.Context, sql targetSQL, deliveries []*Delivery) (map[string]*targetRow, error) {
	var names []string
	for _, d := range deliveries {
		if d.State == api.DeliveryWaiting {
			names = append(names, d.target)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if _, err := tx.exec(ctx, sql.insert, tx.eng.pack(names)...); err != nil {
		return nil, err
	}
	found, err := collect(ctx, tx, scanTarget, sql.lock, tx.eng.pack(names)...)
	targets := make(map[string]*targetRow, len(found))
	for _, t := range found {
		targets[t.name] = t
	}
	return targets, err
}

func (tx *Tx) saveTargets(ctx context.Context, sql targetSQL, targets map[string]*targetRow) error {
	list := make([]*targetRow, 0, len(targets))
	for _, t := range targets {
		list = append(list, t)
	}
	_, err := tx.exec(ctx, sql.save, tx.eng.pack(
		each(list, func(t *targetRow) string { return t.name }),
		each(list, func(t *targetRow) string { return times(t.Told) }),
		each(list, func(*targetRow) int64 { return int64(tx.now) }),
		each(list, func(t *targetRow) string { return t.digest }),
		each(list, func(t *targetRow) int64 { return int64(t.DigestAt) }),
	)...)
	return err
}

// times writes moments as numbers, as every other column has them.
func times(list []api.Time) string {
	if len(list) == 0 {
		return "[]"
	}
	return toJSON(each(list, func(t api.Time) int64 { return int64(t) }))
}

// closeDigests ends the gathering of digests that are being sent: what becomes due from now on is not told by them.
// Whoever gathers holds the target locked, so that all they added is there afterwards.
func (tx *Tx) closeDigests(ctx context.Context, claimed []*Delivery) error {
	digests := slices.DeleteFunc(slices.Clone(claimed), func(d *Delivery) bool { return d.About != api.AboutDigest })
	slices.SortFunc(digests, func(a, b *Delivery) int { return cmp.Compare(a.target, b.target) })
	for _, d := range digests {
		if _, err := tx.exec(ctx, "update target set digest = '', digest_at = 0 where name = $1 and digest = $2", d.target, d.ID); err != nil {
			return err
		}
	}
	return nil
}
