package probe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/clock"
	"watchkeeper/server/dial"
	"watchkeeper/server/hub"
	"watchkeeper/server/store"
)

// Options is what the feature is made of.
type Options struct {
	Store  *store.Store
	Hub    *hub.Hub
	Clock  clock.Clock
	Log    *slog.Logger
	Dialer *dial.Dialer
	Server string // the id of this server
	// Open gives the settings of a probe with their secrets.
	Open func(*api.Probe) (api.ProbeSettings, error)
}

// maxByHand is how many runs that somebody asked for are under way at once.
const maxByHand = 16

// Probes runs probes: on schedule where this server leads, and when somebody asks.
type Probes struct {
	Options
	checker checker
	leader  *leader
	byHand  chan struct{} // a place for each run that somebody asked for
	trouble complaint
	// underway is how many runs of the schedule have begun and are not yet counted as ended.
	underway atomic.Int64
}

// New makes the feature.
func New(o Options) *Probes {
	return &Probes{
		Options: o,
		checker: checker{dialer: o.Dialer},
		leader:  &leader{leases: o.Store.Leases, server: o.Server, clock: o.Clock, log: o.Log, changed: make(chan struct{}, 1)},
		byHand:  make(chan struct{}, maxByHand),
		trouble: complaint{log: o.Log, clock: o.Clock},
	}
}

// Underway gives how many runs of the schedule are under way on this server.
func (p *Probes) Underway() int64 { return p.underway.Load() }

// RunNow runs the probe of a service once, on this server, and gives what it found. That counts like any other run,
// unless the service is paused. It gives KindConflict for a service without a probe.
func (p *Probes) RunNow(ctx context.Context, s *api.Service) (api.ProbeResult, error) {
	if s.Probe == nil {
		return api.ProbeResult{}, api.Errorf(api.KindConflict, "the service has no probe")
	}
	select {
	case p.byHand <- struct{}{}:
		defer func() { <-p.byHand }()
	default:
		return api.ProbeResult{}, &api.Error{
			Kind: api.KindUnavailable, Message: "too many probes are being run by hand, try again", RetryAfter: time.Second,
		}
	}
	target := store.Probed{ID: s.ID, Name: s.Name, Probe: s.Probe}
	result := p.check(ctx, target)
	if err := ctx.Err(); err != nil {
		return result, err
	}
	if s.State == api.StatePaused {
		return result, nil
	}
	p.warn(target, result, notice{})
	_, err := p.record(target, result, nil)
	if errors.Is(err, store.ErrProbeOutdated) {
		err = nil // what was found is true all the same
	}
	return result, err
}

// check looks at a target. When ctx ends meanwhile, what comes back means nothing.
func (p *Probes) check(ctx context.Context, target store.Probed) api.ProbeResult {
	at := api.TimeOf(p.Clock.Now())
	settings, err := p.Open(target.Probe)
	if err != nil {
		p.trouble.say("the secrets of a probe cannot be opened", "service", target.Name, "error", err)
		return api.ProbeResult{
			At: at, Reason: api.ProbeSettingsBad, Detail: "the secrets of the probe cannot be opened; give it anew",
			Duration: api.InSeconds(time.Millisecond),
		}
	}
	r := p.checker.check(ctx, &settings)
	r.At = at
	if r.Reason == api.ProbeNotPermitted {
		p.trouble.say("a probe cannot send echo requests", "service", target.Name, "detail", r.Detail)
	}
	return r
}

// record stores what a run found as a pulse of its service, and gives how often the probe failed in a row by now. It
// gives store.ErrNotLeader and store.ErrProbeOutdated where the run must not count.
func (p *Probes) record(target store.Probed, r api.ProbeResult, lease *store.Lease) (failures int, err error) {
	kind := api.PulseFail
	if r.OK {
		kind = api.PulseSuccess
	}
	now := api.TimeOf(p.Clock.Now())
	result, err := p.Store.Pulses.Add(store.PulseWrite{
		ID: target.ID,
		Pulse: api.Pulse{
			Kind: kind, ReceivedAt: now, Time: now, NextIn: target.Probe.NextIn(),
			Duration: time.Duration(r.Duration*1000+0.5) * time.Millisecond,
		},
		Body: []byte(r.Detail), Scheme: "probe", Method: string(target.Probe.Kind), RemoteAddress: r.Address,
		Probe: &store.ProbeRun{Of: target.Probe, Result: r, Lease: lease},
	})
	if err == nil && result.From != result.State {
		p.Log.Info("service changed", "service", result.Name, "from", result.From, "to", result.State, "cause", "probe", "reason", r.Reason)
	}
	return result.Failures, err
}

// warn tells of a certificate that ends soon: once some days before, and once more shortly before. The numbers of the
// events keep them from being told twice, also by another server. It gives what was said.
func (p *Probes) warn(target store.Probed, r api.ProbeResult, said notice) notice {
	days := target.Probe.CertificateDays
	if r.CertificateExpires == 0 || days == nil {
		return said
	}
	now := api.TimeOf(p.Clock.Now())
	due := notice{expires: r.CertificateExpires, days: api.CertificateNotice(r.CertificateExpires, now, *days)}
	if due.days == 0 || due == said {
		return due
	}
	event := api.Event{
		Service: target.Name, Level: api.LevelWarning, Alert: true, Time: now, ReceivedAt: now,
		Message: certificateText(target, r.CertificateExpires, now),
	}
	_, err := p.Store.Events.Add([]api.Event{event}, &store.Sequence{
		Sender: "probe:" + target.ID, Stream: "certificate" + strconv.FormatInt(r.CertificateExpires.Unix(), 10),
		Number: uint64(1 + *days - due.days),
	})
	if err != nil {
		p.trouble.say("the warning of a certificate could not be stored, trying again at the next run", "service", target.Name, "error", err)
		return said
	}
	return due
}

func certificateText(target store.Probed, expires, now api.Time) string {
	const day = 24 * time.Hour
	left := expires.Sub(now)
	when := fmt.Sprintf("ends in %d days", left/day)
	switch {
	case left <= 0:
		when = "has ended"
	case left < day:
		when = "ends within a day"
	case left < 2*day:
		when = "ends in 1 day"
	}
	return fmt.Sprintf("The certificate of %s %s, on %s", target.Probe.Target(), when, expires.Std().Format("2006-01-02 15:04 MST"))
}
