package alert

import (
	"time"

	"watchkeeper/api"
)

// restored is the reason of what a restore has ended: it is of a time that is past.
const restored = "restored"

// escalateAfter is how long a message may fail before somebody else is told.
const escalateAfter = 10 * time.Minute

// escalate tells the targets of the default route that are of another kind, where a message has failed for good or for a
// while: each target once, and of the opening, as it has not heard of that.
func (d *decision) escalate() {
	if d.hushed() || d.a.AcknowledgedBy != "" {
		return
	}
	for _, t := range d.told {
		if t.fresh || t.About == api.AboutRecovered || t.Route == routeEscalation {
			continue
		}
		failing, since := t.failing()
		switch {
		case !failing:
		case since.Add(escalateAfter) > d.now:
			d.look(since.Add(escalateAfter))
		default:
			d.escalateFrom(t.Channel)
		}
	}
}

// failing reports whether a message has failed for good, or since when attempts to send it fail.
func (t *telling) failing() (failing bool, since api.Time) {
	switch {
	case t.State == api.DeliveryFailed:
		return t.Reason != restored, 0
	case t.State == api.DeliveryHeld && t.Digest != "":
		return t.DigestAttempts > 0, t.DigestDueAt
	case t.State == api.DeliveryWaiting:
		return t.Attempts > 0, t.DueAt
	case t.State == api.DeliverySending:
		return t.Attempts > 1, t.DueAt
	}
	return false, 0
}

func (d *decision) escalateFrom(channel string) {
	kind := d.directory.kindOf(channel)
	for _, target := range d.defaults {
		j := d.directory.judge(target)
		if j.fitness != fit || d.directory.kindOf(j.target.Channel) == kind || d.opening(j.target) != nil {
			continue
		}
		to := destination{target: j.target, lane: j.lane}
		d.order(d.a.Opening.ID, api.AboutOpened, routeEscalation, to)
		if opening := d.opening(j.target); d.recovered() && opening.heard() {
			d.order(d.a.Closing.ID, api.AboutRecovered, routeEscalation, to)
		}
	}
}
