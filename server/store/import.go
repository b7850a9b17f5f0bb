package store

import (
	"context"
	"fmt"

	"watchkeeper/api"
	"watchkeeper/server/hub"
)

// Imports is the handle of what comes from another program, with times of its own. Everything may be brought again and
// is there once.
type Imports struct{ s *Store }

// ImportedService is a service as another program knew it.
type ImportedService struct {
	Name   string
	NextIn api.Seconds
	First  api.Time // of its pulses; 0 for none
	Last   api.Time
	Target api.LegacyTarget
	// State is up for one that is watched from now on, as if it had pulsed now; down, since Since, without anybody being
	// told; paused; or new for one that is not watched until it pulses.
	State api.State
	Since api.Time
}

// Services makes those services whose names are free, and gives how many these were.
func (h *Imports) Services(ctx context.Context, list []ImportedService) (int, error) {
	made := 0
	err := h.s.write(ctx, useGeneral, func(tx *Tx) error {
		services := h.s.Services
		rows := map[string]*ImportedService{}
		fresh := make([]*serviceRow, len(list))
		for i := range list {
			in := &list[i]
			fresh[i] = newService(api.ServiceSettings{Name: in.Name, Slug: api.Slugify(in.Name)}, tx.now)
			rows[fresh[i].ID] = in
		}
		if _, err := tx.insertServices(ctx, services.sql.insert, fresh); err != nil {
			return err
		}
		found, err := tx.lockServices(ctx, services.sql.lockByID, each(fresh, func(s *serviceRow) string { return s.ID }))
		if err != nil {
			return err
		}
		for _, s := range found {
			tx.adopt(s, rows[s.ID])
		}
		made = len(found)
		tx.wake(hub.Services, hub.Deadlines)
		return tx.saveStatuses(ctx, services.sql.saveStatus, found)
	})
	return made, err
}

// adopt lets a new service stand where it stood elsewhere.
func (tx *Tx) adopt(s *serviceRow, in *ImportedService) {
	if in.State == api.StateUp || in.State == api.StatePaused {
		transitions, _ := s.Receive(api.Pulse{
			Kind: api.PulseSuccess, ReceivedAt: tx.now, Time: tx.now, NextIn: in.NextIn, Legacy: &in.Target,
		}, nil, api.Absence{})
		if in.State == api.StatePaused {
			transitions = append(transitions, s.Pause(tx.now, api.ReasonCancelled)...)
		}
		for _, t := range transitions {
			tx.transition(s, t, api.Facts{})
		}
	}
	if in.First > 0 {
		s.FirstPulse = in.First
	}
	if in.State == api.StateUp {
		return
	}
	s.LastPulse, s.StatedNextIn = in.Last, in.NextIn
	s.AlertType, s.AlertTarget = in.Target.AlertType, in.Target.AlertTarget
	if in.State == api.StateDown {
		s.State, s.StateSince = api.StateDown, in.Since
	}
}

// importMethod marks the pulses that were imported.
const importMethod = "IMPORT"

// Known is a service that imported pulses may belong to.
type Known struct {
	Key   int64
	Until api.Time // of the last pulse that was imported for it; 0 for none
}

// Known gives the services with these names.
func (h *Imports) Known(ctx context.Context, names []string) (map[string]Known, error) {
	known := map[string]Known{}
	err := h.s.read(ctx, func(tx *Tx) error {
		until := map[int64]api.Time{}
		type last struct {
			key int64
			at  api.Time
		}
		found, err := collect(ctx, tx, func(r row) (last, error) {
			var l last
			return l, r.Scan(&l.key, &l.at)
		}, "select service, max(time) from pulse where method = '"+importMethod+"' group by service")
		if err != nil {
			return err
		}
		for _, l := range found {
			until[l.key] = l.at
		}
		const step = 1000
		for ; len(names) > 0; names = names[min(step, len(names)):] {
			type service struct {
				key  int64
				name string
			}
			some, err := collect(ctx, tx, func(r row) (service, error) {
				var s service
				return s, r.Scan(&s.key, &s.name)
			}, "select key, name from service where name_key in (select name from "+tx.eng.relation(1, text("name"))+" i)",
				tx.eng.pack(each(names[:min(step, len(names))], nameKey))...)
			if err != nil {
				return err
			}
			for _, s := range some {
				known[s.name] = Known{Key: s.key, Until: until[s.key]}
			}
		}
		return nil
	})
	return known, err
}

// ImportedPulse is a success that another program received.
type ImportedPulse struct {
	Service int64 // the key of a Known service
	Time    api.Time
	NextIn  api.Seconds
}

// Pulses adds to the history of services; it moves no deadline.
func (h *Imports) Pulses(ctx context.Context, list []ImportedPulse) error {
	return h.s.write(ctx, useGeneral, func(tx *Tx) error {
		rows := each(list, func(p ImportedPulse) pulseRow {
			return pulseRow{service: p.Service, exitCode: -1, receipt: api.Receipt{Kind: api.PulseSuccess}, PulseWrite: &PulseWrite{
				Pulse: api.Pulse{ReceivedAt: tx.now, Time: p.Time, NextIn: p.NextIn}, Method: importMethod,
			}}
		})
		_, err := tx.exec(ctx, h.s.Pulses.sql.insert, pulseValues(tx.eng, rows)...)
		return err
	})
}

// Events adds events, without those that are there and were received before a moment, and gives how many it added.
func (h *Imports) Events(ctx context.Context, list []api.Event, before api.Time) (int, error) {
	added := 0
	err := h.s.write(ctx, useGeneral, func(tx *Tx) error {
		there, err := collect(ctx, tx, scanOne[int64], fmt.Sprintf(`select i.n from %s i where exists (select 1 from event
			where event.service = i.service and event.time = i.time and event.message = i.message and event.received_at < $1)`,
			tx.eng.relation(2, ints("n"), text("service"), ints("time"), text("message"))),
			append([]any{int64(before)}, tx.eng.pack(numbered(len(list)),
				each(list, func(e api.Event) string { return nameKey(e.Service) }),
				each(list, func(e api.Event) int64 { return int64(e.Time) }),
				each(list, func(e api.Event) string { return e.Message }),
			)...)...)
		if err != nil {
			return err
		}
		known := make([]bool, len(list))
		for _, n := range there {
			known[n] = true
		}
		for i, e := range list {
			if !known[i] {
				e.ReceivedAt = tx.now
				tx.events = append(tx.events, &eventRow{e})
			}
		}
		added = len(tx.events)
		return nil
	})
	return added, err
}

func numbered(n int) []int64 {
	list := make([]int64, n)
	for i := range list {
		list[i] = int64(i)
	}
	return list
}
