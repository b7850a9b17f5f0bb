package service

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	"watchkeeper/api"
)

// Sealer seals what must not be read in the database, and opens it again. A purpose says what it is.
type Sealer interface {
	Seal(purpose string, plain []byte) (string, error)
	Open(purpose, sealed string) ([]byte, error)
}

// ProbePurpose is what the secrets of probes are sealed for.
const ProbePurpose = "probe"

// OpenProbe gives the settings of a probe with their secrets.
func (s *Services) OpenProbe(p *api.Probe) (api.ProbeSettings, error) {
	if p.Sealed == "" {
		return p.ProbeSettings, nil
	}
	plain, err := s.Sealer.Open(ProbePurpose, p.Sealed)
	if err != nil {
		return api.ProbeSettings{}, fmt.Errorf("opening the secrets of a probe: %w", err)
	}
	var settings api.ProbeSettings
	if err := json.Unmarshal(plain, &settings); err != nil {
		return api.ProbeSettings{}, fmt.Errorf("reading the secrets of a probe: %w", err)
	}
	return settings, nil
}

// seal gives a probe as it is kept: masked, with all of it sealed where it has secrets. One with the settings of the
// former is the former, since sealing gives another text each time.
func (s *Services) seal(p, former *api.Probe) (*api.Probe, error) {
	if p == nil {
		return nil, nil
	}
	if former != nil {
		if old, err := s.OpenProbe(former); err == nil && reflect.DeepEqual(old, p.ProbeSettings) && former.FromFile == p.FromFile {
			return former, nil
		}
	}
	masked, secret := p.Masked()
	kept := &api.Probe{ProbeSettings: masked, FromFile: p.FromFile}
	if !secret {
		return kept, nil
	}
	plain, err := json.Marshal(p.ProbeSettings)
	if err == nil {
		kept.Sealed, err = s.Sealer.Seal(ProbePurpose, plain)
	}
	if err != nil {
		return nil, fmt.Errorf("sealing the secrets of a probe: %w", err)
	}
	return kept, nil
}

// unmask gives the input with the secrets of the former probe where they are masked, as they were shown.
func (s *Services) unmask(in api.ServiceInput, former *api.Probe) (api.ServiceInput, error) {
	if in.Probe == nil || former == nil {
		return in, nil
	}
	old, err := s.OpenProbe(former)
	if err != nil {
		s.Log.Warn("the former secrets of a probe cannot be read", "error", err)
		return in, nil
	}
	in.Probe = new(in.Probe.Unmask(old))
	return in, nil
}

// extent says how much of a service an input replaces.
type extent string

const (
	wholly extent = "wholly"
	partly extent = "partly"
)

// guardProbe refuses to change a probe that stands in the configuration file.
func (s *Services) guardProbe(in api.ServiceInput, old api.ServiceSettings, replaces extent) error {
	if old.Probe == nil || !old.Probe.FromFile {
		return nil
	}
	after := in.Apply(old)
	if in.Probe == nil && replaces == partly && after.Probe != nil && after.Name == old.Name {
		return nil
	}
	return api.Errorf(api.KindConflict, "the probe of this service stands in the configuration file and is changed there")
}

// FileProbe is a service with a probe of the configuration file.
type FileProbe struct {
	Name  string
	Probe api.ProbeSettings
	// Settings are further settings of the service; what is nil is left alone.
	Settings api.ServiceInput
}

// Configure makes the probes of the configuration file those of their services, and makes the services that are missing.
// It gives the names of the services that it changed.
func (s *Services) Configure(ctx context.Context, probes []FileProbe) (changed []string, err error) {
	for _, p := range probes {
		in := p.Settings
		in.Name, in.Probe = &p.Name, &p.Probe
		if err := s.dropUnknownAlerts(&in); err != nil {
			return changed, err
		}
		was, err := s.Store.Services.ByName(ctx, p.Name)
		switch api.KindOf(err) {
		case "":
			now, err := s.configure(ctx, was.ID, in)
			if err != nil {
				return changed, fmt.Errorf("the probe of %s: %w", p.Name, err)
			}
			if was.Probe == nil && was.State == api.StatePaused { // as when its probe was taken from the file before
				if _, err := s.Store.Services.Resume(ctx, was.ID); err != nil {
					return changed, fmt.Errorf("the probe of %s: %w", p.Name, err)
				}
			}
			if now.UpdatedAt != was.UpdatedAt {
				changed = append(changed, p.Name)
			}
			continue
		case api.KindNotFound:
		default:
			return changed, err
		}
		settings, err := s.settings(in, api.ServiceSettings{}, nil)
		if err == nil {
			settings.Probe.FromFile = true
			settings.Probe, err = s.seal(settings.Probe, nil)
		}
		if err == nil {
			_, err = s.Store.Services.Create(ctx, settings)
		}
		if err != nil {
			return changed, fmt.Errorf("the probe of %s: %w", p.Name, err)
		}
		changed = append(changed, p.Name)
	}
	return changed, nil
}

func (s *Services) configure(ctx context.Context, id string, in api.ServiceInput) (*api.Service, error) {
	return s.Store.Services.Update(ctx, id, func(old api.Service) (api.ServiceSettings, error) {
		settings, err := s.settings(in, old.ServiceSettings, nil)
		if err == nil {
			settings.Probe.FromFile = true
			settings.Probe, err = s.seal(settings.Probe, old.Probe)
		}
		return settings, err
	})
}

// dropUnknownAlerts leaves out targets that nothing can be sent to, so that the default route is told instead: one
// mistyped key must not keep the server from starting.
func (s *Services) dropUnknownAlerts(in *api.ServiceInput) error {
	if in.Alerts == nil {
		return nil
	}
	kept := []string{}
	for _, target := range *in.Alerts {
		if err := s.CheckTarget(target); err != nil {
			s.Log.Warn("a target of a probe of the configuration file cannot be used; the default route is told instead",
				"service", *in.Name, "reason", reason(err))
			continue
		}
		kept = append(kept, target)
	}
	in.Alerts = &kept
	return nil
}

// Unconfigure takes the probes away from services that had theirs from the configuration file, where the file does not
// name them any more, and pauses the services, for nothing pulses for them now. It gives their names.
func (s *Services) Unconfigure(ctx context.Context, named map[string]bool) (gone []string, err error) {
	all, err := s.Store.Probes.All(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if !p.Probe.FromFile || named[p.Name] {
			continue
		}
		_, err := s.Store.Services.Update(ctx, p.ID, func(old api.Service) (api.ServiceSettings, error) {
			settings := old.ServiceSettings
			settings.Probe = nil
			return settings, nil
		})
		if err == nil {
			_, err = s.Store.Services.Pause(ctx, p.ID, api.ReasonSettings)
		}
		if err != nil && api.KindOf(err) != api.KindNotFound {
			return gone, err
		}
		gone = append(gone, p.Name)
	}
	return gone, nil
}
