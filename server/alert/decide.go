package alert

import (
	"slices"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

// decision is one look at an incident. It gathers what follows in the verdict.
type decision struct {
	policy
	a       *store.Attended
	now     api.Time
	subject subject
	steps   []step
	told    []telling
	verdict store.Verdict
}

// telling is a message about the incident: one that was ordered before, or that this look orders.
type telling struct {
	store.Delivery
	fresh bool // ordered by this look
}

// decide says what follows from looking at an incident: whom to tell now, what to hold, to let go and to skip, and when
// to look again. It is the only place that decides this, and gives the same for the same.
func (p policy) decide(a store.Attended) store.Verdict {
	d := &decision{policy: p, a: &a, now: a.Now, subject: subjectOf(&a.Opening, a.Service)}
	d.steps = p.steps(&d.subject)
	for _, t := range a.Told {
		d.told = append(d.told, telling{Delivery: t})
	}
	d.verdict.Flap = a.Flap
	if d.first() && a.SubjectKind != api.SubjectEvent {
		d.verdict.Flap = a.Before.Next(a.ID, a.OpenedAt)
	}
	d.reconsider()
	d.tell()
	d.recover()
	d.calm()
	d.remind()
	d.escalate()
	d.explainSilence()
	return d.verdict
}

// first reports whether nobody has looked at the incident before.
func (d *decision) first() bool {
	return slices.ContainsFunc(d.a.Changes, func(c api.Change) bool { return c.ID == d.a.Opening.ID })
}

// anew reports whether somebody has taken an acknowledgement back: what it kept from being told is decided again.
func (d *decision) anew() bool { return d.a.LookedAt == 0 && !d.first() && d.open() }

func (d *decision) event() bool { return d.a.SubjectKind == api.SubjectEvent }

func (d *decision) open() bool { return d.a.State == api.IncidentOpen }

// recovered reports whether the incident ended by the return of its subject.
func (d *decision) recovered() bool { return d.a.Closing != nil && d.a.Closing.Recovers() }

// hushed reports whether the incident ended in a way that is told to nobody.
func (d *decision) hushed() bool { return d.a.Closing != nil && !d.a.Closing.Recovers() }

// look asks for another look at a moment.
func (d *decision) look(at api.Time) {
	at = max(at, d.now+1)
	if d.verdict.AttendAt == 0 || at < d.verdict.AttendAt {
		d.verdict.AttendAt = at
	}
}

// reconsider decides anew about what was ordered before and nobody has sent: an opening or a reminder that was held is let
// go when nothing holds it any more, and is skipped when it has come to matter no more.
func (d *decision) reconsider() {
	if d.hushed() {
		if slices.ContainsFunc(d.a.Changes, func(c api.Change) bool { return c.ID == d.a.Closing.ID }) {
			d.verdict.Skip = whySkipped(*d.a.Closing)
		}
		for i := range d.told {
			if !d.told[i].State.Final() && d.told[i].State != api.DeliverySending {
				d.told[i].State = api.DeliverySkipped
			}
		}
		return
	}
	for i := range d.told {
		t := &d.told[i]
		if d.anew() && t.About == api.AboutOpened && t.State == api.DeliverySkipped {
			t.State = api.DeliveryHeld // by the acknowledgement, until now
		}
		if t.About != api.AboutRecovered && t.Digest == "" && (t.State == api.DeliveryWaiting || t.State == api.DeliveryHeld) {
			d.reconsiderNews(t)
		}
	}
}

func (d *decision) reconsiderNews(t *telling) {
	h := d.holdOf(t)
	held := t.State == api.DeliveryHeld
	untried := t.Attempts == 0
	switch {
	case !d.open() && !d.event():
		switch {
		case t.About == api.AboutRepeated && (held || untried):
			d.move(t, api.DeliverySkipped, "it was over before this could be sent")
		case h.holds() && (held || untried):
			d.move(t, api.DeliverySkipped, h.reason+over)
		case held:
			d.move(t, api.DeliverySkipped, t.Reason+over)
		}
	case d.event() && d.quiet(&d.subject, d.now).holds():
		if held || untried {
			d.move(t, api.DeliverySkipped, h.reason)
		}
	case (held || untried && t.About == api.AboutRepeated) && d.a.AcknowledgedBy != "":
		d.move(t, api.DeliverySkipped, "acknowledged by "+d.a.AcknowledgedBy+" before this could be sent")
	case !h.holds():
		if held {
			d.move(t, api.DeliveryWaiting, "")
		}
	case t.About == api.AboutRepeated && (held || untried):
		d.move(t, api.DeliverySkipped, h.reason)
	case held || untried:
		d.look(h.until)
		if !held || t.Reason != h.reason {
			d.move(t, api.DeliveryHeld, h.reason)
		}
	}
}

// over ends the reason of what was held until it no longer mattered.
const over = "; it was over before that ended"

// holdOf gives what holds an opening or a reminder now.
func (d *decision) holdOf(t *telling) hold {
	h := d.quiet(&d.subject, d.now)
	if d.open() {
		h = h.and(d.behind())
	}
	if t.Route != routeEscalation {
		h = h.and(d.unsettled())
	}
	return h.and(d.outside(t.Route, d.now))
}

// move changes what becomes of a delivery.
func (d *decision) move(t *telling, to api.DeliveryState, reason string) {
	if t.State == api.DeliveryWaiting {
		d.look(d.now.Add(movedLook)) // the sender may have been quicker
	}
	t.State, t.Reason = to, reason
	d.verdict.Settle = append(d.verdict.Settle, store.DeliveryMove{ID: t.ID, State: to, Reason: reason})
}

// movedLook is how soon to look what became of a message that was about to be sent.
const movedLook = 10 * time.Second

// tell orders the steps that have become due since the last look, as the policy has them now. What is due and must not go
// out is ordered all the same, so that it is known and has its reason.
func (d *decision) tell() {
	for _, st := range d.steps {
		due := d.a.OpenedAt.Add(st.after)
		switch {
		case !d.first() && !d.anew() && due <= max(d.a.LookedAt, d.a.OpenedAt): // decided then
		case d.a.AcknowledgedBy != "":
		case due > d.now:
			if d.open() {
				d.look(due)
			}
		case st.after > 0 && !d.open() && !d.event(): // it was over before anybody could be told in time
		default:
			d.announce(st)
		}
	}
}

// announce orders the opening for the targets of a step that were not told it.
func (d *decision) announce(st step) {
	if len(st.faults) > 0 && !d.event() {
		d.verdict.Warning = warningOf(st.faults)
	}
	for _, to := range st.to {
		if d.opening(to.target) == nil {
			d.order(d.a.Opening.ID, api.AboutOpened, st.route, to)
		}
	}
}

// order makes a message, in the state in which it begins.
func (d *decision) order(change int64, about api.DeliveryAbout, route string, to destination) {
	o := store.DeliveryOrder{ChangeID: change, About: about, Target: to.target, Lane: to.lane, Route: route, State: api.DeliveryWaiting}
	t := &telling{fresh: true}
	t.About, t.Channel, t.Address, t.Lane, t.Route, t.DueAt = about, to.target.Channel, to.target.Address, to.lane, route, d.now
	h := d.holdOf(t)
	if about == api.AboutRecovered {
		h = d.holdOfRecovery(t)
	}
	switch {
	case to.failed != "":
		o.State, o.Reason = api.DeliveryFailed, to.failed
	case d.hushed():
		o.State, o.Reason = api.DeliverySkipped, whySkipped(*d.a.Closing)
	case !h.holds():
	case about == api.AboutRecovered:
		o.State, o.Reason = api.DeliveryHeld, h.reason
		d.look(h.until)
	case about == api.AboutRepeated:
		o.State, o.Reason, o.DueAt = api.DeliverySkipped, h.reason, h.until
	case d.event() && d.quiet(&d.subject, d.now).holds():
		o.State, o.Reason = api.DeliverySkipped, h.reason
	case !d.open() && !d.event():
		o.State, o.Reason = api.DeliverySkipped, h.reason+over
	default:
		o.State, o.Reason = api.DeliveryHeld, h.reason
		d.look(h.until)
	}
	t.State, t.Reason, t.DueAt = o.State, o.Reason, max(t.DueAt, o.DueAt)
	d.told = append(d.told, *t)
	d.verdict.Deliver = append(d.verdict.Deliver, o)
}

// opening gives the message of the opening to a target, nil when there is none.
func (d *decision) opening(target api.Target) *telling {
	return d.find(api.AboutOpened, target)
}

func (d *decision) find(about api.DeliveryAbout, target api.Target) *telling {
	for i := range d.told {
		if t := &d.told[i]; t.About == about && t.target() == target {
			return t
		}
	}
	return nil
}

func (t *telling) target() api.Target { return api.Target{Channel: t.Channel, Address: t.Address} }

// heard reports whether the target was told, was tried, or is about to be told.
func (t *telling) heard() bool {
	switch t.State {
	case api.DeliveryWaiting, api.DeliverySending, api.DeliverySent:
		return true
	case api.DeliveryHeld, api.DeliveryFailed:
		return t.Attempts > 0 || t.Digest != ""
	}
	return t.Attempts > 0
}

// recover tells the return to exactly those to whom the opening was sent or tried, each when its hours allow.
func (d *decision) recover() {
	if !d.recovered() {
		return
	}
	for _, t := range slices.Clone(d.told) {
		if t.About == api.AboutOpened && t.heard() && d.find(api.AboutRecovered, t.target()) == nil {
			d.order(d.a.Closing.ID, api.AboutRecovered, t.Route, destination{target: t.target(), lane: t.Lane})
		}
	}
	for i := range d.told {
		t := &d.told[i]
		if t.About != api.AboutRecovered || t.fresh || t.Digest != "" || t.State != api.DeliveryWaiting && t.State != api.DeliveryHeld {
			continue
		}
		opening := d.opening(t.target())
		h := d.holdOfRecovery(t)
		switch {
		case opening == nil || !opening.heard():
			d.move(t, api.DeliverySkipped, "nobody was told there that it was down")
		case t.State == api.DeliveryHeld && d.resolved() != "":
			d.move(t, api.DeliverySkipped, d.resolved())
		case t.State == api.DeliveryHeld && !h.holds():
			d.move(t, api.DeliveryWaiting, "")
		case t.State == api.DeliveryHeld:
			d.look(h.until)
			if t.Reason != h.reason {
				d.move(t, api.DeliveryHeld, h.reason)
			}
		}
	}
}

// holdOfRecovery gives what holds the message of a return now: no silence does.
func (d *decision) holdOfRecovery(t *telling) hold {
	return d.unsettledReturn().and(d.outside(t.Route, d.now))
}

// remind orders the reminders that are due: to each target that was told by a route that repeats, so long after the last
// message to it. One that falls into a silence or the like is skipped, and counts from the end of that.
func (d *decision) remind() {
	if !d.open() || d.a.AcknowledgedBy != "" {
		return
	}
	for _, st := range d.steps {
		if st.repeat == 0 {
			continue
		}
		for _, to := range st.to {
			last := d.lastNews(to.target)
			if last == nil || last.Route != st.route {
				continue
			}
			due := last.DueAt.Add(st.repeat)
			due = max(due, st.hours.Opens(due, st.zone))
			switch {
			case !last.State.Final(): // it goes first
				d.look(d.now.Add(st.repeat))
			case due > d.now:
				d.look(due)
			default:
				d.order(d.a.Opening.ID, api.AboutRepeated, st.route, to)
				d.look(d.now.Add(st.repeat))
			}
		}
	}
}

// lastNews gives the latest opening or reminder to a target; nil when it heard of none.
func (d *decision) lastNews(target api.Target) *telling {
	if opening := d.opening(target); opening == nil || !opening.heard() {
		return nil
	}
	var last *telling
	for i := range d.told {
		if t := &d.told[i]; t.About != api.AboutRecovered && t.target() == target {
			last = t
		}
	}
	return last
}

// explainSilence records why nobody was told of an incident that was over before any step of it was due.
func (d *decision) explainSilence() {
	if d.a.Closing == nil || len(d.told) > 0 || len(d.steps) == 0 {
		return
	}
	st := d.steps[0] // the first one says enough
	for _, to := range st.to {
		reason := "it was over before route " + st.route + " tells, " + lengthOf(st.after) + " after the beginning"
		if d.hushed() {
			reason = whySkipped(*d.a.Closing)
		}
		if d.a.AcknowledgedBy != "" {
			reason = "acknowledged by " + d.a.AcknowledgedBy + " before route " + st.route + " tells"
		}
		d.verdict.Deliver = append(d.verdict.Deliver, store.DeliveryOrder{
			ChangeID: d.a.Opening.ID, About: api.AboutOpened, Target: to.target, Lane: to.lane, Route: st.route,
			State: api.DeliverySkipped, Reason: reason,
		})
	}
}
