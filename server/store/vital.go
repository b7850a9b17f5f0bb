package store

import (
	"context"

	"watchkeeper/api"
)

// Vitals is what shows, in the database, whether the servers on it do their work. Moments are 0 where there is nothing.
type Vitals struct {
	Now    api.Time // of this server
	Marked api.Time // when a server last wrote that it was alive
	Judge  api.Time // the earliest moment at which a service must be looked at
	Attend api.Time // the earliest moment at which an incident must be looked at
	Send   api.Time // since when the delivery is due that has waited longest for its next try, unless it waits for another
	Vain   api.Time // since when the delivery is due that has been tried longest without being sent
	// Sent says that another was sent of those that were made since Vain.
	Sent bool
}

// Vitals looks at all of them as of one moment.
func (h *Servers) Vitals(ctx context.Context) (Vitals, error) {
	var out Vitals
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		out, err = one(ctx, tx, scanVitals, vitals)
		out.Now = tx.now
		if err != nil || out.Vain == 0 {
			return err
		}
		sent, err := one(ctx, tx, scanOne[int64], "select count(*) from (select 1 from delivery where created_at >= $1 and state = 'sent' limit 1) s", int64(out.Vain))
		out.Sent = sent > 0
		return err
	})
	return out, err
}
