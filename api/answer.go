package api

// ServiceView is a service as the REST interface shows it: its next_in is the one in force, and its ping_url is filled in.
type ServiceView struct {
	Service
	SetNextIn   *Seconds     `json:"set_next_in,omitempty" doc:"seconds; next_in of the settings, where a pulse has stated another, which rules until the next one"`
	Upcoming    []Time       `json:"upcoming,omitempty" doc:"the next three times at which the cron expression expects a pulse"`
	ProbeResult *ProbeResult `json:"probe_result,omitempty" doc:"what the last run of its probe found"`
}

// PulseAnswer is what a pulse has made of its service.
type PulseAnswer struct {
	Service   string    `json:"service" doc:"name"`
	Kind      PulseKind `json:"kind" enum:"success,start,fail,log,ignored" doc:"what the pulse counted as"`
	State     State     `json:"state" enum:"new,up,late,down,paused"`
	LastPulse Time      `json:"last_pulse" doc:"last success or fail; null before the first"`
	NextIn    Seconds   `json:"next_in" doc:"seconds between pulses that rule now; 0 when none do or a cron expression does"`
	Expected  Time      `json:"expected" doc:"when the next pulse is expected at the latest; null when none is"`
	Deadline  Time      `json:"deadline" doc:"when the service is down unless it pulses; null when nothing is expected"`
	Duration  float64   `json:"duration,omitempty" doc:"seconds of the run that this pulse ended"`
}

// EventsAnswer is what became of events that were sent.
type EventsAnswer struct {
	IDs      []int64 `json:"ids,omitempty" doc:"of the events, in the order in which they were sent"`
	Repeated bool    `json:"repeated,omitempty" doc:"the sequence number was had before; nothing was stored again"`
}

// TokenAnswer is a token that was just made, with its text.
type TokenAnswer struct {
	Token
	Text string `json:"token" doc:"what its holder sends; it is shown this once and cannot be had again"`
}

// PingKeyAnswer is the key of the installation in ping URLs that name a service by its slug.
type PingKeyAnswer struct {
	PingKey string `json:"ping_key"`
	URL     string `json:"url" doc:"absolute URL to which a slug is added"`
}
