package alert

import (
	"strings"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/store"
)

func TestMessage(t *testing.T) {
	const opened, closed, now = api.Time(1_700_000_000_000), api.Time(1_700_000_600_000), api.Time(1_700_000_601_000)
	a := New(Options{PublicURL: "https://watch.example.org", Zone: time.UTC})
	down := api.Change{ID: 1, SubjectKind: api.SubjectService, Subject: "a b/ü", From: api.StateUp, To: api.StateDown, At: opened}
	up := api.Change{ID: 2, SubjectKind: api.SubjectService, Subject: "a b/ü", From: api.StateDown, To: api.StateUp, At: closed}
	gap := &api.Gap{From: opened - 60_000, To: opened - 1000}
	down.Facts.Gap = gap
	event := api.Change{SubjectKind: api.SubjectEvent, Subject: "7", At: opened, Facts: api.Facts{Service: "web", Message: "disk full", Level: 4}}
	incident := api.Incident{ID: "i", OpenedAt: opened, ClosedAt: closed}
	order := func(about api.DeliveryAbout, c api.Change) store.Delivery {
		return store.Delivery{Delivery: api.Delivery{ID: "d", Incident: "i", About: about, SubjectKind: c.SubjectKind, Subject: c.Subject}}
	}

	m, ok := a.message(order(api.AboutOpened, down), store.DeliveryContent{Incident: store.Incident{Incident: incident}, Change: down}, now)
	same(t, "worth sending", ok, true)
	same(t, "link", m.Link, "https://watch.example.org/gui/#/services/a%20b%2F%C3%BC")
	same(t, "ids", []string{m.DeliveryID, m.IncidentID}, []string{"d", "i"})
	same(t, "gap", m.Gap, gap)
	same(t, "now", m.Now, now)

	m, _ = a.message(order(api.AboutRecovered, up), store.DeliveryContent{Incident: store.Incident{Incident: incident}, Change: up}, now)
	same(t, "about", m.About, notify.AboutRecovered)
	same(t, "down for, though the change does not say since when", m.DownFor(), 10*time.Minute)

	m, _ = a.message(order(api.AboutOpened, event), store.DeliveryContent{Incident: store.Incident{Incident: incident}, Change: event}, now)
	same(t, "about", m.About, notify.AboutEvent)
	same(t, "link", m.Link, "https://watch.example.org/gui/#/events")

	digest := store.Delivery{Delivery: api.Delivery{ID: "d", About: api.AboutDigest}}
	if _, ok := a.message(digest, store.DeliveryContent{}, now); ok {
		t.Error("a digest of nothing is worth sending")
	}
	m, ok = a.message(digest, store.DeliveryContent{Members: []store.DigestMember{
		{Change: down, State: api.StateUp, Since: closed},
		{Change: up, State: api.StateUp, Since: closed},
		{Change: event},
		{
			Change:   api.Change{SubjectKind: api.SubjectService, Subject: "restless", To: api.StateDown},
			Delivery: store.Delivery{Delivery: api.Delivery{Incident: "i4"}}, State: api.StateDown, Since: closed,
			Flap: api.Flap{Leader: "i4", Count: 4, Since: opened},
		},
		{Change: api.Change{SubjectKind: api.SubjectService, Subject: "gone", To: api.StateDown}},
	}}, now)
	same(t, "worth sending", ok, true)
	same(t, "link", m.Link, "https://watch.example.org/gui/#/incidents")
	same(t, "items", m.Items, []notify.Item{
		{Kind: api.SubjectService, Name: "restless", State: api.StateDown, Since: closed, Flapping: true},
		{Kind: api.SubjectEvent, Name: "web", Since: opened, Text: "disk full"},
		{Kind: api.SubjectService, Name: "a b/ü", State: api.StateUp, Since: closed},
		{Kind: api.SubjectService, Name: "gone", State: api.StateDeleted},
	})
	same(t, "line", m.Line(m.Items[0]), "restless is down "+m.Detail(m.Items[0]))
	if detail := m.Detail(m.Items[0]); !strings.HasSuffix(detail, ", flapping") {
		t.Errorf("a digest says %q of what is told as flapping", detail)
	}
}
