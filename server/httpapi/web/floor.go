package web

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"

	"watchkeeper/api"
)

// FloorOptions are what a Floor needs. Logger and Now are required.
type FloorOptions struct {
	Logger *slog.Logger
	Now    func() time.Time
	// Observe is told of every request once it is answered, on the request's own goroutine. It may be nil.
	Observe func(Observation)
	// TrustedProxies are the addresses whose X-Forwarded-For and X-Forwarded-Proto are believed.
	TrustedProxies []netip.Prefix
	// BodyMemory is how many bytes the bodies of all requests under way may take beyond the small buffer that each one
	// has; 0 means 256 MiB. Above it requests are answered with 503.
	BodyMemory int64
}

// Observation is what is measured of a request. All texts come from small fixed sets.
type Observation struct {
	Route   string // the pattern of the route, or "unmatched"
	Method  string // or "other"
	Status  int    // 499 when the client went away before it was answered
	Seconds float64
	Bytes   int64 // of the answer's body
}

// statusClientGone is what nginx made customary for a client that did not wait.
const statusClientGone = 499

const unmatchedRoute = "unmatched"

const defaultBodyMemory = 256 << 20

// Floor is what lies under all routes: it gives each request an id, an address, a log and a measure, and keeps a panic
// from reaching the connection.
type Floor struct {
	logger   *slog.Logger
	now      func() time.Time
	observe  func(Observation)
	proxies  proxies
	bodies   *bodies
	refusals *refusals
	contexts sync.Pool // of *chi.Context
	routes   routeTable
	ids      requestIDs
}

// NewFloor makes a Floor. Its Run must be running for refusals that are only counted to reach the log in time.
func NewFloor(o FloorOptions) *Floor {
	if o.BodyMemory == 0 {
		o.BodyMemory = defaultBodyMemory
	}
	f := &Floor{
		logger: o.Logger, now: o.Now, observe: o.Observe, proxies: o.TrustedProxies,
		bodies: newBodies(o.BodyMemory), refusals: newRefusals(o.Logger, o.Now),
	}
	f.contexts.New = func() any { return chi.NewRouteContext() }
	f.ids.prefix = newRequestIDPrefix()
	return f
}

// Wrap gives the handler that the server serves, once. Router is the whole router, so that its middleware, too, is
// measured and rescued.
func (f *Floor) Wrap(router chi.Router) http.Handler {
	f.routes.router = router
	return f.proxies.wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.serve(w, r, router) }))
}

// Run writes what refusals have been counted, at least once a minute, until ctx ends.
func (f *Floor) Run(ctx context.Context) error { return f.refusals.run(ctx) }

func (f *Floor) serve(w http.ResponseWriter, r *http.Request, router chi.Router) {
	started := f.now()
	collapseSlashes(r)
	route := f.contexts.Get().(*chi.Context)
	route.Reset()
	route.Routes = router
	x := &exchange{
		Context: r.Context(), ResponseWriter: w, floor: f, route: route, request: r, id: [1]string{f.ids.of(r)},
	}
	f.proxies.locate(x, r)
	h := w.Header()
	h["X-Request-Id"] = x.id[:]
	h["X-Content-Type-Options"] = noSniff
	r = r.WithContext(x)
	defer f.finish(x, started)
	defer rescue(x, r, Problems)
	router.ServeHTTP(x, r)
}

// finish is deferred, and so also sees requests whose connection is being cut.
func (f *Floor) finish(x *exchange, started time.Time) {
	if f.observe != nil {
		status := x.status
		if status == 0 {
			status = http.StatusOK
			if x.Context.Err() != nil {
				status = statusClientGone
			}
		}
		f.observe(Observation{
			Route: routeOf(x), Method: knownMethod(x.request.Method), Status: status,
			Seconds: f.now().Sub(started).Seconds(), Bytes: x.bytes,
		})
	}
	f.contexts.Put(x.route)
}

// record logs an error that is about to be answered.
func (f *Floor) record(x *exchange, err error, p *api.Problem) {
	if abandoned(x, err) {
		return
	}
	refusal := instance{status: p.Status, detail: err.Error(), address: x.clientAddress(), request: x.id[0]}
	c := cause{code: string(p.Code), route: routeOf(x)}
	failed := p.Code == api.KindInternal || api.KindOf(err) == api.KindInternal
	if !failed || !f.refusals.allowFailure() {
		f.refusals.note(c, refusal)
		return
	}
	attrs := []slog.Attr{
		slog.String("request_id", x.id[0]), slog.String("method", knownMethod(x.request.Method)),
		slog.String("route", c.route), slog.String("error", err.Error()),
	}
	if panicked, ok := errors.AsType[*panicError](err); ok {
		attrs = append(attrs, slog.String("stack", string(panicked.stack)))
	}
	f.logger.LogAttrs(x, slog.LevelError, "request failed", attrs...)
}

func routeOf(x *exchange) string {
	if pattern := x.route.RoutePattern(); pattern != "" {
		return pattern
	}
	return unmatchedRoute
}

func knownMethod(method string) string {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return method
	}
	return "other"
}

// collapseSlashes makes "//hello" "/hello" before any route is looked for: watchTower's page asks so, and a redirect
// would turn its POST into GET.
func collapseSlashes(r *http.Request) {
	asked := r.URL.RawPath
	if asked == "" {
		asked = r.URL.Path
	}
	// Where "%2F" follows, RawPath is given and its first slashes are those of Path.
	surplus := len(asked) - len(strings.TrimLeft(asked, "/")) - 1
	if surplus <= 0 {
		return
	}
	r.URL.Path = r.URL.Path[surplus:]
	if r.URL.RawPath != "" {
		r.URL.RawPath = r.URL.RawPath[surplus:]
	}
}

// requestIDs makes ids that differ between requests and, in all likelihood, between servers and starts.
type requestIDs struct {
	prefix string
	last   atomic.Uint64
}

const idAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"

func newRequestIDPrefix() string {
	var seed [8]byte
	_, _ = rand.Read(seed[:]) // never fails: crypto/rand ends the program instead
	return string(appendBase32(nil, binary.BigEndian.Uint64(seed[:])>>24, 8)) + "-"
}

// of gives the id that the client or a proxy chose, where it is harmless, else a new one.
func (ids *requestIDs) of(r *http.Request) string {
	if given := r.Header["X-Request-Id"]; len(given) == 1 && safeID(given[0]) {
		return given[0]
	}
	var b [32]byte
	return string(appendBase32(append(b[:0], ids.prefix...), ids.last.Add(1), 8))
}

func appendBase32(b []byte, n uint64, digits int) []byte {
	for i := digits - 1; i >= 0; i-- {
		b = append(b, idAlphabet[n>>(5*i)&31])
	}
	return b
}

// safeID keeps ids from being used to write into the log or to fill it.
func safeID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}
