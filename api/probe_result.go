package api

// ProbeReason names what a run of a probe found.
type ProbeReason string

// The reasons of a result.
const (
	ProbeOK           ProbeReason = "ok"
	ProbeTimeout      ProbeReason = "timeout"       // no answer within the time limit
	ProbeRefused      ProbeReason = "refused"       // the target refused the connection
	ProbeUnreachable  ProbeReason = "unreachable"   // no way leads there, or the connection broke
	ProbeNameFailed   ProbeReason = "name_failed"   // the name of the target has no address
	ProbeNotAllowed   ProbeReason = "not_allowed"   // the server may not connect to this address
	ProbeNotPermitted ProbeReason = "not_permitted" // the system does not let the server send echo requests
	ProbeCertificate  ProbeReason = "certificate"   // the certificate is not valid for the target
	ProbeTLS          ProbeReason = "tls"           // no secure connection came about
	ProbeProtocol     ProbeReason = "protocol"      // the answer cannot be understood
	ProbeRedirect     ProbeReason = "redirect"      // redirects that never end or must not be followed
	ProbeStatus       ProbeReason = "status"        // an HTTP status or DNS code that is not expected
	ProbeTextMissing  ProbeReason = "text_missing"  // the answer lacks the text
	ProbeTextFound    ProbeReason = "text_found"    // the answer has a text that it must not have
	ProbeAnswer       ProbeReason = "answer"        // the expected records are not among the answers
	ProbeSettingsBad  ProbeReason = "settings"      // its secrets cannot be opened
)

// Valid reports whether r is one of the reasons.
func (r ProbeReason) Valid() bool {
	switch r {
	case ProbeOK, ProbeTimeout, ProbeRefused, ProbeUnreachable, ProbeNameFailed, ProbeNotAllowed, ProbeNotPermitted,
		ProbeCertificate, ProbeTLS, ProbeProtocol, ProbeRedirect, ProbeStatus, ProbeTextMissing, ProbeTextFound, ProbeAnswer,
		ProbeSettingsBad:
		return true
	}
	return false
}

// ProbeResult is what a run of a probe found.
type ProbeResult struct {
	At       Time         `json:"at" doc:"when the run began"`
	OK       bool         `json:"ok"`
	Reason   ProbeReason  `json:"reason" enum:"ok,timeout,refused,unreachable,name_failed,not_allowed,not_permitted,certificate,tls,protocol,redirect,status,text_missing,text_found,answer,settings"`
	LastOK   Time         `json:"last_ok,omitzero" doc:"when the latest run began that found the target well; only in a service"`
	Detail   string       `json:"detail,omitempty" doc:"the same for people, without secrets; also the body of the pulse"`
	Duration float64      `json:"duration" doc:"seconds until the answer was judged"`
	Timing   *ProbeTiming `json:"timing,omitempty" doc:"where the time of the last request went; http only"`
	Address  string       `json:"address,omitempty" doc:"address that was connected to"`
	Status   int          `json:"status,omitempty" doc:"HTTP status"`
	Answers  []string     `json:"answers,omitempty" doc:"records that the name server answered, at most 20"`
	// CertificateExpires is of the certificate that the target itself showed.
	CertificateExpires Time `json:"certificate_expires,omitzero" doc:"end of the certificate"`
}

// ProbeTiming is where the time of a request went, each part in seconds and 0 where it had none.
type ProbeTiming struct {
	Name    float64 `json:"name" doc:"seconds to resolve the name"`
	Connect float64 `json:"connect" doc:"seconds to connect"`
	TLS     float64 `json:"tls" doc:"seconds of the TLS handshake"`
	Wait    float64 `json:"wait" doc:"seconds from the request to the first byte of the answer"`
	Read    float64 `json:"read" doc:"seconds to read as much of the answer as is judged"`
}
