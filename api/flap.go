package api

import "time"

// When a subject is flapping, and until when.
const (
	FlapDowns  = 4                // the so many-th down
	FlapWindow = 30 * time.Minute // within this time is told as flapping
	FlapCalm   = 15 * time.Minute // then nothing is told until it has kept one state for this time
)

// Flap is how often a subject went down lately, as of one of its incidents. It is kept with the incident, and follows
// from that of the incident before.
type Flap struct {
	Downs  []Time `json:"downs,omitempty"`  // when it went down within FlapWindow, this time last; none while it is flapping
	Leader string `json:"leader,omitempty"` // the incident that was told as flapping; empty while it is not
	Since  Time   `json:"since,omitzero"`   // the first of the downs that made it flap
	Count  int    `json:"count,omitempty"`  // downs since then
}

// Outage is an incident in the sequence of those of its subject.
type Outage struct {
	ID       string
	OpenedAt Time
	ClosedAt Time // 0 while it is open
	Flap     Flap
}

// Settles gives when the subject will have kept its present state for long enough to be calm, if it keeps it: up since
// the outage is over, else down since it began. An outage as long as that ends the flapping by itself.
func (o *Outage) Settles() Time {
	if o.ClosedAt > 0 && o.ClosedAt.Sub(o.OpenedAt) < FlapCalm {
		return o.ClosedAt.Add(FlapCalm)
	}
	return o.OpenedAt.Add(FlapCalm)
}

// Next gives the flapping as of an outage that has just begun; the receiver is the one before it of the same subject,
// nil when there was none.
func (o *Outage) Next(id string, openedAt Time) Flap {
	if o == nil {
		return Flap{Downs: []Time{openedAt}}
	}
	if o.Flap.Leader != "" {
		if openedAt < o.Settles() {
			f := o.Flap
			f.Count++
			return f
		}
		return Flap{Downs: []Time{openedAt}} // it had become calm, and what made it flap is forgotten
	}
	f := Flap{}
	for _, at := range append(o.Flap.Downs, openedAt) {
		if openedAt.Sub(at) < FlapWindow {
			f.Downs = append(f.Downs, at)
		}
	}
	if len(f.Downs) >= FlapDowns {
		f = Flap{Leader: id, Since: f.Downs[0], Count: len(f.Downs)}
	}
	return f
}
