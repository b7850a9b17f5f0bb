package store

import (
	"context"
	"time"
)

// targetKept is how long it is remembered that a target was told something; it matters for a minute.
const targetKept = time.Hour

// ForgetTargets removes what is remembered of targets that nothing was told for long.
func (h *Deliveries) ForgetTargets(ctx context.Context) error {
	return h.s.write(ctx, useGeneral, func(tx *Tx) error {
		_, err := tx.exec(ctx, "delete from target where told_at < $1 and digest = ''", int64(tx.now.Add(-targetKept)))
		return err
	})
}
