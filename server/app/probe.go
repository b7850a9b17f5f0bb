package app

import (
	"context"
	"slices"

	"watchkeeper/server/config"
	"watchkeeper/server/dial"
	"watchkeeper/server/probe"
	"watchkeeper/server/service"
	"watchkeeper/server/store"
)

// openProbes makes what looks at targets, and makes the probes of the configuration file those of their services.
func (s *server) openProbes(ctx context.Context) error {
	s.probes = probe.New(probe.Options{
		Store: s.store, Hub: s.hub, Clock: s.clock, Log: s.log, Dialer: dial.New(dialPolicy(s.Config)), Server: s.id,
		Open: s.services.OpenProbe,
	})
	named := map[string]bool{}
	var probes []service.FileProbe
	for _, p := range slices.Concat(s.Config.Probes, s.Config.Pings) {
		named[p.Service] = true
		probes = append(probes, fileProbe(p))
	}
	changed, err := s.services.Configure(ctx, probes)
	for _, name := range changed {
		s.log.Info("took a probe from the configuration file", "service", name)
	}
	if err != nil {
		return err
	}
	// Where several servers share the database, one without probes in its file says nothing of those of the others.
	if s.store.Engine() != store.SQLite && len(probes) == 0 {
		return nil
	}
	gone, err := s.services.Unconfigure(ctx, named)
	for _, name := range gone {
		s.log.Warn("a probe stands in the configuration file no more; it is taken away and its service paused", "service", name)
	}
	return err
}

func fileProbe(p config.Probe) service.FileProbe {
	return service.FileProbe{Name: p.Service, Probe: p.Settings, Settings: p.More}
}
