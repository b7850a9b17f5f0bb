package app

import (
	"watchkeeper/api"
	"watchkeeper/server/retention"
)

// openRetention makes what keeps the database within bounds.
func (s *server) openRetention() {
	keep := s.Config.Retention
	history := api.Retention{Age: keep.ChangesAge}
	if s.Config.Database == "" {
		s.disk = retention.NewGuard(retention.GuardOptions{
			Folder: s.Config.Data, Settings: s.store.Settings, Clock: s.clock, Log: s.log,
			Tell: func(level api.Level, message string) error { return s.events.AlertOwn(level, message) },
		})
	}
	s.retention = retention.New(retention.Options{
		Store: s.store, Clock: s.clock, Log: s.log, Disk: s.disk, Keep: map[api.Table]api.Retention{
			api.TableEvents:  {Age: keep.EventsAge, Bytes: keep.EventsSize},
			api.TablePulses:  {Age: keep.PulsesAge, Bytes: keep.PulsesSize},
			api.TableChanges: history, api.TableIncidents: history, api.TableDeliveries: history,
		},
	})
}

// acceptEvents refuses events from outside while the disk is too full for them.
func (s *server) acceptEvents() error {
	if s.disk == nil {
		return nil
	}
	return s.disk.CheckEvents()
}
