package api

import (
	"time"
)

// PulseKind is what a pulse says.
type PulseKind string

// The kinds of pulses. Ignored is never sent: it is what a pulse becomes when its service is paused for good.
const (
	PulseSuccess PulseKind = "success"
	PulseStart   PulseKind = "start"
	PulseFail    PulseKind = "fail"
	PulseLog     PulseKind = "log"
	PulseIgnored PulseKind = "ignored"
)

// Valid reports whether k is one of the kinds.
func (k PulseKind) Valid() bool {
	switch k {
	case PulseSuccess, PulseStart, PulseFail, PulseLog, PulseIgnored:
		return true
	}
	return false
}

// The limits of a pulse.
const (
	MaxExitCode       = 255
	MaxRIDLength      = 100
	MaxUserAgent      = 200       // characters that are kept
	MaxPulseTimeAhead = time.Hour // times further ahead are clipped to now
	MaxPulseDuration  = 366 * 24 * time.Hour
)

// Pulse is a sign of life as the state machine takes it.
type Pulse struct {
	Kind       PulseKind
	ReceivedAt Time          // when the server took it
	Time       Time          // when it happened: ReceivedAt unless the sender named a moment
	NextIn     Seconds       // seconds until the next pulse, or the end of a run; 0 when the sender did not say
	RID        string        // tells overlapping runs apart
	ExitCode   int           // above 0 turns a success into a fail
	Duration   time.Duration // of the run, where the sender measured it
	Legacy     *LegacyTarget // where a watchTower pulse wants alerts to go
}

// belated reports whether the pulse tells of a moment before it arrived.
func (p Pulse) belated() bool { return p.Time < p.ReceivedAt }

// LegacyTarget is the pair with which a watchTower pulse names who is told.
type LegacyTarget struct {
	AlertType   string
	AlertTarget string
}

// Receipt is what became of a pulse.
type Receipt struct {
	Kind     PulseKind
	Duration time.Duration
}

// PulseInput is the body of POST /api/v1/services/{name}/pulses. All of it is optional: an empty body is a success now.
type PulseInput struct {
	Kind     PulseKind `json:"kind,omitempty" enum:"success,start,fail,log" doc:"default success"`
	NextIn   Seconds   `json:"next_in,omitempty" doc:"seconds until the next pulse, until the next pulse says otherwise"`
	RID      string    `json:"rid,omitempty" doc:"names the run, so that overlapping ones are told apart"`
	ExitCode *int      `json:"exit_code,omitempty" doc:"0 to 255; above 0 is a fail"`
	Duration *float64  `json:"duration,omitempty" doc:"seconds that the run took"`
	Body     string    `json:"body,omitempty" doc:"kept up to a limit"`
	Time     Time      `json:"time,omitzero" doc:"when it happened; RFC 3339 or Unix seconds, default now"`
}

// Validate checks the rules of every field. Locations begin with "body.".
func (in *PulseInput) Validate() error {
	var f Fields
	if in.Kind != "" && (!in.Kind.Valid() || in.Kind == PulseIgnored) {
		f.Add("body.kind", "must be success, start, fail or log")
	}
	if in.NextIn < 0 || in.NextIn > MaxSeconds {
		f.Add("body.next_in", "must be 1 to %d seconds (ten years)", MaxSeconds)
	}
	if len(in.RID) > MaxRIDLength {
		f.Add("body.rid", "must be at most %d bytes", MaxRIDLength)
	}
	if in.ExitCode != nil && (*in.ExitCode < 0 || *in.ExitCode > MaxExitCode) {
		f.Add("body.exit_code", "must be 0 to %d", MaxExitCode)
	}
	if in.Duration != nil && !(*in.Duration >= 0 && *in.Duration <= MaxPulseDuration.Seconds()) {
		f.Add("body.duration", "must be 0 to %.0f seconds", MaxPulseDuration.Seconds())
	}
	return f.Err()
}

// ClipTime gives the moment a sender named, or now when it named none or one too far ahead.
func ClipTime(named, now Time) Time {
	if named == 0 || named > now.Add(MaxPulseTimeAhead) {
		return now
	}
	return named
}

// PulseRecord is one pulse in the history of a service.
type PulseRecord struct {
	ID            int64     `json:"id"`
	Kind          PulseKind `json:"kind" enum:"success,start,fail,log,ignored"`
	ReceivedAt    Time      `json:"received_at"`
	Time          Time      `json:"time"`
	NextIn        Seconds   `json:"next_in,omitempty"`
	Duration      float64   `json:"duration,omitempty" doc:"seconds"`
	ExitCode      *int      `json:"exit_code,omitempty"`
	RID           string    `json:"rid,omitempty"`
	Scheme        string    `json:"scheme,omitempty" doc:"how it came: http, https"`
	Method        string    `json:"method,omitempty"`
	RemoteAddress string    `json:"remote_addr,omitempty"`
	UserAgent     string    `json:"user_agent,omitempty"`
	Body          []byte    `json:"body,omitempty" doc:"base64 of the bytes as they came, cut at the limit"`
}
