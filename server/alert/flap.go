package alert

import (
	"time"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
)

// The fourth down within half an hour is told as flapping: its incident leads. Of those that follow nobody is told, and
// the return of the leader is told when the subject has been up for a while; where it stays down instead, the last one is
// told then, and returns as any other. So one message begins flapping and one ends it.

func lengthOf(d time.Duration) string { return notify.Duration(d) }

// outage gives the incident as one of the sequence of its subject.
func (d *decision) outage() api.Outage {
	return api.Outage{ID: d.a.ID, OpenedAt: d.a.OpenedAt, ClosedAt: d.a.ClosedAt, Flap: d.verdict.Flap}
}

func (d *decision) flapping() bool { return d.verdict.Flap.Leader != "" }

func (d *decision) leads() bool { return d.verdict.Flap.Leader == d.a.ID }

func (d *decision) flapReason() string {
	return "held: " + d.subject.name + " is flapping since " + d.moment(d.verdict.Flap.Since, d.now) +
		", told when it has kept one state for " + lengthOf(api.FlapCalm)
}

// unsettled gives the flapping that keeps people from being told of an outage, unless it is the one that is told as such.
func (d *decision) unsettled() hold {
	settles := d.a.OpenedAt.Add(api.FlapCalm)
	if !d.flapping() || d.leads() && d.first() || d.now >= settles {
		return hold{}
	}
	return hold{d.flapReason(), settles}
}

// unsettledReturn gives the flapping that keeps people from being told of a return.
func (d *decision) unsettledReturn() hold {
	if !d.flapping() {
		return hold{}
	}
	latest := d.latest()
	settles := latest.Settles()
	if !d.leads() || d.now >= settles {
		return hold{}
	}
	return hold{d.flapReason(), settles}
}

// latest gives the latest outage of the subject as far as somebody has looked at it.
func (d *decision) latest() api.Outage {
	if l := d.a.Latest; l != nil && l.ID != d.a.ID {
		return *l
	}
	return d.outage()
}

// resolved says why the return of the leader need not be told, as something else has been.
func (d *decision) resolved() string {
	if !d.leads() {
		return ""
	}
	latest := d.latest()
	switch {
	case latest.ID == d.a.ID:
	case latest.Flap.Leader == "" && len(latest.Flap.Downs) == 0: // nobody has looked at it
	case latest.Flap.Leader != d.a.ID:
		return "it went down again before its calm was told"
	case d.now >= latest.Settles() && (latest.ClosedAt == 0 || latest.Settles() <= latest.ClosedAt):
		return "it stayed down, which was told"
	}
	switch {
	case d.now < latest.Settles():
	case d.subject.service == nil:
		return "the service was deleted before this could be sent"
	case d.subject.service.State == api.StatePaused, d.subject.service.State == api.StateNew:
		return "the service was paused before this could be sent"
	}
	return ""
}

// calm tells those who heard that the subject is flapping that it has stayed down since.
func (d *decision) calm() {
	if !d.leads() || !d.open() {
		return
	}
	settles := d.a.OpenedAt.Add(api.FlapCalm)
	switch {
	case d.now < settles:
		d.look(settles)
	case d.a.LookedAt < settles && !d.anew() && d.a.AcknowledgedBy == "":
		for _, t := range d.told {
			if t.About == api.AboutOpened && !t.fresh && t.heard() {
				d.order(d.a.Opening.ID, api.AboutRepeated, t.Route, destination{target: t.target(), lane: t.Lane})
			}
		}
	}
}
