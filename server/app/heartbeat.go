package app

import (
	"context"

	"watchkeeper/api"
	"watchkeeper/server/dial"
	"watchkeeper/server/heartbeat"
)

// openHeartbeat makes the heartbeat, where a setting says to whom it goes.
func (s *server) openHeartbeat() {
	if s.Config.HeartbeatURL == "" {
		return
	}
	s.heartbeat = heartbeat.New(heartbeat.Options{
		URL: s.Config.HeartbeatURL, Servers: s.store.Servers, Dialer: dial.New(dialPolicy(s.Config)), Clock: s.clock, Log: s.log,
		Version: s.Version,
	})
}

// problem says what does not work, whether or not somebody else expects a heartbeat.
func (s *server) problem(ctx context.Context) string {
	reason, _ := heartbeat.Look(ctx, s.store.Servers) // the reason says so when there is an error
	return string(reason)
}

// heartbeatStatus gives what became of the last heartbeat, nil where none is sent.
func (s *server) heartbeatStatus() *api.HeartbeatStatus {
	if s.heartbeat == nil {
		return nil
	}
	return s.heartbeat.Status()
}
