package alert

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/store"
)

// judge watches what people are told. It knows the rules in its own, few words, and nothing of how they are kept.
type judge struct {
	*tale
	mu      sync.Mutex // letters arrive side by side
	cases   map[string]*lawsuit
	letters map[string]int // by delivery
	lost    map[string]int // by delivery: attempts that nobody recorded, so that it may arrive again
	faults  []string
	looked  api.Time // when it looked last
}

// lawsuit is an outage that is open, as the judge has seen it.
type lawsuit struct {
	*life
	owed  []string            // who must be told that it began
	clear api.Time            // since when nothing stands in the way of telling of it
	seen  bool                // the steps that are due at once were looked at
	cried map[string]bool     // by delivery: others are to be told as it fails
	odd   map[string]api.Time // by delivery: since when it is where it should not be
}

func newJudge(t *tale) *judge {
	return &judge{tale: t, cases: map[string]*lawsuit{}, letters: map[string]int{}, lost: map[string]int{}}
}

func (j *judge) fault(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.faults = append(j.faults, j.now().String()+" "+fmt.Sprintf(format, args...))
}

// lose notes that nobody will know whether an attempt arrived.
func (j *judge) lose(delivery string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lost[delivery]++
}

// leaves checks a letter that begins its way.
func (j *judge) leaves(l letter) {
	switch l.about {
	case notify.AboutOpened, notify.AboutEvent:
		if j.hushed(l.name) {
			j.fault("%s is told of %s, of which nobody is to be told", l.to, l.name)
		}
	case notify.AboutRepeated:
		if j.hushed(l.name) || j.acknowledged(l.message.IncidentID) {
			j.fault("%s is reminded of %s, of which nobody is to be told", l.to, l.name)
		}
	}
}

// arrives checks that a letter arrives once.
func (j *judge) arrives(l letter) {
	j.mu.Lock()
	j.letters[l.delivery]++
	twice := j.letters[l.delivery] > 1+j.lost[l.delivery]
	j.mu.Unlock()
	if twice {
		j.fault("%s is told twice: %s", l.to, l)
	}
}

// looks checks what is open, and that all that is down is.
func (j *judge) looks(t *testing.T, m *month) {
	t.Helper()
	open := map[string]bool{}
	for n := range m.open {
		i := &m.open[n]
		open[i.Subject] = true
		c := j.cases[i.ID]
		if c == nil {
			c = j.opens(i)
		}
		j.checkOwed(c, i)
		j.checkTold(c, i, m.mail.busy())
		j.checkReminders(c, i)
	}
	for _, name := range simulated {
		if l := j.lives[name]; l.exists && !l.paused && l.last > 0 && !open[name] && (l.failed() || j.deadline(l).Add(time.Second) <= j.now()) {
			j.fault("%s is down, and nobody noticed: last sign of life %s, %d fails", name, l.last, l.fails)
		}
	}
	j.looked = j.now()
	for _, fault := range j.faults {
		t.Error(fault)
	}
	if len(j.faults) == 0 {
		return
	}
	for n := range m.open {
		t.Logf("open: %s since %s: %v", m.open[n].Subject, m.open[n].OpenedAt, m.reasons(t, m.open[n].Subject))
	}
	for _, p := range j.plans {
		t.Logf("route %+v for %q since %s", p.RouteInput, p.tag, p.since)
	}
	t.Log("what happened last:\n" + strings.Join(j.diary[max(0, len(j.diary)-30):], "\n"))
}

// opens checks that an outage that has begun is none of our own absence, nor of a fail that is put up with.
func (j *judge) opens(i *store.Incident) *lawsuit {
	c := &lawsuit{life: j.lives[i.Subject], cried: map[string]bool{}, odd: map[string]api.Time{}}
	j.cases[i.ID] = c
	switch i.Reason {
	case api.ReasonFail:
		if !c.failed() {
			j.fault("%s is down after %d fails of %d", i.Subject, c.fails, c.FailuresToAlert)
		}
	default:
		if due := j.deadline(c.life); i.OpenedAt < due {
			j.fault("%s is down at %s, too early: it has time until %s", i.Subject, i.OpenedAt, due)
		}
	}
	c.goes(i.OpenedAt)
	return c
}

// checkOwed checks that whoever is to be told has a message, sent or not: those of the routes whose time has come since
// the last look, and others where these cannot be told.
func (j *judge) checkOwed(c *lawsuit, i *store.Incident) {
	if j.acknowledged(i.ID) {
		c.seen = false // should that be taken back, all that is due is owed
		return
	}
	for _, p := range j.plansFor(c.life) {
		due := i.OpenedAt.Add(p.After.Duration())
		if due <= j.now() && (due > j.looked || !c.seen) {
			c.owed = append(c.owed, j.reached(p)...)
		}
	}
	c.seen = true
	for _, d := range i.Told {
		failing := d.State == api.DeliveryFailed || d.State == api.DeliveryWaiting && d.Attempts > 0 && d.DueAt.Add(escalationTime) <= j.now()
		if !failing || d.About == api.AboutRecovered || d.Route == routeEscalation || d.Digest != "" || c.cried[d.ID] {
			continue
		}
		c.cried[d.ID] = true // by the kind that its channel has now
		for _, other := range defaults {
			if kindOf(other) != j.kind(address(&d)) {
				c.owed = append(c.owed, other)
			}
		}
	}
	for _, to := range slices.Compact(slices.Sorted(slices.Values(c.owed))) {
		if !slices.ContainsFunc(i.Told, func(d store.Delivery) bool { return d.About == api.AboutOpened && address(&d) == to }) {
			j.fault("%s is to be told of %s, down since %s, and is not", to, i.Subject, i.OpenedAt)
		}
	}
}

// escalationTime is how long people are tried before others are told.
const escalationTime = 10 * time.Minute

// address gives the target of a delivery as people write it.
func address(d *store.Delivery) string {
	if d.Address == "" {
		return d.Channel
	}
	return d.Channel + ":" + d.Address
}

// checkTold checks that nothing is kept back without a reason, and that what is not goes.
func (j *judge) checkTold(c *lawsuit, i *store.Incident, busy bool) {
	hindered := j.hindered(c.life, i)
	switch {
	case hindered || j.acknowledged(i.ID):
		c.clear = 0
	case c.clear == 0:
		c.clear = j.now()
	}
	for _, d := range i.Told {
		var wrong string
		switch kept := hindered || j.closed(d.Route); {
		case d.About == api.AboutRecovered || d.Digest != "":
		case d.About == api.AboutOpened && d.SentAt > j.looked && d.Attempts == 1 && j.behind(c.life, d.CreatedAt):
			j.fault("%s is told of %s, though what it stands behind is down", address(&d), i.Subject)
		case d.State == api.DeliveryHeld && d.Reason == "":
			wrong = "is held without a reason"
		case d.State == api.DeliveryHeld && !kept:
			wrong = "is held, though nothing stands in its way: " + d.Reason
		case d.State == api.DeliverySkipped && d.About == api.AboutOpened && j.acks[i.ID] == nil:
			wrong = "is left out, though it is down and nobody is at it: " + d.Reason
		case (d.State == api.DeliveryWaiting || d.State == api.DeliverySending) && d.NextAttempt <= j.looked && !busy && !earlier(i, &d):
			wrong = "waits for nothing"
		}
		switch {
		case wrong == "":
			delete(c.odd, d.ID)
		case c.odd[d.ID] == 0:
			c.odd[d.ID] = j.now() // it has until the next look
		default:
			j.fault("that %s is down since %s, for %s, %s since %s", i.Subject, i.OpenedAt, address(&d), wrong, c.odd[d.ID])
		}
	}
}

// earlier reports whether something else has to go to the target first.
func earlier(i *store.Incident, d *store.Delivery) bool {
	for _, other := range i.Told {
		if other.ID == d.ID {
			return false
		}
		if address(&other) == address(d) && !other.State.Final() {
			return true
		}
	}
	return false
}

// checkReminders checks that who was told by a route that reminds is reminded while nothing stands in the way.
func (j *judge) checkReminders(c *lawsuit, i *store.Incident) {
	const slack = 4 * time.Hour // the judge looks seldom
	if c.clear == 0 {
		return
	}
	for _, p := range j.plansFor(c.life) {
		for _, to := range j.reached(p) {
			var last *store.Delivery
			for n := range i.Told {
				if d := &i.Told[n]; d.About != api.AboutRecovered && address(d) == to && d.State != api.DeliverySkipped {
					last = d
				}
			}
			if p.Repeat == 0 || p.Hours != nil || last == nil || last.State != api.DeliverySent || last.Route != p.Name {
				continue
			}
			if since := max(last.SentAt, c.clear, p.since, j.rewired); j.now().Sub(since) > p.Repeat.Duration()+slack {
				j.fault("%s is not reminded of %s by %s since %s", to, i.Subject, p.Name, since)
			}
		}
	}
}

// behind reports whether something in front of a service was down when a message was ordered, and still is.
func (j *judge) behind(l *life, ordered api.Time) bool {
	return slices.ContainsFunc(l.Ancestry(), func(name string) bool {
		parent := j.lives[name]
		return parent.down && parent.falls[len(parent.falls)-1] < min(ordered, j.looked) && l.parted < j.looked
	})
}

// hindered reports whether something may stand in the way of telling of an outage.
func (j *judge) hindered(l *life, i *store.Incident) bool {
	const quarter = 15 * time.Minute // what people change of parents is seen by then
	now := j.now()
	if j.hushed(i.Subject) || now.Sub(l.parted) <= quarter {
		return true
	}
	for _, name := range l.Ancestry() {
		parent := j.lives[name]
		patience := max(l.NextIn.Duration(), 6*time.Hour) // of a child whose parent has come back; cron has six hours
		if parent.down || parent.back > i.OpenedAt && now.Sub(parent.back) <= patience || now.Sub(i.OpenedAt) <= 2*time.Minute ||
			now.Sub(parent.changed) <= quarter {
			return true
		}
	}
	var lately int
	for _, at := range l.falls {
		if age := i.OpenedAt.Sub(at); age >= 0 && age < 2*time.Hour {
			lately++
		}
	}
	return lately >= 4 && now.Sub(i.OpenedAt) <= quarter
}
