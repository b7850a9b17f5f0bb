package alert

import (
	"net/url"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/store"
)

// message makes what a channel sends. It reports false for a digest of which nothing is left to tell.
func (a *Alerts) message(d store.Delivery, c store.DeliveryContent, now api.Time) (notify.Message, bool) {
	var m notify.Message
	switch {
	case d.About == api.AboutDigest:
		m = notify.OfDigest(itemsOf(c.Members), a.Zone)
		m.Link = a.PublicURL + "/gui/#/incidents"
		if len(c.Members) == 0 {
			return m, false
		}
	case d.SubjectKind == api.SubjectEvent:
		m = notify.OfChange(&c.Change, notify.AboutEvent, a.Zone)
		m.Link = a.PublicURL + "/gui/#/events"
	default:
		m = notify.OfChange(&c.Change, notify.About(d.About), a.Zone)
		m.Since = c.Incident.OpenedAt
		m.Affects = c.Children
		sayFlapping(&m, &c.Incident)
		m.Link = a.PublicURL + "/gui/#/services/" + url.PathEscape(d.Subject)
		m.Acknowledge = a.acknowledgeURL(&d, c.Incident.AcknowledgedBy, now)
	}
	m.DeliveryID, m.IncidentID, m.Now = d.ID, d.Incident, now
	return m, true
}

// itemsOf gives one line for each service that a digest tells of, as it is now, and one for each event.
func itemsOf(members []store.DigestMember) []notify.Item {
	var items []notify.Item
	seen := map[string]int{}
	for _, m := range members {
		c := m.Change
		if c.SubjectKind == api.SubjectEvent {
			items = append(items, notify.Item{Kind: c.SubjectKind, Name: c.Facts.Service, Since: c.At, Text: c.Facts.Message})
			continue
		}
		flapping := m.Flap.Leader != "" && m.Flap.Leader == m.Delivery.Incident
		if at, ok := seen[c.Subject]; ok {
			items[at].Flapping = items[at].Flapping || flapping
			continue
		}
		seen[c.Subject] = len(items)
		item := notify.Item{Kind: c.SubjectKind, Name: c.Subject, State: m.State, Since: m.Since, Flapping: flapping}
		if m.State == "" {
			item.State = api.StateDeleted
		}
		items = append(items, item)
	}
	return items
}

// sayFlapping words the two messages of an incident that was told as flapping.
func sayFlapping(m *notify.Message, i *store.Incident) {
	calm := i.ClosedAt == 0 || i.ClosedAt.Sub(i.OpenedAt) >= api.FlapCalm // it stayed down, and this is told as usual
	switch {
	case i.Flap.Leader != i.ID || i.ID == "":
	case m.About == notify.AboutOpened:
		m.SayFlapping(i.Flap.Count, i.Flap.Since)
	case m.About == notify.AboutRecovered && !calm:
		m.SayCalm(i.Flap.Since)
	}
}
