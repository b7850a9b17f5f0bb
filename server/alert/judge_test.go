package alert

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/store"
)

// judge watches what people are told. It knows the rules in its own, few words, and nothing of how they are kept.
type judge struct {
	mu           sync.Mutex // letters arrive side by side
	now          func() api.Time
	prod         map[string]bool
	quiet        []calm // when nobody is told of what
	acknowledged map[string]bool
	crashed      map[string]int
	got          map[string]int // letters by delivery
	faults       []string
	opened       map[string]api.Time // when a target was told the opening of an incident
	free         map[string]api.Time // since when nothing stands in the way of telling of an incident
}

// calm is a silence or a window of maintenance.
type calm struct {
	covers   func(service string) bool
	from, to api.Time
}

func newJudge(w *world) *judge {
	j := &judge{
		now: func() api.Time { return w.now() }, prod: map[string]bool{}, acknowledged: map[string]bool{}, crashed: map[string]int{},
		got: map[string]int{}, opened: map[string]api.Time{}, free: map[string]api.Time{},
	}
	for i, name := range simulated {
		j.prod[name] = i%2 == 0
	}
	return j
}

func (j *judge) hush(covers func(string) bool, from, to api.Time) {
	j.quiet = append(j.quiet, calm{covers, from, to})
}

func (j *judge) hushed(service string) bool {
	return slices.ContainsFunc(j.quiet, func(c calm) bool { return c.from <= j.now() && j.now() < c.to && c.covers(service) })
}

func (j *judge) fault(format string, args ...any) {
	j.faults = append(j.faults, j.now().String()+" "+fmt.Sprintf(format, args...))
}

// arrives checks a letter.
func (j *judge) arrives(l letter) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.got[l.delivery]++
	if j.got[l.delivery] > 1+j.crashed[l.delivery] {
		j.fault("%s is told twice: %s", l.to, l)
	}
	key := l.message.IncidentID + " " + l.to
	switch l.about {
	case notify.AboutOpened:
		if j.hushed(l.name) {
			j.fault("%s is told of %s, of which nobody is to be told", l.to, l.name)
		}
		if j.opened[key] == 0 {
			j.opened[key] = j.now()
		}
	case notify.AboutRepeated:
		if j.hushed(l.name) || j.acknowledged[l.message.IncidentID] {
			j.fault("%s is reminded of %s, of which nobody is to be told", l.to, l.name)
		}
	case notify.AboutEvent:
		if j.hushed(l.name) {
			j.fault("%s is told of an event of %s, of which nobody is to be told", l.to, l.name)
		}
	}
}

// looks checks what is open: of what nothing stands in the way of, somebody was told.
func (j *judge) looks(t *testing.T, w *world) {
	t.Helper()
	for _, i := range must(w.Incidents.List(context.Background(), store.IncidentFilter{State: api.IncidentOpen, Limit: 100}))(t) {
		told := slices.ContainsFunc(i.Told, func(d store.Delivery) bool { return d.Attempts > 0 || d.Digest != "" || d.State == api.DeliveryWaiting })
		if told || j.acknowledged[i.ID] || j.hindered(t, w, &i) {
			delete(j.free, i.ID)
			continue
		}
		if j.free[i.ID] == 0 {
			j.free[i.ID] = j.now()
		}
		if j.now() > j.free[i.ID] { // at the second look at the latest
			j.fault("nobody is told of %s, down since %s: %s", i.Subject, i.OpenedAt, w.reasons(t, i.Subject))
		}
	}
	for _, fault := range j.faults {
		t.Error(fault)
	}
}

// hindered reports whether something may stand in the way of telling of an incident.
func (j *judge) hindered(t *testing.T, w *world, i *store.Incident) bool {
	t.Helper()
	ctx := context.Background()
	s, err := w.Services.ByName(ctx, i.Subject)
	if err != nil || j.hushed(i.Subject) {
		return true
	}
	for _, name := range append(slices.Clone(s.Parents), s.Host) {
		parent, err := w.Services.ByName(ctx, name)
		if err != nil {
			continue
		}
		patience := max(s.NextIn.Duration(), 6*time.Hour) // of a child whose parent has come back; cron has six hours
		if parent.State == api.StateDown || parent.StateSince > i.OpenedAt && j.now().Sub(parent.StateSince) <= patience || j.now().Sub(i.OpenedAt) <= suspicion {
			return true
		}
	}
	var lately int
	for _, c := range must(w.Changes.OfService(ctx, s.ID, 0, 200))(t) {
		if c.Opens() && i.OpenedAt.Sub(c.At) < 2*time.Hour {
			lately++
		}
	}
	return lately >= api.FlapDowns && j.now().Sub(i.OpenedAt) <= api.FlapCalm
}

// closes checks the end: nothing hangs, everything has its reason, and each return goes where its opening went.
func (j *judge) closes(t *testing.T, w *world) {
	t.Helper()
	ctx := context.Background()
	backlog := must(w.Deliveries.Backlog(ctx))(t)
	if backlog.Waiting > 0 || backlog.Held > 0 {
		t.Errorf("at the end %d messages wait and %d are held", backlog.Waiting, backlog.Held)
	}
	var before store.Place
	for {
		page := must(w.Incidents.List(ctx, store.IncidentFilter{Before: before, Limit: 500}))(t)
		for _, i := range page {
			before = store.Place{Time: i.OpenedAt, ID: i.ID}
			j.closesIncident(t, w, &i)
		}
		if len(page) < 500 {
			return
		}
	}
}

func (j *judge) closesIncident(t *testing.T, w *world, i *store.Incident) {
	t.Helper()
	if i.State == api.IncidentOpen {
		t.Errorf("%s is open at the end", i.Subject)
	}
	var openings, returns []string
	for _, d := range i.Told {
		to := d.Channel + ":" + d.Address
		if (d.State == api.DeliverySkipped || d.State == api.DeliveryHeld) && d.Reason == "" {
			t.Errorf("%s of %s to %s is %s without a reason", d.About, i.Subject, to, d.State)
		}
		tried := d.Attempts > 0 || d.Digest != ""
		switch {
		case d.About == api.AboutOpened && tried:
			openings = append(openings, to)
		case d.About == api.AboutRecovered && d.State != api.DeliverySkipped:
			returns = append(returns, to)
		}
	}
	if shown := w.alerts.showIncident(i); len(openings) == 0 && shown.Untold == "" {
		t.Errorf("nobody was told of %s at %s, and nothing says why", i.Subject, i.OpenedAt)
	}
	if len(openings) != len(unique(openings)) || len(returns) != len(unique(returns)) {
		t.Errorf("%s: told twice: down to %v, up to %v", i.Subject, openings, returns)
	}
	if i.SubjectKind != api.SubjectService || i.Flap.Leader == i.ID {
		return
	}
	recovered := slices.ContainsFunc(must(w.Changes.OfService(context.Background(), i.SubjectID, 0, 1000))(t), func(c api.Change) bool {
		return c.Recovers() && c.At == i.ClosedAt
	})
	slices.Sort(openings)
	slices.Sort(returns)
	switch {
	case recovered && !slices.Equal(openings, returns):
		t.Errorf("%s at %s: down told to %v, up to %v: %v", i.Subject, i.OpenedAt, openings, returns, w.reasons(t, i.Subject))
	case !recovered && len(returns) > 0:
		t.Errorf("%s did not come back, and %v were told so", i.Subject, returns)
	}
}
