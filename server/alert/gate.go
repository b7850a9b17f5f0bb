package alert

import (
	"watchkeeper/api"
	"watchkeeper/server/store"
)

// gate says, just before a message is sent, whether something that was not there when it was ordered keeps it from that: a
// silence, maintenance, or the end of the hours of its route. A return is kept back by hours only. The incident is looked
// at then, where it is decided what becomes of it.
func (p policy) gate(d *store.Delivery, s *subject, now api.Time) hold {
	h := p.outside(d.Route, now)
	if d.About != api.AboutRecovered {
		h = p.quiet(s, now).and(h)
	}
	return h
}

// withheld gives the outcome of a message that the gate keeps back, or that has come to matter no more.
func (p policy) withheld(d *store.Delivery, c *store.DeliveryContent, now api.Time) (store.Outcome, bool) {
	if d.About == api.AboutRepeated {
		switch i := &c.Incident; {
		case i.State == api.IncidentClosed:
			return store.Outcome{State: api.DeliverySkipped, Reason: "it was over before this could be sent"}, true
		case i.AcknowledgedBy != "":
			return store.Outcome{State: api.DeliverySkipped, Reason: "acknowledged by " + i.AcknowledgedBy + " before this could be sent"}, true
		}
	}
	s := subjectOf(&c.Change, c.Service)
	if h := p.gate(d, &s, now); h.holds() {
		return store.Outcome{State: api.DeliveryHeld, Reason: h.reason, AttendAt: now}, true
	}
	return store.Outcome{}, false
}

// sift parts the messages of a digest into those that may be told now and those that the gate keeps back.
func (p policy) sift(members []store.DigestMember, now api.Time) (tell []store.DigestMember, keep []store.DeliveryMove) {
	for i := range members {
		m := &members[i]
		s := subjectOf(&m.Change, m.Service)
		if h := p.gate(&m.Delivery, &s, now); h.holds() {
			keep = append(keep, store.DeliveryMove{ID: m.Delivery.ID, State: api.DeliveryHeld, Reason: h.reason})
			continue
		}
		tell = append(tell, *m)
	}
	return tell, keep
}
