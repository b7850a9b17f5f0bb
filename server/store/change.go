package store

import (
	"context"
	"fmt"

	"watchkeeper/api"
)

// Changes is the handle of recorded transitions.
type Changes struct{ s *Store }

const changeColumns = "id, subject_kind, subject, from_state, to_state, reason, at, recorded_at, facts"

func scanChange(r row) (api.Change, error) {
	var (
		c     api.Change
		facts string
	)
	if err := r.Scan(&c.ID, &c.SubjectKind, &c.Subject, &c.From, &c.To, &c.Reason, &c.At, &c.RecordedAt, &facts); err != nil {
		return c, fmt.Errorf("reading a change: %w", err)
	}
	var err error
	c.Facts, err = fromJSON[api.Facts](facts)
	return c, err
}

// OfService gives the changes of a service, newest first, below an id; 0 begins with the newest.
func (h *Changes) OfService(ctx context.Context, serviceID string, before int64, limit int) ([]api.Change, error) {
	if before == 0 {
		before = 1 << 62
	}
	var out []api.Change
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		out, err = collect(ctx, tx.session, scanChange, "select "+changeColumns+` from change
			where subject_kind = 'service' and subject_id = $1 and id < $2 order by id desc limit $3`, serviceID, before, limit)
		return err
	})
	return out, err
}

// uptimeChanges bounds how many changes uptime is counted from; what is older counts as not watched.
const uptimeChanges = 50_000

// Uptime counts how much of the last day, week, month, quarter and year a service was up.
func (h *Changes) Uptime(ctx context.Context, s *api.Service) (api.ServiceUptime, error) {
	out := api.ServiceUptime{Service: s.Name, State: s.State, Since: s.StateSince}
	err := h.s.read(ctx, func(tx *Tx) error {
		r, err := tx.query(ctx, `select from_state, at from change where subject_kind = 'service' and subject_id = $1
			order by id desc limit $2`, s.ID, uptimeChanges)
		if err != nil {
			return err
		}
		defer r.Close()
		count := api.NewUptimeCount(s.State, tx.now)
		known, more, changes := s.CreatedAt, true, 0
		for more && r.Next() {
			var c api.Change
			if err := r.Scan(&c.From, &c.At); err != nil {
				return fmt.Errorf("reading a change: %w", err)
			}
			more = count.Add(c)
			if changes++; changes == uptimeChanges {
				known = c.At
			}
		}
		r.Close()
		out.Periods = count.Periods(known)
		return r.Err()
	})
	return out, err
}
