// Package v1 serves the REST interface, /api/v1, with its OpenAPI document and the page that shows it.
//
// What a request wants is read here, who may is asked, a feature is called and its answer written; each route stands
// beside what the document says of it, and the document is made from the same Go types that are read and written. Rules
// of fields are in package api, what requests do is in the features and the store, how bodies are read and errors are
// answered is in web: none of that is decided again here. Routes of other protocols are only described.
package v1

import (
	"context"
	"net/http"
	"slices"
	"sync"

	"github.com/go-chi/chi/v5"

	"watchkeeper/api"
	"watchkeeper/api/manifest"
	"watchkeeper/server/alert"
	"watchkeeper/server/auth"
	"watchkeeper/server/clock"
	"watchkeeper/server/event"
	"watchkeeper/server/httpapi/web"
	"watchkeeper/server/probe"
	"watchkeeper/server/service"
	"watchkeeper/server/store"
)

// Options is what the routes are made of. All are required but Heartbeat, Certificate and Others.
type Options struct {
	Services    *service.Services
	Events      *event.Events
	Alerts      *alert.Alerts
	Channels    *alert.Channels
	Routes      *alert.Routes
	Maintenance *alert.Maintenance
	Probes      *probe.Probes
	Store       *store.Store
	Tokens      *auth.Tokens
	PingKey     *auth.PingKey
	Clock       clock.Clock

	// Authenticate gives who asks; a refusal is an api.Error.
	Authenticate func(*http.Request) (auth.Principal, error)
	// Woken begins to listen for new events and changed credentials, until the function that it gives is called.
	Woken   func() (woken <-chan struct{}, end func())
	Streams web.Streams

	// Storage tells what the database holds and what is left.
	Storage func(context.Context) (api.Storage, error)

	PublicURL  string // of the server, without a slash at its end
	Generation int64  // of the installation
	Version    string // of the program
	StartedAt  api.Time

	// Problem says what of Watchkeeper itself does not work, "" when all does.
	Problem func(context.Context) string
	// Heartbeat tells of the heartbeat by which something else watches this server; it, or what it gives, is nil where
	// none is sent.
	Heartbeat func() *api.HeartbeatStatus
	// Certificate tells of the ordered certificate; it, or what it gives, is nil where none is ordered.
	Certificate func() *api.CertificateStatus

	// Others are routes of other protocols that the document describes beside those it knows of.
	Others []Other
}

type routes struct {
	Options
	document []byte
	buffers  sync.Pool // of *[]byte, for answers to pulses
}

// Routes adds /api/v1, /openapi.json, /manifest.schema.json and /docs to a router. It fails only for a mistake in the program.
func Routes(r chi.Router, o Options) error {
	h := &routes{Options: o}
	h.buffers.New = func() any { b := make([]byte, 0, 512); return &b }
	var err error
	r.Group(func(r chi.Router) {
		r.Use(web.NoStore)
		err = h.describe(r)
	})
	if err != nil {
		return err
	}
	r.Get("/openapi.json", web.Handle(h.serveJSON(h.document), web.Problems))
	r.Get("/manifest.schema.json", web.Handle(h.serveJSON(manifest.Schema), web.Problems))
	return h.pageRoutes(r)
}

// describe adds the routes of /api/v1 and makes the document of them.
func (h *routes) describe(r chi.Router) error {
	d := newDocument(r, h)
	h.serviceListRoutes(d)
	h.serviceRoutes(d)
	h.probeRoutes(d)
	h.changeRoutes(d)
	h.uptimeRoutes(d)
	h.pulseRoutes(d)
	h.eventRoutes(d)
	h.eventStreamRoutes(d)
	h.incidentRoutes(d)
	h.deliveryRoutes(d)
	h.silenceRoutes(d)
	h.maintenanceRoutes(d)
	h.routeRoutes(d)
	h.channelRoutes(d)
	h.tokenRoutes(d)
	h.pingKeyRoutes(d)
	h.auditRoutes(d)
	h.statusRoutes(d)
	for _, o := range slices.Concat(otherRoutes(), h.Others) {
		d.addOther(o)
	}
	text, err := d.finish()
	if err != nil {
		return err
	}
	h.document = text
	return nil
}
