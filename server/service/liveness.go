package service

import (
	"context"
	"time"

	"watchkeeper/server/clock"
)

// beatEvery is how often a server marks that it is alive.
const beatEvery = time.Second

// Liveness marks once a second that this server is alive, so that its absence is never blamed on the services.
type Liveness struct{ services *Services }

// NewLiveness makes the loop. Servers.Register must have been called.
func NewLiveness(s *Services) *Liveness { return &Liveness{s} }

// Run marks until ctx ends.
func (l *Liveness) Run(ctx context.Context) error {
	s := l.services
	failing := false
	for {
		gap, err := s.Store.Servers.Beat(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			if !failing {
				s.Log.Error("marking that this server is alive failed, trying on", "error", err)
			}
		case gap != nil:
			s.Log.Warn("no server watched for a while, so silence in that time is judged later",
				"from", gap.From.String(), "to", gap.To.String())
		}
		failing = err != nil
		if err := clock.Sleep(ctx, s.Clock, beatEvery); err != nil {
			return nil
		}
	}
}
