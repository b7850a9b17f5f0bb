package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"watchkeeper/server/cert"
	"watchkeeper/server/httpapi/web"
)

// swap is the handler of the server: at first the probes alone, then all routes.
type swap struct{ handler atomic.Pointer[http.Handler] }

func (s *swap) set(h http.Handler) { s.handler.Store(&h) }

func (s *swap) ServeHTTP(w http.ResponseWriter, r *http.Request) { (*s.handler.Load()).ServeHTTP(w, r) }

// front is the listener and the HTTP server on it.
type front struct {
	listener  net.Listener
	handler   swap
	server    *http.Server
	closing   chan struct{} // closed when streams shall end
	closeOnce sync.Once
	failed    chan error
	served    sync.WaitGroup
	log       *slog.Logger
}

// listen takes the address, so that a second server fails before it does anything else.
func listen(address string, first http.Handler, log *slog.Logger) (*front, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening on %s (setting listen): %w", address, err)
	}
	f := &front{listener: l, closing: make(chan struct{}), failed: make(chan error, 1), log: log}
	f.handler.set(first)
	return f, nil
}

// serve begins to answer, with the certificate.
func (f *front) serve(keeper *cert.Keeper, floor *web.Floor) {
	f.server = web.NewServer(&f.handler, web.ServerOptions{Floor: floor, TLS: keeper.TLS()})
	f.served.Go(func() {
		l := keeper.Listen(f.listener)
		var err error
		if keeper.TLS() == nil {
			err = f.server.Serve(l)
		} else {
			err = f.server.ServeTLS(l, "", "")
		}
		if !errors.Is(err, http.ErrServerClosed) {
			f.failed <- fmt.Errorf("serving: %w", err)
		}
	})
}

func (f *front) ready(routes http.Handler) { f.handler.set(routes) }

// stop takes no new requests, ends streams, and waits for requests under way, up to a bound.
func (f *front) stop(within time.Duration) {
	f.closeOnce.Do(func() { close(f.closing) })
	if f.server == nil {
		_ = f.listener.Close()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	if err := f.server.Shutdown(ctx); err != nil {
		f.log.Warn("requests were still under way when the time to stop was over", "error", err)
		_ = f.server.Close()
	}
	f.served.Wait()
}
