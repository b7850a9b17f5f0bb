package alert

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/clock"
	"watchkeeper/server/hub"
	"watchkeeper/server/store"
)

// The pace of the sender.
const (
	sendEvery = time.Second
	// lease is longer than an attempt and the writing of its outcome take.
	lease = 2 * notify.SendTimeout
	// drainTime is how long attempts that are under way may take when the server stops, which must not take 10 s.
	drainTime   = 3 * time.Second
	recordTime  = 5 * time.Second
	recordAgain = time.Second
)

// Sender sends what is due.
type Sender struct {
	alerts   *Alerts
	random   func() float64 // 0 to below 1
	patience time.Duration  // with what is under way at the end
}

// NewSender makes the sender. Any number of servers may run one on the same database, each once, and each must be
// registered and mark that it is alive.
func NewSender(a *Alerts) *Sender {
	return &Sender{alerts: a, random: rand.Float64, patience: drainTime}
}

// Run sends until ctx ends; then it gives the attempts that are under way a little time.
func (s *Sender) Run(ctx context.Context) error {
	a := s.alerts
	woken := a.Hub.Subscribe(hub.Deliveries)
	defer woken.Close()
	timer := a.Clock.NewTimer(0)
	defer timer.Stop()
	round := newRound(ctx, s)
	defer round.drain()
	var failing trouble
	freed := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-woken.C():
		case <-timer.C():
		case lane := <-round.ended:
			round.lanes.end(lane)
		}
		err := a.Channels.ready(ctx)
		if err == nil && !freed { // what an earlier life of this server had under way
			err = a.Store.Deliveries.FreeOwn(ctx)
			freed = err == nil
		}
		if err == nil {
			err = round.send(ctx)
		}
		if ctx.Err() != nil {
			return nil
		}
		failing.note(a.Log, "sending alerts", err)
		timer.Reset(sendEvery)
	}
}

// round is what a sender has under way.
type round struct {
	sender *Sender
	lanes  lanes
	ended  chan string // lanes of attempts that are over
	// attempts is the context of every attempt: it outlives the sender's by the time of the drain.
	attempts context.Context
	stop     context.CancelCauseFunc
	wait     sync.WaitGroup
}

func newRound(ctx context.Context, s *Sender) *round {
	attempts, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	return &round{sender: s, lanes: newLanes(), ended: make(chan string, totalLimit), attempts: attempts, stop: stop}
}

// send claims what is due and begins to send it.
func (r *round) send(ctx context.Context) error {
	a := r.sender.alerts
	claimed, err := a.Store.Deliveries.Claim(ctx, store.ClaimOptions{Share: r.lanes.share, Lease: lease})
	if len(claimed) > 0 {
		if failed := a.rules.load(ctx); failed != nil { // those read before must do: what is claimed has to go
			a.Log.Warn("reading routes, silences and maintenance failed", "error", failed)
		}
	}
	for _, d := range claimed {
		r.lanes.begin(d.Lane)
		r.wait.Go(func() {
			r.sender.attempt(r.attempts, d)
			r.ended <- d.Lane
		})
	}
	return err
}

// drain waits for the attempts that are under way, and breaks off those that take long.
func (r *round) drain() {
	timer := time.AfterFunc(r.sender.patience, func() { r.stop(errStopping) })
	defer timer.Stop()
	r.wait.Wait()
	r.stop(nil)
}

// attempt makes one attempt and records what came of it.
func (s *Sender) attempt(ctx context.Context, d store.Delivery) {
	a := s.alerts
	made := attempted{delivery: d, random: s.random()}
	content, err := a.Store.Deliveries.Content(ctx, d)
	if err == nil && d.About == api.AboutDigest {
		err = a.sift(ctx, d, &content)
	}
	if err == nil {
		if d.About != api.AboutDigest {
			if o, kept := a.policy().withheld(&d, &content, a.now()); kept {
				s.record(ctx, d, o)
				return
			}
		}
		m, left := a.message(d, content, a.now())
		if !left {
			s.record(ctx, d, store.Outcome{State: api.DeliverySkipped, Reason: "nothing is left to tell"})
			return
		}
		made.receipt, err = a.hand(ctx, d, &m)
	} else if api.KindOf(err) == api.KindNotFound {
		err = notify.Fail(notify.GiveUp, "what it tells of is gone", err)
	} else {
		err = notify.Fail(notify.Persist, "the database could not be read", err)
	}
	made.err, made.now = err, a.now()
	made.stopping = errors.Is(context.Cause(ctx), errStopping)
	s.record(ctx, d, made.outcome())
}

// sift takes out of a digest what may not be told now.
func (a *Alerts) sift(ctx context.Context, d store.Delivery, content *store.DeliveryContent) error {
	tell, keep := a.policy().sift(content.Members, a.now())
	content.Members = tell
	if len(keep) == 0 {
		return nil
	}
	return a.Store.Deliveries.Withhold(ctx, d.ID, keep)
}

// hand gives a message to the channel of its delivery.
func (a *Alerts) hand(ctx context.Context, d store.Delivery, m *notify.Message) (string, error) {
	directory, member := a.Channels.findFresh(ctx, d.Channel)
	switch {
	case member == nil:
		return "", notify.Fail(notify.GiveUp, directory.missing(d.Channel), nil)
	case member.sender == nil:
		return "", notify.Fail(notify.GiveUp, member.Name+" cannot be used: "+member.fault, nil)
	}
	if err := member.template.Word(m); err != nil {
		a.templateFailed(ctx, member, err)
	}
	return deliver(ctx, member.sender, d.Address, m)
}

// ownService is the service under which Watchkeeper writes events about itself.
const ownService = "watchkeeper"

// templateFailed says, once, that a channel's template failed on a real message, which then has the built-in text.
func (a *Alerts) templateFailed(ctx context.Context, m *member, err error) {
	if m.warned.Swap(true) {
		return
	}
	text := "The template of the channel " + m.Name + " failed, so that its messages have the built-in text: " + err.Error()
	a.Log.Warn("the template of a channel failed; its messages have the built-in text", "channel", m.Name, "error", err)
	if _, err := a.Store.Incidents.Warn(ctx, ownService, text); err != nil {
		m.warned.Store(false)
		a.Log.Warn("a warning about a template could not be stored", "channel", m.Name, "error", err)
	}
}

func (a *Alerts) now() api.Time { return api.TimeOf(a.Clock.Now()) }

// record writes what came of an attempt, as often as it takes: a message that was sent and not recorded is sent again
// when the lease is over. While the server stops, one more try must do.
func (s *Sender) record(ctx context.Context, d store.Delivery, o store.Outcome) {
	a := s.alerts
	var failing trouble
	for {
		write, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
		state, err := a.Store.Deliveries.Record(write, d, o)
		cancel()
		if err == nil {
			s.log(d, o, state)
			return
		}
		if errors.Is(err, store.ErrClaimLost) {
			a.Log.Warn("another server has taken a delivery over, so that it may arrive twice", "delivery", d.ID)
			return
		}
		failing.note(a.Log, "recording what came of a delivery", err)
		if clock.Sleep(ctx, a.Clock, recordAgain) != nil {
			return
		}
	}
}

// log writes one line when the state of a delivery changes; another failure of one that waits is none.
func (s *Sender) log(d store.Delivery, o store.Outcome, state api.DeliveryState) {
	a := s.alerts
	line := a.Log.With("delivery", d.ID, "incident", d.Incident, "about", d.About, "subject", d.Subject,
		"channel", d.Channel, "target", a.mask(d), "attempts", d.Attempts)
	switch state {
	case api.DeliverySent:
		line.Info("alert sent")
	case api.DeliveryFailed:
		line.Error("alert failed for good", "error", o.LastError)
	case api.DeliverySkipped:
		line.Info("alert not sent", "cause", o.Reason)
	case api.DeliveryHeld:
		line.Info("alert held", "cause", o.Reason)
	default:
		if d.Attempts == 1 {
			line.Warn("alert not sent yet, trying on", "error", o.LastError)
		}
	}
}
