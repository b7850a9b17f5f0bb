// Package watchtower serves the routes of watchTower, so that its clients go on working unmodified.
//
// Both generations of its routes are here, its way of reading bodies and its way of answering: HTTP 200 with the outcome
// in "result", on one line. What the requests do is in the features; nothing is decided here that another protocol would
// decide again.
package watchtower

import (
	"context"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"watchkeeper/api"
	"watchkeeper/api/schedule"
	"watchkeeper/server/auth"
	"watchkeeper/server/clock"
	"watchkeeper/server/event"
	"watchkeeper/server/httpapi/web"
	"watchkeeper/server/service"
	"watchkeeper/server/store"
)

// Options is what the routes are made of. All are required but Presets and NotePulse.
type Options struct {
	Services *service.Services
	Events   *event.Events
	Store    *store.Store
	Clock    clock.Clock
	// Authenticate gives who asks; a refusal is an api.Error.
	Authenticate func(*http.Request) (auth.Principal, error)
	// NotePulse is told where the alerts of a pulse that was stored shall go, so that somebody is warned when they cannot.
	NotePulse func(ctx context.Context, service string, pair api.LegacyTarget)
	Presets   []Preset
	Version   string
	Zone      api.Zone // of dates that people read
	ListLimit int      // most events of one list
	StartedAt api.Time // when the server did
}

// Preset is a ready-made search of the web page: expressions for service and message.
type Preset struct {
	Name    string `json:"name"`
	Service string `json:"service,omitempty"`
	Message string `json:"message,omitempty"`
}

type routes struct {
	Options
	schedules *schedule.Cache
}

// Routes adds the routes to a router.
func Routes(r chi.Router, o Options) {
	o.Presets = append([]Preset{}, o.Presets...) // none is [], not null
	h := &routes{Options: o, schedules: schedule.NewCache(256)}
	handle := func(h web.Handler) http.HandlerFunc { return web.Handle(h, Respond) }

	r.Get("/", handle(h.root))
	r.Post("/", handle(h.pulse))
	r.Delete("/", handle(h.cancel))
	r.Post("/heartbeat", handle(h.pulse))
	r.Delete("/heartbeat", handle(h.cancel))
	r.Get("/heartbeats", handle(h.listHeartbeats))
	r.Get("/get/*", handle(h.getHeartbeat))
	r.Get("/heartbeat/*", handle(h.getHeartbeat))
	r.Post("/add-event", handle(h.addEvent))
	r.Post("/event", handle(h.addEvent))
	r.Get("/list-events", handle(h.listEvents))
	r.Get("/events", handle(h.listEvents))
	r.Get("/hello", handle(h.hello))
	r.Get("/pings", handle(h.listPings))
}

// root is the list for a client and the web page for a browser. Credentials are looked for first, because Java's default
// Accept names text/html.
func (h *routes) root(w http.ResponseWriter, r *http.Request) error {
	isClient := r.Header["Password"] != nil || r.Header["Authorization"] != nil
	if !isClient && strings.Contains(strings.Join(r.Header["Accept"], ","), "text/html") {
		http.Redirect(w, r, "/gui/", http.StatusFound)
		return nil
	}
	return h.listHeartbeats(w, r)
}

// hello tells the web page that its password is right, and what it needs to begin.
func (h *routes) hello(w http.ResponseWriter, r *http.Request) error {
	if _, err := h.allow(r, api.ScopeRead); err != nil {
		return err
	}
	return answer(w, r, struct {
		Presets []Preset `json:"eventsPresets"`
		Result  int      `json:"result"`
		Version string   `json:"version"`
		World   int64    `json:"world"`
	}{h.Presets, resultOK, h.Version, h.Clock.Now().Unix()})
}

// allow gives who asks when their credential has a scope.
func (h *routes) allow(r *http.Request, scope api.Scope) (auth.Principal, error) {
	p, err := h.Authenticate(r)
	if err != nil {
		return p, err
	}
	return p, p.Require(scope)
}
