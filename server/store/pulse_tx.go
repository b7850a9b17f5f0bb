package store

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"watchkeeper/api"
)

// apply stores a group of pulses: first, in one statement, all that only move the times of their service; then, one
// after the other, what package api must decide.
func (h *Pulses) apply(ctx context.Context, tx *Tx, group []*entry[*PulseWrite]) error {
	history := make([]pulseRow, 0, len(group))
	rest := group
	if h.shortcut != ShortcutOff {
		var err error
		if rest, err = h.movePlain(ctx, tx, group, &history); err != nil {
			return err
		}
	}
	if len(rest) > 0 {
		if err := h.decide(ctx, tx, rest, &history); err != nil {
			return err
		}
	}
	if len(history) > 0 {
		tx.last(h.sql.insert, pulseValues(tx.eng, history)...)
	}
	return nil
}

// movePlain runs the shortcut and gives the entries that it did not serve, in their order.
func (h *Pulses) movePlain(ctx context.Context, tx *Tx, group []*entry[*PulseWrite], history *[]pulseRow) ([]*entry[*PulseWrite], error) {
	type subject struct{ id, name string }
	byName, byID := make(map[string]*entry[*PulseWrite], len(group)), map[string]*entry[*PulseWrite]{}
	seen := make(map[subject]bool, len(group))
	for _, e := range group {
		of := subject{id: e.value.ID}
		if of.id == "" {
			of.name = nameKey(e.value.Name)
		}
		// A later pulse of the same service must see what the earlier one did.
		first := !seen[of]
		seen[of] = true
		switch {
		case !first || !e.value.plain():
		case of.id != "":
			byID[of.id] = e
		default:
			byName[of.name] = e
		}
	}
	served := make(map[*entry[*PulseWrite]]bool, len(group))
	for _, part := range []struct {
		index map[string]*entry[*PulseWrite]
		sql   string
	}{{byName, h.sql.moveByName}, {byID, h.sql.moveByID}} {
		if len(part.index) == 0 {
			continue
		}
		found, err := collect(ctx, tx.session, scanMoved, part.sql, tx.eng.pack(moveValues(part.index)...)...)
		if err != nil {
			return nil, err
		}
		for _, m := range found {
			e := part.index[m.lookup]
			e.value.result = PulseResult{
				Name: m.name, Kind: api.PulseSuccess, State: api.StateUp, From: api.StateUp, Last: e.value.Pulse.Time,
				NextIn: m.nextIn, Expected: m.expected, Deadline: m.deadline,
			}
			*history = append(*history, newPulseRow(m.key, api.Receipt{Kind: api.PulseSuccess}, e.value))
			served[e] = true
		}
	}
	rest := make([]*entry[*PulseWrite], 0, len(group)-len(served))
	for _, e := range group {
		if !served[e] {
			rest = append(rest, e)
		}
	}
	return rest, nil
}

// plain reports whether the pulse says nothing but that the service is alive.
func (w *PulseWrite) plain() bool {
	p := &w.Pulse
	return w.Probe == nil && p.Kind == api.PulseSuccess && p.ExitCode == 0 && p.RID == "" && p.Duration == 0 && p.Time == p.ReceivedAt
}

func moveValues(index map[string]*entry[*PulseWrite]) []any {
	keys := make([]string, 0, len(index))
	for key := range index {
		keys = append(keys, key)
	}
	slices.Sort(keys) // so that groups that run side by side lock rows in one order
	legacy := func(key string) api.LegacyTarget {
		if l := index[key].value.Pulse.Legacy; l != nil {
			return *l
		}
		return api.LegacyTarget{}
	}
	return []any{
		keys,
		each(keys, func(k string) int64 { return int64(index[k].value.Pulse.ReceivedAt) }),
		each(keys, func(k string) int64 { return int64(index[k].value.Pulse.NextIn) }),
		each(keys, func(k string) int64 { return flag(index[k].value.Pulse.Legacy != nil) }),
		each(keys, func(k string) string { return legacy(k).AlertType }),
		each(keys, func(k string) string { return legacy(k).AlertTarget }),
	}
}

// decide lets pulses act on their services one after the other, in memory, and saves the services.
func (h *Pulses) decide(ctx context.Context, tx *Tx, group []*entry[*PulseWrite], history *[]pulseRow) error {
	found, err := h.load(ctx, tx, group)
	if err != nil {
		return err
	}
	absent := api.Absence{}
	if slices.ContainsFunc(found.all, needsAbsence(tx.now)) || slices.ContainsFunc(group, isBelated) {
		if absent, err = tx.absence(ctx); err != nil {
			return err
		}
	}
	touched := map[*serviceRow]bool{}
	for _, e := range group {
		w := e.value
		s := found.of(w)
		if s == nil {
			e.err = errNoService
			continue
		}
		if w.Probe != nil {
			err := tx.recordProbe(ctx, s, w.Probe)
			if errors.Is(err, ErrNotLeader) || errors.Is(err, ErrProbeOutdated) {
				e.err = err
				continue
			}
			if err != nil {
				return err
			}
		}
		touched[s] = true
		w.result = h.receive(tx, s, w, absent, history)
		if w.Probe != nil {
			w.result.Failures = s.Failures
		}
		w.result.Created = found.created[s]
		delete(found.created, s)
	}
	save := slices.DeleteFunc(found.all, func(s *serviceRow) bool { return !touched[s] })
	return tx.saveStatuses(ctx, h.s.Services.sql.saveStatus, save)
}

// needsAbsence tells of the services whose judgement depends on our own absences.
func needsAbsence(now api.Time) func(*serviceRow) bool {
	return func(s *serviceRow) bool { return s.JudgeAt > 0 && s.JudgeAt <= now || len(s.OpenRuns) > 0 }
}

// isBelated tells of the pulses that were held up on their way, for which it matters what was judged meanwhile.
func isBelated(e *entry[*PulseWrite]) bool { return e.value.Pulse.Time < e.value.Pulse.ReceivedAt }

// receive lets one pulse act on its service and records what follows.
func (h *Pulses) receive(tx *Tx, s *serviceRow, w *PulseWrite, absent api.Absence, history *[]pulseRow) PulseResult {
	cron := h.s.Services.schedules.of(s.ServiceSettings)
	from := s.State
	// First what time has done, so that its record holds what was known before the pulse.
	tx.judge(s, w.Pulse.ReceivedAt, cron, absent)
	transitions, receipt := s.Receive(w.Pulse, cron, absent)
	facts := api.Facts{Duration: api.InSeconds(receipt.Duration)}
	if w.HasExitCode {
		facts.ExitCode = &w.Pulse.ExitCode
	}
	if w.Probe != nil {
		facts.Found = w.Probe.Result.Detail
	}
	for _, t := range transitions {
		tx.transition(s, t, facts)
	}
	*history = append(*history, newPulseRow(s.key, receipt, w))
	return PulseResult{
		Name: s.Name, Kind: receipt.Kind, State: s.State, From: from, Last: s.LastPulse, NextIn: s.NextInForce(),
		Expected: s.Expected, Deadline: s.Deadline, Duration: receipt.Duration,
	}
}

func newPulseRow(service int64, receipt api.Receipt, w *PulseWrite) pulseRow {
	exit := int64(-1)
	if w.HasExitCode {
		exit = int64(w.Pulse.ExitCode)
	}
	return pulseRow{service: service, receipt: receipt, exitCode: exit, PulseWrite: w}
}

// loaded is the services of a group, locked.
type loaded struct {
	all          []*serviceRow
	byName, byID map[string]*serviceRow
	created      map[*serviceRow]bool
}

func (l *loaded) of(w *PulseWrite) *serviceRow {
	if w.ID != "" {
		return l.byID[w.ID]
	}
	return l.byName[w.Name]
}

func (l *loaded) add(services []*serviceRow) {
	for _, s := range services {
		if l.byID[s.ID] != nil {
			continue // asked for by name and by id
		}
		l.all = append(l.all, s)
		l.byName[s.Name], l.byID[s.ID] = s, s
	}
}

// load locks the services of a group and makes those that are to be made.
func (h *Pulses) load(ctx context.Context, tx *Tx, group []*entry[*PulseWrite]) (*loaded, error) {
	l := &loaded{byName: map[string]*serviceRow{}, byID: map[string]*serviceRow{}, created: map[*serviceRow]bool{}}
	var byName, byID []string
	create := map[string]api.ServiceSettings{}
	for _, e := range group {
		if w := e.value; w.ID != "" {
			byID = append(byID, w.ID)
		} else {
			byName = append(byName, nameKey(w.Name))
			if w.Create != nil {
				create[w.Name] = *w.Create
			}
		}
	}
	if err := h.lock(ctx, tx, l, h.s.Services.sql.lockByID, byID); err != nil {
		return nil, err
	}
	if err := h.lock(ctx, tx, l, h.s.Services.sql.lockByName, byName); err != nil {
		return nil, err
	}
	for name := range l.byName {
		delete(create, name)
	}
	return l, h.create(ctx, tx, l, create)
}

func (h *Pulses) lock(ctx context.Context, tx *Tx, l *loaded, statement string, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	slices.Sort(keys)
	found, err := tx.lockServices(ctx, statement, slices.Compact(keys))
	l.add(found)
	return err
}

// create makes the services that are missing and locks them; another server may have made some meanwhile.
func (h *Pulses) create(ctx context.Context, tx *Tx, l *loaded, missing map[string]api.ServiceSettings) error {
	if len(missing) == 0 {
		return nil
	}
	made := make([]*serviceRow, 0, len(missing))
	keys := make([]string, 0, len(missing))
	ours := map[string]bool{}
	for name, settings := range missing {
		s := newService(settings, tx.now)
		made, keys, ours[s.ID] = append(made, s), append(keys, nameKey(name)), true
	}
	slices.SortFunc(made, func(a, b *serviceRow) int { return cmp.Compare(a.Name, b.Name) })
	if _, err := tx.insertServices(ctx, h.s.Services.sql.insert, made); err != nil {
		return err
	}
	if err := h.lock(ctx, tx, l, h.s.Services.sql.lockByName, keys); err != nil {
		return err
	}
	for _, s := range l.all {
		if ours[s.ID] {
			l.created[s] = true
		}
	}
	return nil
}
