package store

import (
	"fmt"

	"watchkeeper/api"
)

// probeColumns are those of a service that say what probe it has.
const probeColumns = `service.probe,
	case when service.probe = 0 then '' else coalesce((select probe.settings from probe where probe.service = service.key), '') end,
	case when service.probe = 0 then '' else coalesce((select probe.sealed from probe where probe.service = service.key), '') end`

// storedProbe is a probe as it stands in the database.
type storedProbe struct {
	has              int64
	settings, sealed string
}

func (p storedProbe) read() (*api.Probe, error) {
	if p.has == 0 {
		return nil, nil
	}
	probe := &api.Probe{}
	if p.settings != "" { // another transaction may be about to write it
		var err error
		if *probe, err = fromJSON[api.Probe](p.settings); err != nil {
			return nil, err
		}
	}
	probe.Sealed = p.sealed
	return probe, nil
}

func scanProbed(r row) (Probed, error) {
	var p Probed
	stored := storedProbe{has: 1}
	if err := r.Scan(&p.ID, &p.Name, &stored.settings, &stored.sealed, &p.RanAt, &p.Failures); err != nil {
		return p, fmt.Errorf("reading a probe: %w", err)
	}
	var err error
	p.Probe, err = stored.read()
	return p, err
}

// probeResult is what a probe of a service found.
type probeResult struct {
	id     string
	result *api.ProbeResult
}

func scanProbeResult(r row) (probeResult, error) {
	var (
		p      probeResult
		text   string
		lastOK api.Time
	)
	if err := r.Scan(&p.id, &text, &lastOK); err != nil {
		return p, fmt.Errorf("reading the result of a probe: %w", err)
	}
	result, err := fromJSON[api.ProbeResult](text)
	result.LastOK = lastOK
	p.result = &result
	return p, err
}

// probeSQL is the statements that need the engine's dialect, made once.
type probeSQL struct{ results string }

func newProbeSQL(e engine) probeSQL {
	return probeSQL{
		results: `select service.id, probe.result, probe.ok_at from probe join service on service.key = probe.service
			where probe.ran_at > 0 and service.id in (select id from ` + e.relation(1, text("id")) + ` i)`,
	}
}
