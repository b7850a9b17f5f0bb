package notify

import (
	"cmp"
	"slices"
	"time"

	"watchkeeper/api"
)

// About is what a message tells.
type About string

// What a message tells.
const (
	AboutOpened    About = "opened"    // something went down
	AboutRepeated  About = "repeated"  // it still is
	AboutRecovered About = "recovered" // it is up again
	AboutDigest    About = "digest"    // several of these at once
	AboutEvent     About = "event"     // an event asked for an alert
	AboutTest      About = "test"      // somebody tries a channel
)

// Valid reports whether a is one of the above.
func (a About) Valid() bool {
	switch a {
	case AboutOpened, AboutRepeated, AboutRecovered, AboutDigest, AboutEvent, AboutTest:
		return true
	}
	return false
}

// Message is what a channel renders. OfChange, OfDigest and OfTest fill in what follows from their subject;
// DeliveryID, IncidentID, Link, Zone and Now are set by whoever sends it. A time that is none is 0.
type Message struct {
	About      About
	DeliveryID string          // the same at every attempt, so that the other side can tell a repetition
	IncidentID string          // threads the messages of one incident; empty for a digest and a test
	Kind       api.SubjectKind // what it is about
	Name       string          // of the service or host, or of the channel that is tried
	Host       string          // on which the service runs, where that is known
	From       api.State
	State      api.State
	Reason     api.Reason
	Level      api.Level
	Title      string // one line
	Text       string // begins with the exact sentence; for an event its whole message
	Body       string // what a template of the channel made, in place of all but the links; empty for the built-in text
	At         api.Time
	Since      api.Time // when it went down, also in the message that it is up again
	LastPulse  api.Time
	NextIn     api.Seconds
	Grace      api.Seconds
	RunTime    time.Duration // of the run that ended
	ExitCode   *int
	Found      string // by the probe of the service, empty for one without
	Tags       []string
	Gap        *api.Gap // our own absence, when it may be the cause
	Affects    []string // names of the services that cannot be reached without it
	Flapping   bool     // it goes up and down, or did until now
	Link       string   // absolute URL of the page about it
	// Acknowledge is the absolute URL at which whoever gets the message can say that they are at it; a credential for
	// that. Empty where there is nothing to acknowledge.
	Acknowledge string
	Items       []Item // of a digest
	Zone        *time.Location
	Now         api.Time // when it is sent
}

// Item is one line of a digest: where a subject stands when the digest is sent.
type Item struct {
	Kind  api.SubjectKind
	Name  string
	State api.State // empty for an event
	Since api.Time
	Text  string // the message of an event
	// Flapping says that it is told here that it goes up and down.
	Flapping bool
}

// DownFor is how long the subject of a recovery was down; 0 in every other message and where it is not known.
func (m *Message) DownFor() time.Duration {
	if m.About != AboutRecovered || m.Since == 0 || m.At < m.Since {
		return 0
	}
	return m.At.Sub(m.Since)
}

// Urgent reports whether the message tells of trouble, not of its end and not of a try.
func (m *Message) Urgent() bool {
	switch m.About {
	case AboutOpened, AboutRepeated:
		return true
	case AboutEvent:
		return m.Level >= api.LevelError
	case AboutDigest:
		return slices.ContainsFunc(m.Items, Item.needsAttention)
	}
	return false
}

// OfChange makes the message about a change that opened an incident or ended it, with times in zone. An event that asked
// for an alert comes as a change, too, and is worded as watchTower words it: the service is the title, the message of
// the event the text.
func OfChange(c *api.Change, about About, zone *time.Location) Message {
	if zone == nil {
		zone = time.UTC
	}
	if c.SubjectKind == api.SubjectEvent {
		return Message{
			About: AboutEvent, Kind: c.SubjectKind, Name: c.Facts.Service, Level: c.Facts.Level, Reason: c.Reason,
			Title: c.Facts.Service, Text: c.Facts.Message, At: c.At, Tags: c.Facts.Tags, Host: c.Facts.Host, Zone: zone,
		}
	}
	m := Message{
		About: about, Kind: c.SubjectKind, Name: c.Subject, Host: c.Facts.Host,
		From: c.From, State: c.To, Reason: c.Reason, Level: c.EventLevel(),
		Title: c.Title(), Text: c.Sentence(zone),
		At: c.At, Since: c.At, LastPulse: c.Facts.LastPulse,
		NextIn: c.Facts.NextIn, Grace: c.Facts.Grace, ExitCode: c.Facts.ExitCode, Found: c.Facts.Found,
		RunTime: time.Duration(c.Facts.Duration * float64(time.Second)),
		Tags:    c.Facts.Tags, Gap: c.Facts.Gap, Zone: zone,
	}
	if c.Recovers() {
		m.Since = c.Facts.Since
	}
	return m
}

// OfDigest makes one message of several. The items are put in order: what is down, what is late, the rest, by name.
func OfDigest(items []Item, zone *time.Location) Message {
	items = slices.Clone(items)
	slices.SortStableFunc(items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.Name, b.Name))
	})
	m := Message{About: AboutDigest, Kind: api.SubjectService, Items: items, Zone: zone, Title: digestTitle(items)}
	m.Text = m.Title
	if m.Urgent() {
		m.Level = api.LevelError
	}
	return m
}

// OfTest makes the message that tries a channel.
func OfTest(channel string, zone *time.Location) Message {
	return Message{
		About: AboutTest, Kind: api.SubjectServer, Name: channel, Level: api.LevelInfo, Zone: zone,
		Title: "Test message of Watchkeeper",
		Text:  "This is a test of the channel " + channel + ": alerts sent there arrive like this",
	}
}

func (i Item) needsAttention() bool { return i.State == api.StateDown || i.State == api.StateLate }

func (i Item) rank() int {
	switch {
	case i.State == api.StateDown:
		return 0
	case i.State == api.StateLate:
		return 1
	case i.Kind == api.SubjectEvent:
		return 2
	}
	return 3
}
