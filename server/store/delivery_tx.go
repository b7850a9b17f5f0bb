package store

import (
	"context"
	"errors"

	"watchkeeper/api"
	"watchkeeper/server/hub"
)

func (tx *Tx) insertDeliveries(ctx context.Context, sql deliverySQL, deliveries []*Delivery) error {
	if len(deliveries) == 0 {
		return nil
	}
	tx.wake(hub.Deliveries)
	_, err := tx.exec(ctx, sql.insert, newDeliveryValues(tx.eng, deliveries)...)
	return err
}

// skipDeliveries ends what nobody has sent of incidents.
func (tx *Tx) skipDeliveries(ctx context.Context, sql deliverySQL, skips []skip) error {
	if len(skips) == 0 {
		return nil
	}
	_, err := tx.exec(ctx, sql.skip, tx.eng.pack(
		each(skips, func(s skip) string { return s.incident }),
		each(skips, func(s skip) string { return s.reason }),
	)...)
	return err
}

// moveDeliveries ends or holds what was ordered before.
func (tx *Tx) moveDeliveries(ctx context.Context, sql deliverySQL, moves []DeliveryMove) error {
	if len(moves) == 0 {
		return nil
	}
	_, err := tx.exec(ctx, sql.move, tx.eng.pack(
		each(moves, func(m DeliveryMove) string { return m.ID }),
		each(moves, func(m DeliveryMove) string { return string(m.State) }),
		each(moves, func(m DeliveryMove) string { return m.Reason }),
	)...)
	return err
}

// releaseDeliveries lets go what was held, as far as its target was not told too much.
func (tx *Tx) releaseDeliveries(ctx context.Context, sql deliverySQL, released []*Delivery) error {
	if len(released) == 0 {
		return nil
	}
	tx.wake(hub.Deliveries)
	_, err := tx.exec(ctx, sql.release, tx.eng.pack(
		each(released, func(d *Delivery) string { return d.ID }),
		each(released, func(d *Delivery) string { return string(d.State) }),
		each(released, func(d *Delivery) string { return d.Reason }),
		each(released, func(d *Delivery) int64 { return int64(d.NextAttempt) }),
		each(released, func(d *Delivery) int64 { return int64(d.DueAt) }),
		each(released, func(d *Delivery) string { return d.Digest }),
	)...)
	return err
}

// freeSilent ends the leases of servers that are silent.
func (tx *Tx) freeSilent(ctx context.Context, sql deliverySQL) error {
	_, err := tx.exec(ctx, sql.silent, int64(tx.now), tx.self.id, int64(tx.now.Add(-Recent)))
	return err
}

// recordAttempt writes what became of a delivery that this server has claimed, and gives the state that it has now.
func (tx *Tx) recordAttempt(ctx context.Context, d Delivery, o Outcome) (api.DeliveryState, error) {
	var sentAt api.Time
	if o.State == api.DeliverySent {
		sentAt = tx.now
	}
	// A reason that came up during the attempt is one not to make another.
	const unwanted = `$4 in ('waiting', 'held') and reason <> ''`
	const state = `case when ` + unwanted + ` then 'skipped' else $4 end`
	got, err := one(ctx, tx, scanOne[api.DeliveryState], `update delivery set claimed_by = '', state = `+state+`,
		next_attempt = case when reason <> '' then 0 else cast($5 as bigint) end, reason = case when `+unwanted+` then reason else $6 end, attempts = case when $4 = 'held' then attempts - 1 else attempts end,
		last_error = case when $4 = 'sent' then last_error else $7 end, receipt = $8, sent_at = $9
		where id = $1 and state = 'sending' and claimed_by = $2 and attempts = $3 returning state`,
		d.ID, d.claimedBy, d.Attempts, string(o.State), int64(o.NextAttempt), o.Reason, o.LastError, o.Receipt, int64(sentAt))
	if errors.Is(err, errNoRow) {
		return "", api.Wrap(api.KindConflict, ErrClaimLost, "the delivery is no longer ours")
	}
	tx.wake(hub.Deliveries)
	return got, err
}

// recordMembers lets the messages that a digest tells of share its end.
func (tx *Tx) recordMembers(ctx context.Context, d Delivery, o Outcome) error {
	var sentAt api.Time
	reason := o.Reason
	if o.State == api.DeliverySent {
		sentAt, reason = tx.now, "told in the digest"
	}
	_, err := tx.exec(ctx, `update delivery set state = $2, reason = $3, last_error = $4, sent_at = $5
		where digest = $1 and digest <> '' and state = 'held'`, d.ID, string(o.State), reason, o.LastError, int64(sentAt))
	return err
}

// revive makes a failed delivery due now. One that a digest failed to tell is sent by itself.
func (tx *Tx) revive(ctx context.Context, d *Delivery) (*Delivery, error) {
	if d.failing() { // it stays due since when it was, so that others are told in time
		return one(ctx, tx, scanDelivery, "update delivery set next_attempt = $2 where id = $1 returning "+deliveryColumns, d.ID, int64(tx.now))
	}
	const reason = "sent again on request"
	if d.About == api.AboutDigest {
		if _, err := tx.exec(ctx, `update delivery set state = 'held', reason = $2 where digest = $1 and digest <> '' and state = 'failed'`,
			d.ID, reason); err != nil {
			return nil, err
		}
	}
	return one(ctx, tx, scanDelivery, `update delivery set state = 'waiting', reason = '`+reason+`', next_attempt = $2, due_at = $2, digest = ''
		where id = $1 returning `+deliveryColumns, d.ID, int64(tx.now))
}
