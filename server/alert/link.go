package alert

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/google/uuid"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/store"
)

// linkTime is how long the link in a message may be used after that was sent.
const linkTime = 7 * 24 * time.Hour

// What is wrong with a link, found with errors.Is.
var (
	ErrLinkBroken  = errors.New("not a link of this server") // for whoever counts wrong guesses
	ErrLinkExpired = errors.New("the link has expired")
)

// linkEncoding takes each value in one spelling only.
var linkEncoding = base64.RawURLEncoding.Strict()

const (
	linkLabel = "link acknowledge" // what the key of links is derived for
	linkMac   = 16                 // bytes
	linkSize  = 16 + 8 + linkMac   // a delivery, when the link ends, and the proof
)

// link is what the link in a message says: by whose message, so that it is known who follows it and of which incident,
// and until when.
type link struct {
	delivery uuid.UUID
	until    api.Time
}

func (l link) proof(key []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(l.body())
	return mac.Sum(nil)[:linkMac]
}

func (l link) body() []byte { return binary.BigEndian.AppendUint64(l.delivery[:], uint64(l.until)) }

// text gives the link as it stands in an address, signed with a key.
func (l link) text(key []byte) string {
	return linkEncoding.EncodeToString(append(l.body(), l.proof(key)...))
}

// readLink gives what a link says that was signed with a key. The error is ErrLinkBroken or ErrLinkExpired.
func readLink(key []byte, text string, now api.Time) (link, error) {
	var l link
	if len(text) != linkEncoding.EncodedLen(linkSize) {
		return l, ErrLinkBroken
	}
	var raw [linkSize]byte
	if n, err := linkEncoding.Decode(raw[:], []byte(text)); err != nil || n != linkSize {
		return l, ErrLinkBroken
	}
	copy(l.delivery[:], raw[:16])
	l.until = api.Time(binary.BigEndian.Uint64(raw[16:24]))
	switch {
	case !hmac.Equal(raw[24:], l.proof(key)):
		return link{}, ErrLinkBroken
	case now >= l.until:
		return link{}, ErrLinkExpired
	}
	return l, nil
}

// linkKey is derived anew each time: the secret may be replaced while the server runs, and its links end with it.
func (a *Alerts) linkKey() []byte { return a.Key.Derive(linkLabel) }

// acknowledgeURL gives the address at which whoever got a message can say that they are at its incident; empty where
// there is nothing to be at, or somebody is.
func (a *Alerts) acknowledgeURL(d *store.Delivery, acknowledgedBy string, now api.Time) string {
	if d.About != api.AboutOpened && d.About != api.AboutRepeated || acknowledgedBy != "" {
		return ""
	}
	id, err := uuid.Parse(d.ID)
	if err != nil {
		return ""
	}
	return a.PublicURL + "/ack/" + link{id, now.Add(linkTime)}.text(a.linkKey())
}

// LinkedIncident is the incident that a link leads to.
type LinkedIncident struct {
	api.Incident
	Title    string        // what is wrong, in one line
	Known    []notify.Fact // what else is known, safe to show
	sentTo   string        // whom the link was sent to, masked
	delivery string
}

// by is who acknowledges through the link.
func (l *LinkedIncident) by() string { return "link sent to " + l.sentTo }

// Actor is who follows the link, for the audit.
func (l *LinkedIncident) Actor() api.Actor {
	return api.Actor{Kind: api.ActorLink, Name: l.by(), Ref: l.delivery}
}

// OpenLink gives the incident that the link in a message leads to. KindNotFound with ErrLinkBroken in its chain for what
// was never sent, KindGone with ErrLinkExpired for what is too old, KindNotFound when the incident is gone.
func (a *Alerts) OpenLink(ctx context.Context, text string) (LinkedIncident, error) {
	l, err := readLink(a.linkKey(), text, a.now())
	switch {
	case errors.Is(err, ErrLinkExpired):
		return LinkedIncident{}, api.Wrap(api.KindGone, err, "this link has expired; links in messages are valid for 7 days")
	case err != nil:
		return LinkedIncident{}, api.Wrap(api.KindNotFound, err, "this is not a link of this server, or not all of it")
	}
	found, err := a.linked(ctx, l.delivery.String())
	if api.KindOf(err) == api.KindNotFound {
		err = api.Wrap(api.KindNotFound, err, "what this link led to is gone")
	}
	return found, err
}

// linked gives the incident of a delivery.
func (a *Alerts) linked(ctx context.Context, delivery string) (LinkedIncident, error) {
	d, err := a.Store.Deliveries.Get(ctx, delivery)
	if err != nil {
		return LinkedIncident{}, err
	}
	content, err := a.Store.Deliveries.Content(ctx, d)
	if err != nil {
		return LinkedIncident{}, err
	}
	i, err := a.GetIncident(ctx, d.Incident)
	if err != nil {
		return LinkedIncident{}, err
	}
	m := notify.OfChange(&content.Change, notify.AboutOpened, a.Zone)
	m.Now = a.now()
	l := LinkedIncident{Incident: i, Title: m.Title, delivery: d.ID, sentTo: api.Target{Channel: d.Channel, Address: a.mask(d)}.String()}
	add := func(label, value string) {
		if value = notify.OneLine(value); value != "" {
			l.Known = append(l.Known, notify.Fact{Label: label, Value: value})
		}
	}
	add("Since", m.Moment(i.OpenedAt))
	if i.State == api.IncidentClosed {
		add("Until", m.Moment(i.ClosedAt))
		add("Lasted", notify.Duration(i.ClosedAt.Sub(i.OpenedAt)))
	}
	add("Why", m.Why())
	add("Host", m.Host)
	if i.AcknowledgedBy != "" {
		add("Acknowledged by", i.AcknowledgedBy)
		add("Acknowledged", m.Moment(i.AcknowledgedAt))
		add("Comment", i.Comment)
	} else if i.State == api.IncidentOpen {
		add("This link was sent to", l.sentTo)
	}
	return l, nil
}

// AcknowledgeLink acknowledges the incident that a link leads to, and gives it. KindConflict when it is over; see
// OpenLink.
func (a *Alerts) AcknowledgeLink(ctx context.Context, l LinkedIncident) (LinkedIncident, error) {
	var err error
	l.Incident, err = a.Acknowledge(ctx, l.ID, store.Acknowledgement{By: l.by()})
	return l, err
}
