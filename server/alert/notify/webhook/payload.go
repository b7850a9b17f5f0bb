package webhook

import (
	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
)

// Version is the version of the payload.
const Version = 1

// The limits of a payload, so that a receiver can tell how large one gets: below a megabyte.
const (
	maxText  = 64 << 10 // characters
	maxItems = 1000
)

// Payload is the body of a request. Times are RFC 3339 in UTC with milliseconds, null where there is none.
type Payload struct {
	Version  int             `json:"version"`
	About    notify.About    `json:"about"`    // opened, repeated, recovered, digest, event, test
	Delivery string          `json:"delivery"` // as in the header Watchkeeper-Delivery
	Incident string          `json:"incident"` // the same for the messages of one incident; empty for digest and test
	Kind     api.SubjectKind `json:"kind"`     // service, host, event, ...
	Service  string          `json:"service"`  // the name of what it is about
	Host     string          `json:"host"`     // on which it runs, where that is known
	State    api.State       `json:"state"`
	From     api.State       `json:"from"` // the state before
	Reason   api.Reason      `json:"reason"`
	Level    api.Level       `json:"level"` // 0 debug, 1 info, 2 warning, 3 error, 4 and above critical
	At       api.Time        `json:"at"`    // when the state changed or the event happened
	Since    api.Time        `json:"since"` // when it went down, also when it is up again
	// LastPulse is the last sign of life.
	LastPulse api.Time `json:"last_pulse"`
	DownFor   float64  `json:"down_for"` // seconds; of a recovery only
	ExitCode  *int     `json:"exit_code"`
	Tags      []string `json:"tags"`
	Gap       *api.Gap `json:"gap"`                // our own absence, when it may be the cause
	Affects   []string `json:"affects,omitempty"`  // names of the services that cannot be reached without it, 1000 at most
	Flapping  bool     `json:"flapping,omitempty"` // it goes up and down, or did until now
	Link      string   `json:"link"`
	// Acknowledge is where whoever gets the message can say that they are at it; empty where there is nothing to
	// acknowledge.
	Acknowledge string   `json:"acknowledge_url"`
	Title       string   `json:"title"`
	Text        string   `json:"text"`
	SentAt      api.Time `json:"sent_at"`
	Items       []Item   `json:"items"`       // of a digest
	ItemCount   int      `json:"items_total"` // more than items has when there were too many
}

// Item is where one subject of a digest stands.
type Item struct {
	Kind  api.SubjectKind `json:"kind"`
	Name  string          `json:"name"`
	State api.State       `json:"state"`
	Since api.Time        `json:"since"`
	Text  string          `json:"text"`
}

func payload(m *notify.Message) Payload {
	p := Payload{
		Version: Version, About: m.About, Delivery: m.DeliveryID, Incident: m.IncidentID,
		Kind: m.Kind, Service: m.Name, Host: m.Host, State: m.State, From: m.From, Reason: m.Reason, Level: m.Level,
		At: m.At, Since: m.Since, LastPulse: m.LastPulse, DownFor: m.DownFor().Seconds(), ExitCode: m.ExitCode,
		Tags: m.Tags, Gap: m.Gap, Affects: m.Affects, Flapping: m.Flapping, Link: m.Link, Acknowledge: m.Acknowledge, Title: m.Title,
		Text: notify.Cut(m.Text, maxText), SentAt: m.Now,
		Items: []Item{}, ItemCount: len(m.Items),
	}
	if m.Body != "" {
		p.Text = notify.Cut(m.Body, maxText)
	}
	if p.Tags == nil {
		p.Tags = []string{} // a list is a list, also for receivers in strict languages
	}
	for _, i := range m.Items[:min(len(m.Items), maxItems)] {
		p.Items = append(p.Items, Item{
			Kind: i.Kind, Name: i.Name, State: i.State, Since: i.Since, Text: notify.Cut(i.Text, 200),
		})
	}
	return p
}
