package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/hub"
)

// Deliveries is the handle of messages to targets.
type Deliveries struct {
	s       *Store
	sql     deliverySQL
	targets targetSQL
}

func newDeliveries(s *Store) *Deliveries {
	return &Deliveries{s, newDeliverySQL(s.eng), newTargetSQL(s.eng)}
}

// Delivery is a delivery as it is kept. Its Target is left empty, since Address may be a secret: whoever shows it masks
// it first.
type Delivery struct {
	api.Delivery
	SubjectID string
	ChangeID  int64 // 0 for a digest
	Address   string
	Lane      string
	DueAt     api.Time // when it was first to be sent, or asked for again
	// DigestAttempts and DigestDueAt are those of the digest that tells of it, in what somebody decides about.
	DigestAttempts int
	DigestDueAt    api.Time

	position  int64
	target    string // stands for channel and address
	claimedBy string
}

// LaneLoad is how many deliveries of a lane wait to be sent now.
type LaneLoad struct {
	Lane string
	Due  int
}

// ClaimOptions says how deliveries are claimed.
type ClaimOptions struct {
	// Share says, of the lanes in which something is due, how many deliveries to take from each.
	Share func([]LaneLoad) map[string]int
	// Lease is how long nobody else may claim them unless this server falls silent.
	Lease time.Duration
}

// ErrUnregistered says that this program is no server that others can see the liveness of.
var ErrUnregistered = errors.New("only a registered server may send deliveries")

// Claim gives deliveries that are due to this server, those first that were due first, and counts the attempt that it
// is about to make. One that must not be sent before an earlier one of the same incident to the same target is left
// until that is final. What another server has claimed is taken when its lease is over, or at once when it is silent.
func (h *Deliveries) Claim(ctx context.Context, o ClaimOptions) ([]Delivery, error) {
	var out []Delivery
	err := h.s.write(ctx, useGeneral, func(tx *Tx) error {
		out = nil
		if tx.self.id == "" {
			return api.Wrap(api.KindInternal, ErrUnregistered, "this program is no server")
		}
		if err := tx.freeSilent(ctx, h.sql); err != nil {
			return err
		}
		lanes, err := collect(ctx, tx, scanLaneLoad, h.sql.lanes, int64(tx.now))
		if err != nil || len(lanes) == 0 {
			return err
		}
		var claimed []*Delivery
		shares := o.Share(lanes)
		for _, l := range lanes {
			if shares[l.Lane] <= 0 {
				continue
			}
			found, err := collect(ctx, tx, scanDelivery, h.sql.claim, l.Lane, int64(tx.now), shares[l.Lane], tx.self.id, int64(tx.now.Add(o.Lease)))
			if err != nil {
				return err
			}
			slices.SortFunc(found, func(a, b *Delivery) int { return cmp.Or(cmp.Compare(a.DueAt, b.DueAt), cmp.Compare(a.ID, b.ID)) })
			claimed = append(claimed, found...)
		}
		out = each(claimed, func(d *Delivery) Delivery { return *d })
		return tx.closeDigests(ctx, claimed)
	})
	return out, err
}

// FreeOwn makes the deliveries that this server has claimed due again, for one that begins and so has none under way.
func (h *Deliveries) FreeOwn(ctx context.Context) error {
	return h.s.write(ctx, useGeneral, func(tx *Tx) error {
		_, err := tx.exec(ctx, "update delivery set next_attempt = $1 where state = 'sending' and claimed_by = $2", int64(tx.now), tx.self.id)
		return err
	})
}

// Outcome is what became of an attempt to send.
type Outcome struct {
	State       api.DeliveryState // sent, failed, skipped, waiting for another attempt, or held, which was none
	NextAttempt api.Time          // of one that waits
	Reason      string
	LastError   string
	Receipt     string // what the other side said when it took the message
	// AttendAt is when to look at the incidents that it tells of for that, 0 for never.
	AttendAt api.Time
}

// ErrClaimLost says that a delivery is no longer this server's: its lease was over, or somebody has ended it.
var ErrClaimLost = errors.New("another server has taken the delivery")

// Record writes what became of a claimed delivery, and of those that it tells of when it is a digest. One that would
// be tried again is skipped when that was wanted meanwhile; the state that it has now is returned. The error wraps
// ErrClaimLost when the claim did not hold.
func (h *Deliveries) Record(ctx context.Context, d Delivery, o Outcome) (api.DeliveryState, error) {
	var state api.DeliveryState
	err := h.s.write(ctx, useGeneral, func(tx *Tx) (err error) {
		if err := h.touchTold(ctx, tx, d, o); err != nil {
			return err
		}
		state, err = tx.recordAttempt(ctx, d, o)
		if err != nil || d.About != api.AboutDigest || !state.Final() {
			return err
		}
		return tx.recordMembers(ctx, d, o)
	})
	return state, err
}

// touchTold lets somebody look at the incidents that a delivery tells of. It comes before the delivery is written, as
// those who decide lock incidents before deliveries.
func (h *Deliveries) touchTold(ctx context.Context, tx *Tx, d Delivery, o Outcome) error {
	ids := []string{d.Incident}
	if o.AttendAt > 0 && d.About == api.AboutDigest {
		var err error
		ids, err = collect(ctx, tx, scanOne[string], "select incident from delivery where digest = $1 and digest <> '' and state = 'held'", d.ID)
		if err != nil {
			return err
		}
	}
	return tx.touchIncidents(ctx, h.s.Incidents.sql, o.AttendAt, slices.Compact(slices.Sorted(slices.Values(ids)))...)
}

// Withhold takes messages out of the digest that was to tell of them; who decides looks at them at once.
func (h *Deliveries) Withhold(ctx context.Context, digest string, moves []DeliveryMove) error {
	return h.s.write(ctx, useGeneral, func(tx *Tx) error {
		ids := each(moves, func(m DeliveryMove) string { return m.ID })
		incidents, err := collect(ctx, tx, scanOne[string], h.sql.incidents, tx.eng.pack(ids)...)
		if err != nil {
			return err
		}
		if err := tx.touchIncidents(ctx, h.s.Incidents.sql, tx.now, slices.Compact(incidents)...); err != nil {
			return err
		}
		_, err = tx.exec(ctx, h.sql.withhold, append([]any{digest}, tx.eng.pack(ids, each(moves, func(m DeliveryMove) string { return m.Reason }))...)...)
		return err
	})
}

// DeliveryContent is what the message of a delivery is made of.
type DeliveryContent struct {
	Incident Incident     // of a digest: empty; its deliveries are left out
	Change   api.Change   // of a digest: empty
	Service  *api.Service // as it is now; nil when there is none
	Children []string     // the names of services that this one stands in front of, MaxChildren at most
	Members  []DigestMember
}

// MaxChildren is how many services are counted that one stands in front of.
const MaxChildren = 1000

// DigestMember is a message that a digest tells of.
type DigestMember struct {
	Delivery Delivery
	Change   api.Change
	Service  *api.Service // nil when there is none
	// State is that of the service as it is now, and Since when it began; empty when the service is gone or the subject
	// is none.
	State api.State
	Since api.Time
	Flap  api.Flap // of its incident
}

// Content reads what a claimed delivery tells; KindNotFound when its change is gone.
func (h *Deliveries) Content(ctx context.Context, d Delivery) (DeliveryContent, error) {
	var out DeliveryContent
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		if d.About == api.AboutDigest {
			out.Members, err = h.members(ctx, tx, d.ID)
			return err
		}
		out, err = one(ctx, tx, scanDeliveryContent, deliveryContent, d.ID)
		if errors.Is(err, errNoRow) {
			return api.Errorf(api.KindNotFound, "the change that this delivery tells of is gone")
		}
		if err != nil {
			return err
		}
		services, err := tx.servicesOf(ctx, h.s.Incidents.sql, []subject{{d.SubjectKind, d.SubjectID, out.Change.Facts.Service}})
		if err != nil {
			return err
		}
		out.Service = services[0]
		if out.Change.Opens() {
			out.Children, err = tx.children(ctx, out.Change.Subject)
		}
		return err
	})
	return out, err
}

// members gives what a digest tells of.
func (h *Deliveries) members(ctx context.Context, tx *Tx, digest string) ([]DigestMember, error) {
	members, err := collect(ctx, tx, scanDigestMember, digestMembers, digest)
	if err != nil || len(members) == 0 {
		return nil, err
	}
	services, err := tx.servicesOf(ctx, h.s.Incidents.sql, each(members, func(m DigestMember) subject {
		return subject{m.Delivery.SubjectKind, m.Delivery.SubjectID, m.Change.Facts.Service}
	}))
	for i := range members {
		members[i].Service = services[i]
	}
	return members, err
}

// DeliveryFilter is what a list of deliveries is narrowed to. Empty fields do not narrow.
type DeliveryFilter struct {
	State    api.DeliveryState
	Incident string
	Channel  string
	Before   Place
	Limit    int
}

// List gives deliveries, the newest first.
func (h *Deliveries) List(ctx context.Context, f DeliveryFilter) ([]Delivery, error) {
	var c conditions
	if f.State != "" {
		c.add("state = ", string(f.State))
	}
	if f.Incident != "" {
		c.literal("incident <> ''")
		c.add("incident = ", f.Incident)
	}
	if f.Channel != "" {
		c.add("channel = ", f.Channel)
	}
	c.behind("created_at", f.Before)
	return h.find(ctx, c, f.Limit)
}

// Get gives a delivery; KindNotFound when there is none.
func (h *Deliveries) Get(ctx context.Context, id string) (Delivery, error) {
	var c conditions
	c.add("id = ", id)
	found, err := h.find(ctx, c, 1)
	switch {
	case err != nil:
		return Delivery{}, err
	case len(found) == 0:
		return Delivery{}, errNoDelivery
	}
	return found[0], nil
}

var errNoDelivery = api.Errorf(api.KindNotFound, "there is no such delivery")

func (h *Deliveries) find(ctx context.Context, c conditions, limit int) ([]Delivery, error) {
	args := append(c.args, limit)
	var out []Delivery
	err := h.s.read(ctx, func(tx *Tx) error {
		found, err := collect(ctx, tx, scanDelivery, "select "+deliveryColumns+" from delivery"+c.text()+
			" order by created_at desc, id desc limit "+placeholder(len(args)), args...)
		out = each(found, func(d *Delivery) Delivery { return *d })
		return err
	})
	return out, err
}

// failing reports whether the delivery waits for its next attempt after one that failed.
func (d *Delivery) failing() bool { return d.State == api.DeliveryWaiting && d.LastError != "" }

// Retry lets a delivery that failed, for good or until its next attempt, be sent again now, a digest with all that it told
// of. It gives KindNotFound when there is none, and KindConflict when it has not failed or names nobody to send it to.
func (h *Deliveries) Retry(ctx context.Context, id string) (Delivery, error) {
	var out Delivery
	err := h.s.write(ctx, useGeneral, func(tx *Tx) error {
		d, err := one(ctx, tx, scanDelivery, "select "+deliveryColumns+" from delivery where id = $1"+tx.eng.lockRows(lockWait), id)
		switch {
		case errors.Is(err, errNoRow):
			return errNoDelivery
		case err != nil:
			return err
		case d.State != api.DeliveryFailed && !d.failing():
			return api.Errorf(api.KindConflict, "the delivery is %s: only one that failed can be tried again", d.State)
		case d.Channel == "":
			return api.Errorf(api.KindConflict, "the delivery has no target that it could be sent to: %s", d.Reason)
		}
		tx.wake(hub.Deliveries)
		tx.audit(api.AuditDeliveryRetry, id, map[string]any{"subject": d.Subject, "channel": d.Channel})
		d, err = tx.revive(ctx, d)
		if err == nil {
			out = *d
		}
		return err
	})
	return out, err
}

// Failing gives deliveries that failed and are tried on, and were due by a moment, the newest first.
func (h *Deliveries) Failing(ctx context.Context, since api.Time, limit int) ([]Delivery, error) {
	var c conditions
	c.literal("state in ('waiting', 'sending')")
	c.literal("last_error <> ''")
	c.add("due_at <= ", int64(since))
	return h.find(ctx, c, limit)
}

// Backlog is how the deliveries stand.
type Backlog struct {
	Waiting int64    // to be sent, tried again or gathered
	Held    int64    // not to be sent for now
	Failing int64    // of those that wait: tried and failed
	Failed  int64    // for good, in the time that is kept
	Oldest  api.Time // when the oldest was due that is due and not yet sent; 0 when none is
}

// Backlog counts deliveries.
func (h *Deliveries) Backlog(ctx context.Context) (Backlog, error) {
	var out Backlog
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		out, err = one(ctx, tx, func(r row) (Backlog, error) {
			var b Backlog
			return b, r.Scan(&b.Waiting, &b.Held, &b.Failing, &b.Oldest, &b.Failed)
		}, backlog, int64(tx.now))
		return err
	})
	return out, err
}
