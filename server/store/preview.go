package store

import (
	"context"

	"watchkeeper/api"
)

// Preview gives what decides about a service that is down, or that would go down now: its open incident, or one that there
// would be. It reports whether there is one. Nothing is changed.
func (h *Incidents) Preview(ctx context.Context, s *api.Service) (out Attended, isOpen bool, err error) {
	err = h.s.read(ctx, func(tx *Tx) error {
		open, err := collect(ctx, tx, scanIncident, "select "+incidentColumns+` from incident
			where subject_kind = 'service' and subject_id = $1 and state = 'open'`, s.ID)
		if err != nil {
			return err
		}
		if len(open) > 0 {
			found, err := tx.attended(ctx, h.sql, open)
			if err != nil {
				return err
			}
			out = *found[0]
			out.Now, isOpen = tx.now, true
			return nil
		}
		opening := api.Change{
			ID: 1, SubjectKind: api.SubjectService, Subject: s.Name, From: s.State, To: api.StateDown, Reason: api.ReasonTimeout,
			At: tx.now, RecordedAt: tx.now, Facts: api.Facts{Tags: s.Tags, Host: s.Host},
		}
		out = Attended{
			Incident: Incident{Incident: api.Incident{
				ID: "preview", SubjectKind: api.SubjectService, Subject: s.Name, State: api.IncidentOpen, OpenedAt: tx.now, Reason: opening.Reason,
			}, SubjectID: s.ID},
			Now: tx.now, Opening: opening, Changes: []api.Change{opening}, Service: s,
		}
		if err := tx.loadParents(ctx, h.sql, []*Attended{&out}); err != nil {
			return err
		}
		return tx.loadOutages(ctx, h.sql, []*Attended{&out})
	})
	return out, isOpen, err
}
