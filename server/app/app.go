package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"watchkeeper/api"
	"watchkeeper/server/clock"
	"watchkeeper/server/config"
)

// Options is what the server is started with.
type Options struct {
	Config  config.Config
	Loaded  *config.Loaded // where the settings came from; may be nil
	Version string
	Log     *slog.Logger
	Out     io.Writer // where the lines for the person at the terminal go; nil for nowhere
	// Clock is nil for the time of the machine, or of the database where that is PostgreSQL.
	Clock Clock
	// Ready is called once, when the server serves, with the address that it listens on. It may be nil.
	Ready func(address string)
}

// Clock is the time of the whole program, which a start may set forward.
type Clock interface {
	clock.Clock
	SetBase(time.Time) error
}

// Run runs the server until ctx ends, and gives nil when it stopped in good order.
func Run(ctx context.Context, o Options) error {
	ctx = api.WithActor(ctx, api.Actor{Kind: api.ActorServer, Name: "watchkeeper"}) // whoever started it does not do what it does
	s := &server{Options: o, log: o.Log}
	if s.Out == nil {
		s.Out = io.Discard
	}
	err := withPatience(func() error { return s.start(ctx) })
	if err == nil {
		err = s.serve(ctx)
	}
	return errors.Join(err, s.teardown.run(o.Log))
}

// server is the parts of a running server.
type server struct {
	Options
	parts
	log      *slog.Logger
	teardown teardown
}

// teardown is what undoes the start, last step first. A start that fails half way is undone with it, too.
type teardown struct{ steps []step }

type step struct {
	name string
	run  func() error
}

func (t *teardown) add(name string, run func() error) { t.steps = append(t.steps, step{name, run}) }

func (t *teardown) run(log *slog.Logger) error {
	var errs []error
	for len(t.steps) > 0 {
		last := t.steps[len(t.steps)-1]
		t.steps = t.steps[:len(t.steps)-1]
		if err := last.run(); err != nil {
			log.Error("stopping failed", "step", last.name, "error", err)
			errs = append(errs, fmt.Errorf("stopping %s: %w", last.name, err))
		}
	}
	return errors.Join(errs...)
}

// loop is work that goes on until its context ends.
type loop struct {
	name string
	run  func(context.Context) error
}

// serve runs the loops until ctx ends, and stops in this order: no new connections and requests, streams are told to
// end, requests under way are answered; then the loops end, so that a message that is being sent is recorded; then the
// group committers have nothing left to write, and the database is left. A loop that fails ends the server.
func (s *server) serve(ctx context.Context) error {
	// The loops outlive the requests: a pulse that is answered while stopping may still need them.
	loopsCtx, stopLoops := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLoops()
	loops, loopsCtx := errgroup.WithContext(loopsCtx)
	for _, l := range s.loops() {
		loops.Go(func() error {
			if err := l.run(loopsCtx); err != nil && loopsCtx.Err() == nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
			return nil
		})
	}
	s.announce()
	select {
	case <-ctx.Done():
		s.log.Info("stopping")
	case <-loopsCtx.Done():
	case err := <-s.http.failed:
		s.log.Error("serving failed", "error", err)
		stopLoops()
		return errors.Join(err, loops.Wait())
	}
	tellSystemd("STOPPING=1")
	s.health.Stopping()
	s.http.stop(s.Config.ShutdownTimeout)
	stopLoops()
	return loops.Wait()
}

// announce says that the server is there: to the person, to systemd and to whoever started it.
func (s *server) announce() {
	s.http.ready(s.routes)
	s.health.Serve(s.healthy)
	address := s.http.listener.Addr().String()
	s.log.Info("serving", "address", address, "engine", s.store.Engine(), "url", s.publicURL, "version", s.Version)
	s.greet()
	tellSystemd("READY=1")
	if s.Ready != nil {
		s.Ready(address)
	}
}

// maxClockOffset is how far the time of a server may be from that of the database. Beyond it, as after a machine was
// frozen, what it stamps would mislead the other servers; a restart sets it right at once.
const maxClockOffset = 5 * time.Second

// healthy is what /readyz asks.
func (s *server) healthy(ctx context.Context) error {
	if s.system != nil && s.Config.Database != "" && s.system.Offset().Abs() > maxClockOffset {
		return api.Errorf(api.KindUnavailable, "the time of this server is %s off that of the database; restart it", s.system.Offset().Round(time.Millisecond))
	}
	if err := s.liveness.Trouble(); err != nil {
		return err
	}
	return s.store.Ping(ctx)
}

var _ http.Handler = (*swap)(nil)
