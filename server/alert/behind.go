package alert

import (
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

// How long a message waits for a parent that may be down as well, and how often to look.
const (
	suspicion     = 2 * time.Minute
	suspicionLook = 5 * time.Second
	parentLook    = 10 * time.Second
	maxParentLook = 15 * time.Minute
)

// behind gives the parent that keeps people from being told of an open incident: one that is down, or has come back and
// left the service less time than it has between pulses, or has itself been silent for so long that it may be down.
func (d *decision) behind() hold {
	var h hold
	for i := range d.a.Parents {
		h = h.and(d.behindParent(&d.a.Parents[i]))
	}
	return h
}

func (d *decision) behindParent(parent *store.Parent) hold {
	now, opened := d.now, d.a.OpenedAt
	if parent.State == api.StateDown {
		// Whoever sees the parent return looks at once; this is for what it may have missed.
		wait := min(max(now.Sub(parent.Since)/4, parentLook), maxParentLook)
		return hold{"held: parent " + parent.Name + " is down since " + d.moment(parent.Since, now), now.Add(wait)}
	}
	if parent.Returned > opened {
		if patience := d.nextPulse(parent.Returned); patience > now {
			return hold{"held: parent " + parent.Name + " is back since " + d.moment(parent.Returned, now) +
				", told at " + d.moment(patience, now) + " if still silent", patience}
		}
		return hold{}
	}
	watched := parent.State == api.StateUp || parent.State == api.StateLate
	half := parent.Expected.Sub(parent.LastPulse) / 2
	if limit := opened.Add(suspicion); watched && parent.Expected > parent.LastPulse && now < limit && opened.Sub(parent.LastPulse) > half {
		return hold{
			"held: parent " + parent.Name + " has been silent since " + d.moment(parent.LastPulse, now) + " and may be down, too",
			min(limit, now.Add(suspicionLook)),
		}
	}
	return hold{}
}

// nextPulse gives when the service would have pulsed again at the latest, had it done so at a moment.
func (d *decision) nextPulse(at api.Time) api.Time {
	s := d.a.Service
	switch {
	case s == nil:
		return at
	case s.NextInForce() > 0:
		return at.Add(s.NextInForce().Duration())
	case s.Cron != "" && d.rules != nil:
		if cron, err := d.rules.crons.Parse(s.Cron, s.TimeZone); err == nil {
			return api.TimeOf(cron.Next(at.Std()))
		}
	}
	return at
}
