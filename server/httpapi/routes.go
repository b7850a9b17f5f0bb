// Package httpapi is the HTTP face of the server: all routes on one screen, each protocol in a package of its own.
//
// Here is what the protocols share beyond package web: who may, probes of health, the server's own metrics, and the web
// interface. What requests do is in the features.
package httpapi

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"watchkeeper/api"
	"watchkeeper/gui"
	"watchkeeper/server/httpapi/ack"
	"watchkeeper/server/httpapi/ping"
	"watchkeeper/server/httpapi/public"
	"watchkeeper/server/httpapi/v1"
	"watchkeeper/server/httpapi/watchtower"
	"watchkeeper/server/httpapi/web"
)

// Options is what the routes are made of.
type Options struct {
	Gate       *Gate
	Health     *Health
	V1         v1.Options
	WatchTower watchtower.Options
	Ping       ping.Options
	Public     public.Options
	Ack        ack.Options
	Metrics    http.Handler
	// CA gives the certificate of the installation's own authority in PEM; nil when it has none.
	CA func() []byte
}

// The most requests that are served at once. Beyond it an answer comes at once, telling to try again.
const maxInFlight = 8192

// Routes gives the router of the server.
func Routes(o Options) (chi.Router, error) {
	r := chi.NewRouter()
	// These stand before the routing: no route is registered for OPTIONS, HEAD or methods that nobody has heard of.
	r.Use(web.CORS, middleware.GetHead, ping.AnyMethod)
	r.NotFound(web.NotFound(web.Problems))
	r.MethodNotAllowed(web.MethodNotAllowed(web.Problems))

	// Open to everybody: is it well, which certificate to trust, and the web interface.
	r.Get("/healthz", o.Health.alive)
	r.Get("/readyz", o.Health.ready)
	r.Get("/ca.pem", web.Handle(certificate(o.CA), web.Problems))
	r.Get("/gui", http.RedirectHandler("/gui/", http.StatusMovedPermanently).ServeHTTP)
	r.With(web.PageHeaders(web.PagePolicy)).Get("/gui/*", web.Handle(pages(gui.Files()), web.Problems))

	// What the settings show to everybody.
	r.Group(func(r chi.Router) {
		r.Use(web.InFlight(maxInFlight, web.Problems))
		public.Routes(r, o.Public)
	})

	// The links in messages, which are credentials for one incident each.
	r.Group(func(r chi.Router) {
		r.Use(web.InFlight(maxInFlight, web.Problems))
		ack.Routes(r, o.Ack)
	})

	// Signs of life, whose URL is the credential.
	r.Group(func(r chi.Router) {
		r.Use(web.InFlight(maxInFlight, web.Plain))
		ping.Routes(r, o.Ping)
	})

	// The routes of watchTower, of both its generations.
	r.Group(func(r chi.Router) {
		r.Use(web.InFlight(maxInFlight, watchtower.Respond), web.NoStore)
		watchtower.Routes(r, o.WatchTower)
	})

	// The server's own metrics, in the format of Prometheus.
	r.Get("/metrics", web.Handle(o.Gate.behind(api.ScopeRead, o.Metrics), web.Problems))

	// The REST interface with its document.
	return r, v1.Routes(r, o.V1)
}
