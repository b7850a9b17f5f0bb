package service

import (
	"context"
	"sync/atomic"
	"time"

	"watchkeeper/server/clock"
)

// beatEvery is how often a server marks that it is alive.
const beatEvery = time.Second

// Liveness marks once a second that this server is alive, so that its absence is never blamed on the services.
type Liveness struct {
	services *Services
	trouble  atomic.Pointer[error] // of the last mark; nil when it was written
}

// NewLiveness makes the loop. Servers.Register must have been called.
func NewLiveness(s *Services) *Liveness { return &Liveness{services: s} }

// Trouble gives why the last mark could not be written, as on a full disk: then pulses cannot be stored either.
func (l *Liveness) Trouble() error {
	if err := l.trouble.Load(); err != nil {
		return *err
	}
	return nil
}

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
			l.trouble.Store(&err)
			if !failing {
				s.Log.Error("marking that this server is alive failed, trying on", "error", err)
			}
		case gap != nil:
			s.Log.Warn("no server watched for a while, so silence in that time is judged later",
				"from", gap.From.String(), "to", gap.To.String())
		}
		if failing = err != nil; !failing {
			l.trouble.Store(nil)
		}
		if err := clock.Sleep(ctx, s.Clock, beatEvery); err != nil {
			return nil
		}
	}
}
