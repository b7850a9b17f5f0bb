package alert

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/store"
)

// The bounds of what is foreseen.
const (
	foresight     = 24 * time.Hour
	maxForesights = 300 // looks
)

// Explain says who would be told of a service, when, and why not.
func (a *Alerts) Explain(ctx context.Context, s *api.Service) (api.Explanation, error) {
	if err := a.Channels.ready(ctx); err != nil {
		return api.Explanation{}, err
	}
	if err := a.rules.load(ctx); err != nil {
		return api.Explanation{}, err
	}
	preview, open, err := a.Store.Incidents.Preview(ctx, s)
	if err != nil {
		return api.Explanation{}, err
	}
	e := api.Explanation{Service: s.Name, State: s.State, Now: preview.Now}
	if open {
		e.Incident = preview.ID
	}
	switch {
	case s.State == api.StatePaused:
		e.Note = "the service is paused: nobody watches it"
	case s.State == api.StateNew:
		e.Note = "nothing is expected of the service before its first pulse"
	case preview.AcknowledgedBy != "":
		e.Note = "acknowledged by " + preview.AcknowledgedBy + ": no reminders and no later steps"
	}
	var told []store.Delivery
	told, e.Warning = a.policy().foresee(preview)
	e.Telling = []api.Foreseen{}
	directory := a.Channels.current.Load()
	for _, d := range told[:min(len(told), api.MaxForeseen)] {
		e.Telling = append(e.Telling, api.Foreseen{
			At: d.DueAt, About: d.About, Route: d.Route, Channel: d.Channel, Target: notify.Mask(directory.kindOf(d.Channel), d.Address),
			State: d.State, Reason: cmp.Or(d.Reason, d.LastError),
		})
	}
	return e, nil
}

// foresee decides about an incident again and again, as time would pass and every message that goes out arrive, and gives
// all messages of it, for a day or until each target that is reminded was reminded once. What is sent then is waiting, so
// that it differs from what was sent.
func (p policy) foresee(a store.Attended) (told []store.Delivery, warning string) {
	for i := range a.Told {
		a.Told[i].DueAt = max(a.Told[i].DueAt, a.Told[i].CreatedAt)
	}
	end := a.Now.Add(foresight)
	sent := map[int]bool{} // by place: would have been sent
	for range maxForesights {
		v := p.decide(a)
		warning = cmp.Or(warning, v.Warning)
		for i := range a.Told {
			for _, m := range v.Settle {
				if d := &a.Told[i]; d.ID == m.ID && d.State != m.State {
					// Of what is let go the reason stays why it was not sent before.
					d.State, d.Reason, d.DueAt = m.State, cmp.Or(m.Reason, d.Reason), a.Now
				}
			}
		}
		for _, o := range v.Deliver {
			d := store.Delivery{Address: o.Target.Address, Lane: o.Lane, DueAt: max(a.Now, o.DueAt), ChangeID: o.ChangeID}
			d.ID, d.About, d.Channel, d.Route = "foreseen "+strconv.Itoa(len(a.Told)), o.About, o.Target.Channel, o.Route
			d.State, d.Reason = o.State, o.Reason
			a.Told = append(a.Told, d)
		}
		for i := range a.Told {
			if d := &a.Told[i]; d.State == api.DeliveryWaiting && d.Digest == "" {
				d.State, d.Attempts, sent[i] = api.DeliverySent, d.Attempts+1, true
			}
		}
		if v.AttendAt == 0 || v.AttendAt > end || remindedAll(a.Told) {
			break
		}
		a.LookedAt, a.Now, a.Changes, a.Flap, a.Before = a.Now, max(v.AttendAt, a.Now+1), nil, v.Flap, nil
	}
	for i := range a.Told {
		if sent[i] {
			a.Told[i].State = api.DeliveryWaiting
		}
	}
	slices.SortStableFunc(a.Told, func(x, y store.Delivery) int { return cmp.Compare(x.DueAt, y.DueAt) })
	return a.Told, warning
}

// remindedAll reports whether a target was reminded twice, so that there is nothing new to see.
func remindedAll(told []store.Delivery) bool {
	seen := map[api.Target]int{}
	for _, d := range told {
		if d.About == api.AboutRepeated {
			to := api.Target{Channel: d.Channel, Address: d.Address}
			if seen[to]++; seen[to] > 1 {
				return true
			}
		}
	}
	return false
}
