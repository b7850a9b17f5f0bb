package api

// Status is what is wrong now, since when and who was told, and what the server is.
type Status struct {
	OK        bool   `json:"ok" doc:"no service is down, and there is no problem"`
	Problem   string `json:"problem,omitempty" doc:"what of Watchkeeper itself does not work, such as that services are not judged in time; absent for a token with a pattern" example:"services should have been judged 10 s ago"`
	Version   string `json:"version" doc:"of the program"`
	Engine    string `json:"engine" enum:"sqlite,postgres" doc:"the database"`
	StartedAt Time   `json:"started_at" doc:"of this server"`
	Now       Time   `json:"now" doc:"the server's time"`
	LastGap   *Gap   `json:"last_gap,omitempty" doc:"the latest time in which no server watched"`

	Services ServiceCounts `json:"services"`
	// Down and Late are cut at MaxTroubles; Services counts all.
	Down []Trouble `json:"down" doc:"services that are down, the latest first; at most 500"`
	Late []Trouble `json:"late" doc:"services whose pulse is late and whose grace runs, the latest first; at most 500"`

	Incidents  []Incident       `json:"incidents,omitempty" doc:"open incidents of what is no service"`
	Deliveries DeliveriesStatus `json:"deliveries"`

	Storage     *Storage           `json:"storage,omitempty" doc:"what the database holds and what is left; absent for a token with a pattern"`
	Heartbeat   *HeartbeatStatus   `json:"heartbeat,omitempty" doc:"with heartbeat_url: whether this server tells that all works"`
	Certificate *CertificateStatus `json:"certificate,omitempty" doc:"with tls acme: how it stands with the ordered certificate"`
}

// HeartbeatStatus is what became of the heartbeat by which something else watches this server.
type HeartbeatStatus struct {
	SentAt   Time   `json:"sent_at" doc:"when it was last sent; null before the first"`
	Withheld string `json:"withheld,omitempty" doc:"why it is not sent: what does not work"`
	Problem  string `json:"problem,omitempty" doc:"why it could not be sent though all works"`
}

// CertificateStatus is how it stands with a certificate that is ordered from an authority by ACME.
type CertificateStatus struct {
	Names    []string `json:"names" doc:"that it is for"`
	NotAfter Time     `json:"not_after" doc:"when the present one ends; null while there is none, and the self-made one serves"`
	Problem  string   `json:"problem,omitempty" doc:"why there is none, or no newer one"`
	NextTry  Time     `json:"next_try,omitzero" doc:"when it is ordered again at the earliest"`
}

// MaxTroubles is how many services a Status names of each kind.
const MaxTroubles = 500

// ServiceCounts is how many services are in each state.
type ServiceCounts struct {
	Total  int64 `json:"total"`
	New    int64 `json:"new"`
	Up     int64 `json:"up"`
	Late   int64 `json:"late"`
	Down   int64 `json:"down"`
	Paused int64 `json:"paused"`
}

// Add counts n services in a state.
func (c *ServiceCounts) Add(state State, n int64) {
	c.Total += n
	switch state {
	case StateNew:
		c.New += n
	case StateUp:
		c.Up += n
	case StateLate:
		c.Late += n
	case StateDown:
		c.Down += n
	case StatePaused:
		c.Paused += n
	}
}

// Trouble is a service that is down or late.
type Trouble struct {
	Service        string     `json:"service" doc:"name"`
	Since          Time       `json:"since" doc:"when it went down or late"`
	Reason         Reason     `json:"reason,omitempty" doc:"why the incident opened; absent for late"`
	LastPulse      Time       `json:"last_pulse" doc:"last success or fail; null before the first"`
	Deadline       Time       `json:"deadline" doc:"when a late service is down unless it pulses; null for down"`
	Host           string     `json:"host,omitempty"`
	Tags           []string   `json:"tags"`
	Incident       string     `json:"incident,omitempty" doc:"id; absent for late"`
	AcknowledgedBy string     `json:"acknowledged_by,omitempty"`
	Untold         string     `json:"untold,omitempty" doc:"why nobody was told, or is not told yet"`
	Told           []Delivery `json:"told" doc:"who was told, is being told, or could not be"`
}

// DeliveriesStatus is whether telling works.
type DeliveriesStatus struct {
	Waiting   int64      `json:"waiting" doc:"to be sent, tried again or gathered"`
	Held      int64      `json:"held" doc:"not sent for now, each for its reason"`
	OldestDue Time       `json:"oldest_due" doc:"when the oldest that waits was due; null when none is due"`
	Failed    []Delivery `json:"failed" doc:"those that failed for good in the last day, the latest first"`
	Failing   []Delivery `json:"failing" doc:"those that have failed for ten minutes and are tried on, the latest first; at most 1000"`
}
