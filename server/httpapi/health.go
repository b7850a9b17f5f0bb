package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/httpapi/watchtower"
	"watchkeeper/server/httpapi/web"
)

// Health answers whether the server lives and whether it can serve. It is there before everything else.
type Health struct {
	stage atomic.Pointer[string]
	check atomic.Pointer[func(context.Context) error]
}

// Starting tells what the server is doing before it can serve, such as "migrating the database".
func (h *Health) Starting(stage string) { h.stage.Store(&stage) }

// Serve says that the server is ready as long as check succeeds.
func (h *Health) Serve(check func(context.Context) error) { h.check.Store(&check) }

// Stopping says that the server takes no new work.
func (h *Health) Stopping() {
	h.Starting("stopping")
	h.check.Store(nil)
}

func (h *Health) alive(w http.ResponseWriter, _ *http.Request) { line(w, http.StatusOK, "ok") }

const checkWithin = 2 * time.Second

func (h *Health) ready(w http.ResponseWriter, r *http.Request) {
	check := h.check.Load()
	if check == nil {
		stage := "starting"
		if s := h.stage.Load(); s != nil {
			stage = *s
		}
		w.Header().Set("Retry-After", "1")
		line(w, http.StatusServiceUnavailable, stage)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), checkWithin)
	defer cancel()
	if err := (*check)(ctx); err != nil {
		w.Header().Set("Retry-After", "1")
		line(w, http.StatusServiceUnavailable, api.ProblemOf(err).Detail)
		return
	}
	line(w, http.StatusOK, "ready")
}

func line(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text)
}

// Handler serves the probes alone, until the routes are there, and tells everybody else to come back. It does not route
// with http.ServeMux, which redirects "//heartbeat": a client would lose the body of its pulse.
func (h *Health) Handler() http.Handler {
	return web.CORS(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/healthz":
			h.alive(w, r)
		case "/readyz":
			h.ready(w, r)
		default:
			web.Respond(w, r, errStarting, responderOf(r.URL.Path))
		}
	}))
}

var errStarting = &api.Error{Kind: api.KindUnavailable, Message: "the server is starting, try again", RetryAfter: time.Second}

// responderOf gives the shape in which the clients of a path expect to be refused.
func responderOf(path string) web.Responder {
	switch {
	case strings.HasPrefix(path, "/api/"):
		return web.Problems
	case strings.HasPrefix(path, "/ping/"):
		return web.Plain
	}
	return watchtower.Respond
}
