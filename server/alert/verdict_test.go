package alert

import (
	"context"
	"slices"
	"testing"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

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
		j.closesDelivery(t, i, &d)
		tried := d.Attempts > 0 || d.Digest != ""
		switch {
		case d.About == api.AboutOpened && tried:
			openings = append(openings, address(&d))
		case d.About == api.AboutRecovered && d.State != api.DeliverySkipped:
			returns = append(returns, address(&d))
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
	recovered := j.lives[i.Subject].signs[i.ClosedAt]
	slices.Sort(openings)
	slices.Sort(returns)
	switch {
	case recovered && !slices.Equal(openings, returns):
		t.Errorf("%s at %s: down told to %v, up to %v: %v", i.Subject, i.OpenedAt, openings, returns, w.reasons(t, i.Subject))
	case !recovered && len(returns) > 0:
		t.Errorf("%s did not come back, and %v were told so", i.Subject, returns)
	}
}

func (j *judge) closesDelivery(t *testing.T, i *store.Incident, d *store.Delivery) {
	t.Helper()
	switch d.State {
	case api.DeliverySkipped:
		if d.Reason == "" {
			t.Errorf("%s of %s to %s is skipped without a reason", d.About, i.Subject, address(d))
		}
	case api.DeliveryFailed:
		if d.Reason == "" && d.LastError == "" {
			t.Errorf("%s of %s to %s failed without a reason", d.About, i.Subject, address(d))
		}
	case api.DeliverySent:
		if d.Digest == "" && j.letters[d.ID] == 0 {
			t.Errorf("%s of %s to %s counts as sent, and nobody got it", d.About, i.Subject, address(d))
		}
	}
	ack := j.acks[i.ID]
	if ack != nil && !ack.once && d.About != api.AboutRecovered && d.CreatedAt > ack.at && d.Attempts > 0 {
		t.Errorf("%s is told of %s at %s, though %s was at it since %s", address(d), i.Subject, d.CreatedAt, ack.by, ack.at)
	}
	if d.Route == routeEscalation && d.About == api.AboutOpened && !slices.ContainsFunc(i.Told, func(other store.Delivery) bool {
		return other.Route != routeEscalation && (other.Attempts > 1 || other.State == api.DeliveryFailed || other.Digest != "")
	}) {
		t.Errorf("%s is told of %s in place of others, who were told", address(d), i.Subject)
	}
}
