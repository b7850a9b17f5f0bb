package store

import (
	"context"
	"errors"

	"watchkeeper/api"
)

// Probes is the handle of probes: what is to be looked at, and what was found last. Their settings are saved with those
// of their services, their results with the pulses that they become.
type Probes struct {
	s   *Store
	sql probeSQL
}

func newProbes(s *Store) *Probes { return &Probes{s: s, sql: newProbeSQL(s.eng)} }

// Probed is a service that is to be probed.
type Probed struct {
	ID       string
	Name     string
	Probe    *api.Probe
	RanAt    api.Time // when it ran last, 0 when it never did
	Failures int      // of the service in a row, up to now
}

// Watched gives all services that are to be probed: those with a probe that are not paused.
func (h *Probes) Watched(ctx context.Context) ([]Probed, error) {
	return h.list(ctx, "where service.state <> 'paused'")
}

// All gives all services with a probe.
func (h *Probes) All(ctx context.Context) ([]Probed, error) { return h.list(ctx, "") }

func (h *Probes) list(ctx context.Context, where string) ([]Probed, error) {
	var out []Probed
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		out, err = collect(ctx, tx.session, scanProbed, `select service.id, service.name, probe.settings, probe.sealed,
			probe.ran_at, service.failures from probe join service on service.key = probe.service `+where+` order by service.key`)
		return err
	})
	return out, err
}

// Results gives what was found last by the probes of services, by the ids of the services. Those that never ran are left
// out.
func (h *Probes) Results(ctx context.Context, ids ...string) (map[string]*api.ProbeResult, error) {
	out := map[string]*api.ProbeResult{}
	if len(ids) == 0 {
		return out, nil
	}
	err := h.s.read(ctx, func(tx *Tx) error {
		found, err := collect(ctx, tx.session, scanProbeResult, h.sql.results, tx.eng.pack(ids)...)
		for _, r := range found {
			out[r.id] = r.result
		}
		return err
	})
	return out, err
}

// ProbeRun is what a run of a probe brings along with its pulse.
type ProbeRun struct {
	// Of is the probe that ran. When the service has another one by now, the run is not recorded.
	Of     *api.Probe
	Result api.ProbeResult
	// Lease is what the run was made under; when it has ended, the run is not recorded. A run that somebody asked for
	// has none.
	Lease *Lease
}

// ErrProbeOutdated says that a run is of a probe that was changed, removed or paused meanwhile.
var ErrProbeOutdated = errors.New("the probe was changed, removed or paused meanwhile")
