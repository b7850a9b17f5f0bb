package api

import (
	"cmp"
	"unicode/utf8"
)

// IncidentState is where an incident stands.
type IncidentState string

// The states of an incident.
const (
	IncidentOpen   IncidentState = "open"
	IncidentClosed IncidentState = "closed"
)

// Valid reports whether s is one of the states.
func (s IncidentState) Valid() bool { return s == IncidentOpen || s == IncidentClosed }

// Incident lasts from the change that opened it to the one that closed it. A subject has at most one that is open.
type Incident struct {
	ID             string        `json:"id" format:"uuid"`
	SubjectKind    SubjectKind   `json:"subject_kind" enum:"service,host,rule,run,firewall,server,event"`
	Subject        string        `json:"subject" doc:"the name of the service; for kind event the id of the event"`
	State          IncidentState `json:"state" enum:"open,closed"`
	OpenedAt       Time          `json:"opened_at"`
	ClosedAt       Time          `json:"closed_at" doc:"null while open"`
	Reason         Reason        `json:"reason" doc:"why it opened"`
	AcknowledgedBy string        `json:"acknowledged_by,omitempty" doc:"who is at it: the name of a token, password, or whom a link was sent to; reminders and later steps stop"`
	AcknowledgedAt Time          `json:"acknowledged_at,omitzero"`
	Comment        string        `json:"acknowledged_comment,omitempty" doc:"what was said with it"`
	Untold         string        `json:"untold,omitempty" doc:"why nobody was told, or is not told yet; absent when somebody was or is about to be"`
	Flapping       bool          `json:"flapping,omitempty" doc:"its subject goes up and down, so that only the beginning and the end of that are told"`
	Deliveries     []Delivery    `json:"deliveries"`
}

// Acknowledgement is the body that says that somebody is at an incident.
type Acknowledgement struct {
	Comment string `json:"comment,omitempty" doc:"what others should know, at most 1000 characters"`
}

// Validate checks the comment.
func (in *Acknowledgement) Validate() error {
	var f Fields
	if utf8.RuneCountInString(in.Comment) > MaxCommentLength {
		f.Add("body.comment", "must be at most %d characters", MaxCommentLength)
	}
	return f.Err()
}

// DeliveryAbout is what a delivery tells.
type DeliveryAbout string

// What a delivery tells.
const (
	AboutOpened    DeliveryAbout = "opened"
	AboutRepeated  DeliveryAbout = "repeated"
	AboutRecovered DeliveryAbout = "recovered"
	AboutDigest    DeliveryAbout = "digest"
)

// Valid reports whether a is one of the above.
func (a DeliveryAbout) Valid() bool {
	switch a {
	case AboutOpened, AboutRepeated, AboutRecovered, AboutDigest:
		return true
	}
	return false
}

// DeliveryState is where a delivery stands.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryWaiting DeliveryState = "waiting" // to be sent at next_attempt
	DeliveryHeld    DeliveryState = "held"    // not sent for now; reason says why
	DeliverySending DeliveryState = "sending" // a server is at it
	DeliverySent    DeliveryState = "sent"
	DeliveryFailed  DeliveryState = "failed"  // for good; last_error says why
	DeliverySkipped DeliveryState = "skipped" // no longer worth sending; reason says why
)

// Valid reports whether s is one of the states.
func (s DeliveryState) Valid() bool {
	switch s {
	case DeliveryWaiting, DeliveryHeld, DeliverySending, DeliverySent, DeliveryFailed, DeliverySkipped:
		return true
	}
	return false
}

// Final reports whether a delivery in this state will never be sent again by itself.
func (s DeliveryState) Final() bool {
	return s == DeliverySent || s == DeliveryFailed || s == DeliverySkipped
}

// Delivery is one message about one incident to one target.
type Delivery struct {
	ID          string        `json:"id" format:"uuid"`
	Incident    string        `json:"incident" doc:"id; empty for a digest, which tells of several"`
	SubjectKind SubjectKind   `json:"subject_kind,omitempty"`
	Subject     string        `json:"subject,omitempty"`
	About       DeliveryAbout `json:"about" enum:"opened,repeated,recovered,digest"`
	Channel     string        `json:"channel" doc:"mail, pushover, webhook, shoutrrr or the name of a channel"`
	Target      string        `json:"target" doc:"secrets are masked"`
	State       DeliveryState `json:"state" enum:"waiting,held,sending,sent,failed,skipped"`
	Reason      string        `json:"reason,omitempty" doc:"why it is in this state"`
	Attempts    int           `json:"attempts"`
	NextAttempt Time          `json:"next_attempt" doc:"null when none will follow"`
	LastError   string        `json:"last_error,omitempty"`
	Receipt     string        `json:"receipt,omitempty" doc:"what the other side said when it took the message"`
	Route       string        `json:"route,omitempty" doc:"by which route: its name, default, or escalation where others could not be told; empty when the service names the target itself"`
	Digest      string        `json:"digest,omitempty" doc:"the digest in which it was told"`
	CreatedAt   Time          `json:"created_at"`
	SentAt      Time          `json:"sent_at" doc:"null until sent"`
}

// Untold says why nobody was told of an incident with these deliveries, in the words of the first of them; "" when
// somebody was, was tried, or is about to be.
func Untold(deliveries []Delivery) string {
	for i := range deliveries {
		switch d := &deliveries[i]; {
		case d.State == DeliveryWaiting, d.State == DeliverySending, d.State == DeliverySent, d.Attempts > 0, d.Digest != "":
			return ""
		}
	}
	for i := range deliveries {
		if reason := cmp.Or(deliveries[i].Reason, deliveries[i].LastError); reason != "" {
			return reason
		}
	}
	return ""
}
