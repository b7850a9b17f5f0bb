package api

import (
	"hash/fnv"
	"math"
	"reflect"
	"time"
)

// ProbeKind is how a probe looks at its target.
type ProbeKind string

// The kinds of probes.
const (
	ProbeHTTP ProbeKind = "http" // asks a URL and judges its answer
	ProbeTCP  ProbeKind = "tcp"  // connects to a port
	ProbeICMP ProbeKind = "icmp" // sends echo requests
	ProbeDNS  ProbeKind = "dns"  // asks a name server
)

// ProbeKinds is every kind of probe.
var ProbeKinds = []ProbeKind{ProbeHTTP, ProbeTCP, ProbeICMP, ProbeDNS}

// Valid reports whether k is one of the kinds.
func (k ProbeKind) Valid() bool {
	switch k {
	case ProbeHTTP, ProbeTCP, ProbeICMP, ProbeDNS:
		return true
	}
	return false
}

// ProbeRedirects says what becomes of an answer that leads elsewhere.
type ProbeRedirects string

// What becomes of redirects.
const (
	RedirectsFollow ProbeRedirects = "follow" // ten at most, and what comes last is judged
	RedirectsStop   ProbeRedirects = "stop"   // the redirect itself is judged
)

// Valid reports whether r is one of the above.
func (r ProbeRedirects) Valid() bool { return r == RedirectsFollow || r == RedirectsStop }

// The limits and defaults of probes.
const (
	MaxProbeInterval     = Seconds(24 * 3600)
	MaxProbeTimeout      = 60.0 // seconds
	MinProbeTimeout      = 0.1
	MaxProbeURL          = 2000
	MaxProbeHeaders      = 20
	MaxProbeHeader       = 4000 // bytes of a value
	MaxProbeBody         = 64 << 10
	MaxProbeText         = 1000
	MaxProbeExpectations = 20   // statuses or answers
	MaxProbeAnswer       = 300  // bytes of one expected answer
	MaxProbeHost         = 253  // bytes of a host name
	MaxCertificateDays   = 1000 // days before its end at which a certificate is warned of

	defaultProbeInterval   = Seconds(60)
	defaultProbeTimeout    = 10.0
	defaultCertificateDays = 14
	lastCertificateDays    = 3
)

// ProbeSettings is what people decide about a probe: a target that the server looks at by itself. Which fields belong to
// which kind is for Validate.
type ProbeSettings struct {
	Kind     ProbeKind `json:"kind" enum:"http,tcp,icmp,dns"`
	Interval Seconds   `json:"interval,omitempty" doc:"seconds between runs, 1 to 86400; default 60"`
	Timeout  float64   `json:"timeout,omitempty" doc:"seconds that a run may take, 0.1 to 60 and not above the interval; default 10, or half the interval where that is below 10"`

	URL             string            `json:"url,omitempty" doc:"http: what is asked, http:// or https://"`
	Method          string            `json:"method,omitempty" doc:"http: default GET"`
	Headers         map[string]string `json:"headers,omitempty" doc:"http: headers that are sent, at most 20; their values are secrets and shown as *** to credentials without admin"`
	Body            string            `json:"body,omitempty" doc:"http: body that is sent; a secret as headers are"`
	Statuses        []string          `json:"statuses,omitempty" doc:"http: statuses that are right, each as 200, 2xx or 200-299; default 2xx"`
	Contains        string            `json:"contains,omitempty" doc:"http: text that the first 1 MiB of the answer must have"`
	Lacks           string            `json:"lacks,omitempty" doc:"http: text that the first 1 MiB of the answer must not have"`
	Redirects       ProbeRedirects    `json:"redirects,omitempty" enum:"follow,stop" doc:"http: follow at most ten, or judge the redirect itself; default follow"`
	Insecure        bool              `json:"insecure,omitempty" doc:"http: take any certificate"`
	Proxy           string            `json:"proxy,omitempty" doc:"http: URL of a proxy to go through, also for https"`
	CertificateDays *int              `json:"certificate_days,omitempty" doc:"http: days before the end of the certificate at which a warning goes out, and once more 3 days before; 0 is never, default 14"`

	Address string `json:"address,omitempty" doc:"tcp: host:port; icmp: host"`

	Name     string   `json:"name,omitempty" doc:"dns: name that is asked for"`
	Record   string   `json:"record,omitempty" enum:"A,AAAA,CAA,CNAME,MX,NS,PTR,SOA,SRV,TXT" doc:"dns: type of record; default A"`
	Resolver string   `json:"resolver,omitempty" doc:"dns: name server to ask, host or host:port; default those of the server's system"`
	Answers  []string `json:"answers,omitempty" doc:"dns: records that must be among the answers, such as 192.0.2.1 or 10 mail.example.org; default: any answer will do"`
}

// Probe is a probe as it is kept and shown. Its secrets are masked, unless whoever holds it has opened Sealed.
type Probe struct {
	ProbeSettings
	FromFile bool `json:"from_file,omitempty" doc:"it stands in the configuration file of the server and is changed there"`
	// Sealed is the settings with their secrets, sealed by the server; empty where they have none.
	Sealed string `json:"-"`
}

// Same reports whether two probes are the same, also in what is sealed of them; none is the same as none.
func (p *Probe) Same(other *Probe) bool {
	if p == nil || other == nil {
		return p == other
	}
	return reflect.DeepEqual(*p, *other)
}

// WithDefaults gives the settings with what was left open filled in, and empty lists as none.
func (p ProbeSettings) WithDefaults() ProbeSettings {
	if len(p.Headers) == 0 {
		p.Headers = nil
	}
	if len(p.Statuses) == 0 {
		p.Statuses = nil
	}
	if len(p.Answers) == 0 {
		p.Answers = nil
	}
	if p.Interval == 0 {
		p.Interval = defaultProbeInterval
	}
	if p.Timeout == 0 {
		p.Timeout = defaultProbeTimeout
		if half := float64(p.Interval) / 2; float64(p.Interval) < defaultProbeTimeout && half > 0 {
			p.Timeout = half
		}
	}
	switch p.Kind {
	case ProbeHTTP:
		if p.Method == "" {
			p.Method = "GET"
		}
		if len(p.Statuses) == 0 {
			p.Statuses = []string{"2xx"}
		}
		if p.Redirects == "" {
			p.Redirects = RedirectsFollow
		}
		if p.CertificateDays == nil {
			p.CertificateDays = new(defaultCertificateDays)
		}
	case ProbeDNS:
		if p.Record == "" {
			p.Record = "A"
		}
	}
	return p
}

// TimeLimit gives how long a run may take.
func (p *ProbeSettings) TimeLimit() time.Duration {
	return time.Duration(math.Round(p.Timeout*1000)) * time.Millisecond
}

// Target says in a few words what is looked at, without secrets.
func (p *ProbeSettings) Target() string {
	switch p.Kind {
	case ProbeHTTP:
		return MaskURL(p.URL)
	case ProbeDNS:
		target := p.Name + " " + p.Record
		if p.Resolver != "" {
			target += " at " + p.Resolver
		}
		return target
	}
	return p.Address
}

// NextIn gives what a pulse of the probe promises: the next one within two intervals, so that a run that was skipped
// while another server took over is no silence, and the time that a run and its record may take.
func (p *ProbeSettings) NextIn() Seconds {
	const slack = 10
	return 2*p.Interval + Seconds(math.Ceil(p.Timeout)) + slack
}

// ProbeNext gives when a probe runs next, given when it ran last; 0 when it never did. Each service has its own moments,
// an interval apart and spread by its id, whichever server counts. A moment that passed without a run, as during a
// restart, is made up for, but spread over a while, so that not all run at once.
func ProbeNext(id string, interval Seconds, ran, now Time) Time {
	const (
		firstWithin   = 10 * time.Second
		makeUpWithin  = time.Minute
		makeUpPortion = 10
	)
	period := Time(interval.Duration().Milliseconds())
	hash := probeHash(id)
	phase := Time(hash % uint64(period))
	passed := (now-phase)/period*period + phase // the latest of its moments, as now is after 1970
	next := passed + period
	if ran >= passed && ran <= now {
		return next
	}
	within := max(makeUpWithin, interval.Duration()/makeUpPortion)
	if ran == 0 {
		within = firstWithin
	}
	spread := min(period, Time(within.Milliseconds()))
	return min(next, now+Time((hash>>20)%uint64(spread)))
}

// ProbeRetry gives when a probe runs again after its first failure in a row, if that is before its next moment: soon, so
// that a single lost answer is told from an outage.
func ProbeRetry(interval Seconds, now Time) Time {
	const portion, soonest, latest = 4, time.Second, 15 * time.Second
	return now.Add(min(max(interval.Duration()/portion, soonest), latest))
}

func probeHash(id string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	// The last letters reach the low digits only; this carries every digit into every other.
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return x
}

// CertificateNotice gives the days before its end at which somebody must hear of a certificate that ends at expires: the
// latest of those that have come, 0 for none. days is when the first notice is due, 0 for never; the last one comes 3
// days before the end.
func CertificateNotice(expires, now Time, days int) int {
	if expires == 0 || days <= 0 {
		return 0
	}
	left := expires.Sub(now)
	for _, notice := range []int{min(lastCertificateDays, days), days} {
		if left < time.Duration(notice)*24*time.Hour {
			return notice
		}
	}
	return 0
}
