package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"watchkeeper/api"
	"watchkeeper/api/schedule"
	"watchkeeper/server/hub"
)

// Services is the handle of services: their settings and, by Sweep, what time makes of them. Pulses are in Pulses.
type Services struct {
	s         *Store
	sql       serviceSQL
	parents   parentSQL
	schedules schedules
}

func newServices(s *Store) *Services {
	return &Services{s: s, sql: newServiceSQL(s.eng), parents: newParentSQL(s.eng), schedules: schedules{schedule.NewCache(1024), s.log}}
}

// Create makes a service. The settings have been validated. It gives KindConflict when the name is taken.
func (h *Services) Create(ctx context.Context, settings api.ServiceSettings) (*api.Service, error) {
	var made *api.Service
	err := h.s.write(ctx, useGeneral, func(tx *Tx) error {
		row := newService(settings, tx.now)
		if err := tx.checkAncestry(ctx, h.parents, &row.ServiceSettings); err != nil {
			return err
		}
		n, err := tx.insertServices(ctx, h.sql.insert, []*serviceRow{row})
		if err != nil {
			return err
		}
		if n == 0 {
			return api.Errorf(api.KindConflict, "a service with this name exists already")
		}
		made = &row.Service
		tx.audit(api.AuditServiceCreate, row.Name, fieldsOf(auditSettings(row.ServiceSettings)))
		tx.wake(hub.Services)
		if err := tx.saveProbe(ctx, &row.Service); err != nil {
			return err
		}
		return tx.saveParents(ctx, h.parents, row)
	})
	return made, err
}

// newService is a service that has never pulsed.
func newService(settings api.ServiceSettings, now api.Time) *serviceRow {
	return &serviceRow{Service: api.Service{
		ID: uuid.Must(uuid.NewV7()).String(), ServiceSettings: canonical(settings), CreatedAt: now, UpdatedAt: now,
		ServiceStatus: api.ServiceStatus{State: api.StateNew, StateSince: now},
	}}
}

// Edit is a change of one service: it gets the service as it is and returns its new settings, or an error that ends
// the transaction. It may run more than once.
type Edit func(api.Service) (api.ServiceSettings, error)

// Update changes the settings of a service by id. It gives KindNotFound, or KindConflict when a new name is taken.
func (h *Services) Update(ctx context.Context, id string, edit Edit) (*api.Service, error) {
	return h.alter(ctx, id, func(tx *Tx, s *serviceRow) error {
		settings, err := edit(s.Service)
		if err != nil {
			return err
		}
		settings = canonical(settings)
		former := canonical(s.ServiceSettings)
		anotherProbe := !settings.Probe.Same(former.Probe)
		if toJSON(settings) == toJSON(former) && !anotherProbe {
			return nil
		}
		tx.audit(api.AuditServiceUpdate, s.Name, auditServiceChanges(s.ServiceSettings, settings))
		if err := tx.checkAncestry(ctx, h.parents, &settings); err != nil {
			return err
		}
		// Without what is known of absences judge_at may come out too early, which the sweeper puts right.
		for _, t := range s.Change(settings, tx.now, h.schedules.of(settings), api.Absence{}) {
			tx.transition(s, t, api.Facts{})
		}
		n, err := tx.exec(ctx, h.sql.saveSettings, tx.eng.pack(settingsValues([]*serviceRow{s})...)...)
		if tx.eng.judge(err) == verdictUnique {
			return api.Wrap(api.KindConflict, err, "a service with this name exists already")
		}
		switch {
		case err != nil:
			return err
		case n == 0:
			return errors.New("the locked service is gone")
		}
		if anotherProbe {
			if err := tx.saveProbe(ctx, &s.Service); err != nil {
				return err
			}
		}
		if !slices.Equal(settings.Ancestry(), former.Ancestry()) { // what keeps people from being told may be gone
			tx.wake(hub.Incidents)
			if _, err := tx.exec(ctx, `update incident set attend_at = $1 where state = 'open' and subject_kind = 'service'
				and subject_id = $2 and (attend_at = 0 or attend_at > $1)`, int64(tx.now), s.ID); err != nil {
				return err
			}
		}
		if slices.Equal(settings.Parents, former.Parents) {
			return nil
		}
		return tx.saveParents(ctx, h.parents, s)
	})
}

// Pause stops watching a service until it pulses or Resume. It may be repeated.
func (h *Services) Pause(ctx context.Context, id string, reason api.Reason) (*api.Service, error) {
	return h.alter(ctx, id, func(tx *Tx, s *serviceRow) error {
		for _, t := range s.Pause(tx.now, reason) {
			tx.transition(s, t, api.Facts{})
			tx.audit(api.AuditServicePause, s.Name, map[string]any{"reason": t.Reason})
		}
		return nil
	})
}

// Resume begins anew after a pause; a service that is not paused is KindConflict.
func (h *Services) Resume(ctx context.Context, id string) (*api.Service, error) {
	return h.alter(ctx, id, func(tx *Tx, s *serviceRow) error {
		if s.State != api.StatePaused {
			return api.Errorf(api.KindConflict, "the service is not paused")
		}
		for _, t := range s.Resume(tx.now) {
			tx.transition(s, t, api.Facts{})
		}
		tx.audit(api.AuditServiceResume, s.Name, nil)
		return nil
	})
}

// alter locks one service, lets time and then fn change it, and saves it.
func (h *Services) alter(ctx context.Context, id string, fn func(*Tx, *serviceRow) error) (*api.Service, error) {
	var out *api.Service
	err := h.s.write(ctx, useGeneral, func(tx *Tx) error {
		found, err := h.lock(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := fn(tx, found); err != nil {
			return err
		}
		out = &found.Service
		tx.wake(hub.Services, hub.Deadlines)
		return tx.saveStatuses(ctx, h.sql.saveStatus, []*serviceRow{found})
	})
	return out, err
}

// lock keeps one service for this transaction and lets time act on it, so that what happens to it now comes after that.
func (h *Services) lock(ctx context.Context, tx *Tx, id string) (*serviceRow, error) {
	found, err := tx.lockServices(ctx, h.sql.lockByID, []string{id})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errNoService
	}
	if err := tx.readProbe(ctx, found[0]); err != nil {
		return nil, err
	}
	return found[0], h.judge(ctx, tx, found[0])
}

// judge lets time act on one service up to now.
func (h *Services) judge(ctx context.Context, tx *Tx, s *serviceRow) error {
	if s.JudgeAt == 0 || s.JudgeAt > tx.now {
		return nil
	}
	absent, err := tx.absence(ctx)
	if err != nil {
		return err
	}
	tx.judge(s, tx.now, h.schedules.of(s.ServiceSettings), absent)
	return nil
}

var errNoService = api.Errorf(api.KindNotFound, "there is no such service")

// Delete removes a service and closes its incident silently. Its history is nobody's then and is not shown; it goes with
// all other history of its age.
func (h *Services) Delete(ctx context.Context, id string) (*api.Service, error) {
	var gone *serviceRow
	err := h.s.write(ctx, useGeneral, func(tx *Tx) (err error) {
		if gone, err = h.lock(ctx, tx, id); err != nil {
			return err
		}
		tx.transition(gone, api.Transition{
			From: gone.State, To: api.StateDeleted, Reason: api.ReasonDeleted, At: tx.now, Since: gone.StateSince,
		}, api.Facts{})
		tx.wake(hub.Services)
		tx.audit(api.AuditServiceDelete, gone.Name, map[string]any{"id": id})
		if err := tx.deleteProbe(ctx, &gone.Service); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, "delete from parent where child = $1", id); err != nil {
			return err
		}
		_, err = tx.exec(ctx, "delete from service where id = $1", id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &gone.Service, nil
}

// Get gives a service by id; KindNotFound when there is none.
func (h *Services) Get(ctx context.Context, id string) (*api.Service, error) {
	return h.find(ctx, "service.id = $1", id)
}

// ByName gives a service by its name; KindNotFound when there is none.
func (h *Services) ByName(ctx context.Context, name string) (*api.Service, error) {
	return h.find(ctx, "service.name_key = $1", nameKey(name))
}

func (h *Services) find(ctx context.Context, where, arg string) (*api.Service, error) {
	var out *api.Service
	err := h.s.read(ctx, func(tx *Tx) error {
		s, err := one(ctx, tx.session, scanService, "select "+serviceColumns+" from service where "+where, arg)
		if errors.Is(err, errNoRow) {
			return errNoService
		}
		if err == nil {
			out = &s.Service
		}
		return err
	})
	return out, err
}

// IDsBySlug gives the ids of the services with a slug, two at most, since two are already ambiguous.
func (h *Services) IDsBySlug(ctx context.Context, slug string) ([]string, error) {
	var ids []string
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		ids, err = collect(ctx, tx.session, scanOne[string], "select id from service where slug = $1 and slug <> '' limit 2", slug)
		return err
	})
	return ids, err
}

// CountByState gives how many services are in each state.
func (h *Services) CountByState(ctx context.Context) (map[api.State]int64, error) {
	counts := map[api.State]int64{}
	err := h.s.read(ctx, func(tx *Tx) error {
		clear(counts)
		_, err := collect(ctx, tx.session, func(r row) (struct{}, error) {
			var state api.State
			var n int64
			err := r.Scan(&state, &n)
			counts[state] = n
			return struct{}{}, err
		}, "select state, count(*) from service group by state")
		return err
	})
	return counts, err
}

// Swept is what a sweep did.
type Swept struct {
	Changes []api.Change // without ids
	More    bool         // a full batch: call again at once
}

const (
	// sweepBatch bounds what one sweep holds locked.
	sweepBatch = 1000
	// maxPulseWait is how long a pulse on its way may hold up the judgement of silence.
	maxPulseWait = time.Second
	// othersPulseWait is how long a pulse may wait in the queue of another server, which nobody here can see.
	othersPulseWait = 300 * time.Millisecond
)

// Sweep judges the services whose judge_at lies between from and now, a batch at a time. Those that a pulse has moved on
// meanwhile, by far the most, only get a later judge_at, without being read. Any number of servers may sweep at once: a
// row that another has locked is left to it.
func (h *Services) Sweep(ctx context.Context, from api.Time) (Swept, error) {
	var out Swept
	err := h.s.write(ctx, useGroup, func(tx *Tx) error {
		horizon := h.horizon(tx.now)
		rearmed, err := tx.exec(ctx, h.sql.rearm, int64(from), int64(horizon))
		if err != nil {
			return err
		}
		due, err := collect(ctx, tx.session, scanService, h.sql.due, int64(from), int64(horizon))
		if err != nil {
			return err
		}
		out = Swept{More: rearmed == sweepBatch || len(due) == sweepBatch}
		if len(due) == 0 {
			return nil
		}
		absent, err := tx.absence(ctx)
		if err != nil {
			return err
		}
		for _, s := range due {
			tx.judge(s, horizon, h.schedules.of(s.ServiceSettings), absent)
		}
		out.Changes = each(tx.changes, func(c *changeRow) api.Change { return c.Change })
		return tx.saveStatuses(ctx, h.sql.saveStatus, due)
	})
	return out, err
}

// horizon gives the moment up to which silence may be judged. A pulse that was received and is not written yet holds it
// back for a while, since the service that sent it is not silent: one of ours as long as it waits, and where other
// servers share the database the time that one of theirs commonly takes.
func (h *Services) horizon(now api.Time) api.Time {
	until := now
	if h.s.Servers.shared.Load() {
		until = now.Add(-othersPulseWait)
	}
	if oldest := h.s.Pulses.committer.oldest(); oldest > 0 {
		until = min(until, max(oldest, now.Add(-maxPulseWait)))
	}
	return until
}

// canonical makes no list an empty one, which JSON shows as [].
func canonical(s api.ServiceSettings) api.ServiceSettings {
	s.Tags, s.Alerts = append([]string{}, s.Tags...), append([]string{}, s.Alerts...)
	s.Parents = append([]string{}, s.Parents...)
	return s
}
