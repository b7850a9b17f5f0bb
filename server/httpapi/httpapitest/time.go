package httpapitest

import (
	"context"
	"testing"
	"time"

	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

// Pass lets time pass, and then judges silence. A server that watches marks its life meanwhile.
func (s *Server) Pass(tb testing.TB, d time.Duration) {
	tb.Helper()
	for d > 0 {
		step := d
		if s.watching {
			step = min(step, store.MinGap/2)
		}
		s.Clock.Advance(step)
		d -= step
		if s.watching {
			must(s.Servers.Beat(context.Background()))(tb)
		}
	}
	s.Judge(tb)
}

// Judge lets time act on all services that are due.
func (s *Server) Judge(tb testing.TB) {
	tb.Helper()
	for {
		if swept := must(s.Services.Sweep(context.Background(), 0))(tb); !swept.More {
			return
		}
	}
}

// Watch makes the server mark its life from now on, so that its absence will be noticed.
func (s *Server) Watch(tb testing.TB) {
	tb.Helper()
	s.Servers.Register(store.Presence{ID: "one", Name: "one", Version: Version})
	must(s.Servers.Beat(context.Background()))(tb)
	s.watching = true
}

// Restart stops the server, and starts it again on the same database after it was away for a while.
func (s *Server) Restart(tb testing.TB, away time.Duration) {
	tb.Helper()
	must(0, s.Close())(tb)
	s.Clock.Advance(away)
	s.Store = storetest.Reopen(tb, s.Fixture.Options)
	s.build(tb)
	if s.watching {
		s.Watch(tb)
	}
	s.Judge(tb)
}
