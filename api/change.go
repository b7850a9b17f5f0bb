package api

import (
	"cmp"
	"fmt"
)

// SubjectKind is the kind of thing whose state changes.
type SubjectKind string

// The kinds of subjects.
const (
	SubjectService  SubjectKind = "service"
	SubjectHost     SubjectKind = "host"
	SubjectRule     SubjectKind = "rule"
	SubjectRun      SubjectKind = "run"
	SubjectFirewall SubjectKind = "firewall"
	SubjectServer   SubjectKind = "server"
	SubjectEvent    SubjectKind = "event"
)

// Valid reports whether k is one of the kinds.
func (k SubjectKind) Valid() bool {
	switch k {
	case SubjectService, SubjectHost, SubjectRule, SubjectRun, SubjectFirewall, SubjectServer, SubjectEvent:
		return true
	}
	return false
}

// Change is a recorded change of state. Its id follows the order of commits.
type Change struct {
	ID          int64       `json:"id"`
	SubjectKind SubjectKind `json:"subject_kind" enum:"service,host,rule,run,firewall,server,event"`
	Subject     string      `json:"subject" doc:"the name of the service; for kind event the id of the event"`
	From        State       `json:"from"`
	To          State       `json:"to"`
	Reason      Reason      `json:"reason"`
	At          Time        `json:"at" doc:"when it happened: the deadline itself where silence was the cause"`
	RecordedAt  Time        `json:"recorded_at" doc:"when the server decided it"`
	Facts       Facts       `json:"facts" doc:"what was known at that moment"`
}

// Facts is what was known of the subject when it changed, so that a message sent later tells of that moment even when
// the subject has moved on or is gone.
type Facts struct {
	LastPulse Time     `json:"last_pulse,omitzero"`
	Since     Time     `json:"since,omitzero" doc:"when the former state began"`
	NextIn    Seconds  `json:"next_in,omitempty"`
	Grace     Seconds  `json:"grace,omitempty"`
	Tags      []string `json:"tags,omitempty"`
	Host      string   `json:"host,omitempty"`
	ExitCode  *int     `json:"exit_code,omitempty"`
	Duration  float64  `json:"duration,omitempty" doc:"seconds of the run that ended"`
	Gap       *Gap     `json:"gap,omitempty" doc:"our own absence, when it may be the cause"`
	Found     string   `json:"found,omitempty" doc:"what its probe found"`
	Service   string   `json:"service,omitempty" doc:"the service of an event"`
	Message   string   `json:"message,omitempty" doc:"the text of an event"`
	Level     Level    `json:"level,omitempty"`
}

// Texts of watchTower, exact to the letter: its users' filters read them.
const (
	deadTitle      = "Service %s has not pulsed"
	deadBody       = "The service %s is not pulsing since %s"
	recoveredTitle = "Service %s is pulsing again"
	recoveredBody  = "The service %s is pulsing again"
	watchTowerTime = "20060102 15:04:05"
)

// Opens reports whether the change opens an incident.
func (c *Change) Opens() bool { return c.To == StateDown }

// Recovers reports whether the change is the return of a service that was down.
func (c *Change) Recovers() bool { return c.From == StateDown && c.To == StateUp }

// Closes reports whether the change ends an incident that is open, told or not.
func (c *Change) Closes() bool { return c.From == StateDown && c.To != StateDown }

// Title is the subject of a message about the change.
func (c *Change) Title() string {
	switch {
	case c.Opens():
		return fmt.Sprintf(deadTitle, c.Subject)
	case c.Recovers():
		return fmt.Sprintf(recoveredTitle, c.Subject)
	}
	return fmt.Sprintf("Service %s is %s (was %s)", c.Subject, c.To, c.From)
}

// Sentence is the first sentence of a message about the change, with times in zone.
func (c *Change) Sentence(zone Zone) string {
	switch {
	case c.Opens():
		since := cmp.Or(c.Facts.LastPulse, c.Facts.Since, c.At) // a run may fail to end before the first pulse
		return fmt.Sprintf(deadBody, c.Subject, since.Std().In(zone).Format(watchTowerTime))
	case c.Recovers():
		return fmt.Sprintf(recoveredBody, c.Subject)
	}
	return c.Title()
}

// EventMessage is the message of the event that is stored with the change.
func (c *Change) EventMessage(zone Zone) string {
	if c.Opens() || c.Recovers() {
		return c.Title() + " - " + c.Sentence(zone)
	}
	return c.Title()
}

// EventLevel is the level of that event: down 3, late 2, others 1.
func (c *Change) EventLevel() Level {
	switch c.To {
	case StateDown:
		return LevelError
	case StateLate:
		return LevelWarning
	}
	return LevelInfo
}
