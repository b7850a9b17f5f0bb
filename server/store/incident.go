package store

import (
	"context"
	"errors"

	"watchkeeper/api"
	"watchkeeper/server/hub"
)

// Incidents is the handle of incidents, and of the step that makes deliveries of them.
type Incidents struct {
	s   *Store
	sql incidentSQL
}

func newIncidents(s *Store) *Incidents { return &Incidents{s, newIncidentSQL(s.eng)} }

// Incident is an incident as it is kept. Its Deliveries are left empty; Told has them, with addresses that may be
// secrets.
type Incident struct {
	api.Incident
	SubjectID string
	Told      []Delivery
	Flap      api.Flap // as of the last look
	LookedAt  api.Time // when somebody last decided about it; 0 for never, or never since an acknowledgement was taken back

	lastChange int64 // the last one that was looked at
}

// Attended is an incident that somebody must look at, with all that decides who is told.
type Attended struct {
	Incident
	Now     api.Time
	Opening api.Change   // the change that opened it
	Closing *api.Change  // the change that closed it; nil while it is open and for an event
	Changes []api.Change // not yet looked at, in order
	Service *api.Service // the subject, or that of an event, as it is now; nil when there is none
	Parents []Parent     // what stands in front of an open incident's service, as far as it exists
	// Before is the incident of the same subject before this one, at the first look only; Latest the last one while this
	// one leads flapping.
	Before, Latest *api.Outage
}

// Verdict is what follows from looking at an incident.
type Verdict struct {
	Deliver  []DeliveryOrder // in the order in which they must arrive
	Settle   []DeliveryMove  // what becomes of deliveries that were ordered before
	Skip     string          // if not empty, why what was ordered before and nobody has sent is not to be sent
	Warning  string          // if not empty, what an event of the service says, unless that was the last one said of it
	AttendAt api.Time        // when to look again though nothing has changed; 0 for never
	Flap     api.Flap        // to be remembered
}

// DeliveryOrder is a message that somebody is to get.
type DeliveryOrder struct {
	ChangeID int64
	About    api.DeliveryAbout
	Target   api.Target
	Lane     string            // what is slow together
	Route    string            // by which route, for people
	State    api.DeliveryState // held, skipped or failed for what is not to be tried now; empty for waiting
	Reason   string            // why it is in that state
	DueAt    api.Time          // from when it counts; 0 for now
}

// DeliveryMove changes the state of a delivery that was ordered before, unless it is being sent, is final, or is gathered
// in a digest.
type DeliveryMove struct {
	ID     string
	State  api.DeliveryState // waiting to be sent now, held, or skipped
	Reason string
}

// Attention is what a round of Attend did. After one that found incidents there may be more: call again at once.
type Attention struct {
	Incidents  int
	Deliveries int
}

// attendBatch bounds what one round holds locked.
const attendBatch = 200

// Attend looks at the incidents whose time has come: decide says, for each, which deliveries follow, and these and the
// note that the changes were looked at are one transaction. decide may be called again with the same incident when the
// database undid that. Any number of servers may attend at once; an incident that another has is left to it.
func (h *Incidents) Attend(ctx context.Context, decide func(Attended) Verdict) (Attention, error) {
	var out Attention
	err := h.s.write(ctx, useGeneral, func(tx *Tx) error {
		out = Attention{}
		found, err := tx.lockAttended(ctx, h.sql)
		if err != nil || len(found) == 0 {
			return err
		}
		var decided decisions
		for _, a := range found {
			a.Now = tx.now
			decided.add(a, decide(*a), tx.now)
		}
		out = Attention{Incidents: len(found), Deliveries: len(decided.deliveries)}
		return h.settle(ctx, tx, &decided)
	})
	return out, err
}

// Recall lets somebody look anew at all incidents about which what people decide may matter: those that are open, and
// those with messages that are held.
func (h *Incidents) Recall(ctx context.Context) error {
	return h.s.write(ctx, useGeneral, func(tx *Tx) error {
		tx.wake(hub.Incidents)
		_, err := tx.exec(ctx, `update incident set attend_at = $1 where (attend_at = 0 or attend_at > $1) and (state = 'open'
			or id in (select incident from delivery where state = 'held' and digest = '' and incident <> ''))`, int64(tx.now))
		return err
	})
}

// Warn writes an event about where the alerts of a service go, unless that was the last one said of it, and reports
// whether it did.
func (h *Incidents) Warn(ctx context.Context, service, warning string) (bool, error) {
	said := false
	err := h.s.write(ctx, useGeneral, func(tx *Tx) (err error) {
		said, err = tx.warn(ctx, service, warning)
		return err
	})
	return said, err
}

// Place is a place in a list that is ordered by time and id, newest first: behind what has these. The zero Place is the
// beginning.
type Place struct {
	Time api.Time
	ID   string
}

// IncidentFilter is what a list of incidents is narrowed to. Empty fields do not narrow.
type IncidentFilter struct {
	State       api.IncidentState
	SubjectKind api.SubjectKind
	Subject     string
	Before      Place
	Limit       int
}

// List gives incidents with their deliveries, the newest first.
func (h *Incidents) List(ctx context.Context, f IncidentFilter) ([]Incident, error) {
	var c conditions
	if f.State != "" {
		c.add("state = ", string(f.State))
	}
	if f.SubjectKind != "" {
		c.add("subject_kind = ", string(f.SubjectKind))
	}
	if f.Subject != "" {
		c.add("subject = ", f.Subject)
	}
	c.behind("opened_at", f.Before)
	return h.find(ctx, c, f.Limit)
}

// Get gives an incident with its deliveries; KindNotFound when there is none.
func (h *Incidents) Get(ctx context.Context, id string) (Incident, error) {
	var c conditions
	c.add("id = ", id)
	found, err := h.find(ctx, c, 1)
	switch {
	case err != nil:
		return Incident{}, err
	case len(found) == 0:
		return Incident{}, errNoIncident
	}
	return found[0], nil
}

// Acknowledgement is who is at an incident.
type Acknowledgement struct {
	By      string
	Comment string
}

// Acknowledge notes that somebody is at an open incident, and lets who decides look at it again. One that is
// acknowledged stays as it is. KindNotFound when there is none, KindConflict when it is over. It reports whether that
// changed anything.
func (h *Incidents) Acknowledge(ctx context.Context, id string, a Acknowledgement) (changed bool, err error) {
	return h.note(ctx, id, api.AuditIncidentAcknowledge, `update incident set acknowledged_by = $2, acknowledged_comment = $3, acknowledged_at = $4,
		attend_at = $4 where id = $1 and state = 'open' and acknowledged_by = '' returning subject`, a)
}

// Withdraw takes an acknowledgement back, so that what it kept from being told is decided anew; see Acknowledge.
func (h *Incidents) Withdraw(ctx context.Context, id string) (changed bool, err error) {
	return h.note(ctx, id, api.AuditIncidentWithdraw, `update incident set acknowledged_by = $2, acknowledged_comment = $3, acknowledged_at = 0,
		attend_at = $4, looked_at = 0 where id = $1 and state = 'open' and acknowledged_by <> '' returning subject`, Acknowledgement{})
}

func (h *Incidents) note(ctx context.Context, id string, action api.AuditAction, sql string, a Acknowledgement) (changed bool, err error) {
	err = h.s.write(ctx, useGeneral, func(tx *Tx) error {
		subject, err := one(ctx, tx, scanOne[string], sql, id, a.By, a.Comment, int64(tx.now))
		if changed = err == nil; changed {
			tx.wake(hub.Incidents)
			tx.audit(action, id, fieldsOf(struct {
				Subject string `json:"subject"`
				By      string `json:"by"`
				Comment string `json:"comment"`
			}{subject, a.By, a.Comment}))
			return nil
		}
		if !errors.Is(err, errNoRow) {
			return err
		}
		state, err := one(ctx, tx, scanOne[string], "select state from incident where id = $1", id)
		switch {
		case errors.Is(err, errNoRow):
			return errNoIncident
		case err == nil && state == string(api.IncidentClosed):
			return api.Errorf(api.KindConflict, "the incident is over")
		}
		return err
	})
	return changed, err
}

var errNoIncident = api.Errorf(api.KindNotFound, "there is no such incident")

func (h *Incidents) find(ctx context.Context, c conditions, limit int) ([]Incident, error) {
	args := append(c.args, limit)
	var out []Incident
	err := h.s.read(ctx, func(tx *Tx) error {
		found, err := collect(ctx, tx, scanIncident, "select "+incidentColumns+" from incident"+c.text()+
			" order by opened_at desc, id desc limit "+placeholder(len(args)), args...)
		if err != nil {
			return err
		}
		if err := tx.loadDeliveries(ctx, h.sql, found); err != nil {
			return err
		}
		out = each(found, func(i *Incident) Incident { return *i })
		return nil
	})
	return out, err
}
