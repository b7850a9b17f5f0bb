// Package public shows services to everybody, without a credential: a status page and badges, for those tags only that
// the settings name. What it shows of a service is its name, its state and its uptime, and nothing else.
package public

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"watchkeeper/api"
	"watchkeeper/server/clock"
	"watchkeeper/server/httpapi/web"
	"watchkeeper/server/store"
)

// Options is what the routes are made of.
type Options struct {
	Store *store.Store
	Clock clock.Clock
	Tags  []string // whose services are shown; without any there is nothing here
}

const (
	pagePath  = "/status/"
	badgePath = "/badge/"
	// maxShown bounds the services of one page.
	maxShown = 500
	// fresh is how old an answer may be: whoever asks often costs the database nothing.
	fresh = 15 * time.Second
)

type routes struct {
	Options
	mu    sync.Mutex
	shown map[string]*shown
}

// Routes adds the routes to a router.
func Routes(r chi.Router, o Options) {
	h := &routes{Options: o, shown: map[string]*shown{}}
	r.With(web.PageHeaders(pagePolicy)).Get(pagePath+"*", web.Handle(h.page, web.Problems))
	r.Get(badgePath+"*", web.Handle(h.badge, web.Problems))
}

var errNothing = api.Errorf(api.KindNotFound, "there is nothing at this path")

// shown is what everybody may see of a tag.
type shown struct {
	Tag       string              `json:"tag"`
	State     api.State           `json:"state"`
	UpdatedAt api.Time            `json:"updated_at"`
	Services  []api.ServiceUptime `json:"services"`

	slugs  []string // of the services, in their order
	making sync.Mutex
}

// of gives what is shown of a tag, at most fresh old. One request at a time makes it anew.
func (h *routes) of(ctx context.Context, tag string) (*shown, error) {
	if !slices.Contains(h.Tags, tag) {
		return nil, errNothing
	}
	h.mu.Lock()
	slot := h.shown[tag]
	if slot == nil {
		slot = &shown{Tag: tag}
		h.shown[tag] = slot
	}
	h.mu.Unlock()
	slot.making.Lock()
	defer slot.making.Unlock()
	now := api.TimeOf(h.Clock.Now())
	if age := now.Sub(slot.UpdatedAt); slot.UpdatedAt > 0 && age >= 0 && age < fresh {
		return &shown{Tag: tag, State: slot.State, UpdatedAt: slot.UpdatedAt, Services: slot.Services, slugs: slot.slugs}, nil
	}
	found, err := h.Store.Services.List(ctx, store.ServiceFilter{Tags: []string{tag}, Order: store.ByServiceName, Limit: maxShown})
	if err != nil {
		return nil, err
	}
	made := &shown{Tag: tag, UpdatedAt: now, Services: []api.ServiceUptime{}}
	for _, s := range found {
		up, err := h.Store.Changes.Uptime(ctx, s.Service)
		if err != nil {
			return nil, err
		}
		made.Services, made.slugs = append(made.Services, up), append(made.slugs, s.Slug)
	}
	made.State = worst(made.Services)
	slot.State, slot.UpdatedAt, slot.Services, slot.slugs = made.State, made.UpdatedAt, made.Services, made.slugs
	return made, nil
}

// badness orders the states from the best to the worst.
var badness = []api.State{api.StateNew, api.StatePaused, api.StateUp, api.StateLate, api.StateDown}

// worst gives the state that a tag is in as a whole.
func worst(services []api.ServiceUptime) api.State {
	state := api.StateNew
	for _, s := range services {
		if slices.Index(badness, s.State) > slices.Index(badness, state) {
			state = s.State
		}
	}
	return state
}

// find gives a service by its name, or by its slug where only one has it.
func (s *shown) find(name string) *api.ServiceUptime {
	for i := range s.Services {
		if s.Services[i].Service == name {
			return &s.Services[i]
		}
	}
	if i := slices.Index(s.slugs, name); name != "" && i >= 0 && !slices.Contains(s.slugs[i+1:], name) {
		return &s.Services[i]
	}
	return nil
}

// form is what a path wants: the part before its suffix, and the suffix.
func form(r *http.Request, prefix string, suffixes ...string) (parts []string, suffix string, err error) {
	path := strings.TrimPrefix(r.URL.EscapedPath(), prefix)
	for _, s := range suffixes {
		if rest, found := strings.CutSuffix(path, s); found {
			path, suffix = rest, s
			break
		}
	}
	for part := range strings.SplitSeq(path, "/") {
		text, err := url.PathUnescape(part)
		if err != nil || text == "" {
			return nil, "", errNothing
		}
		parts = append(parts, text)
	}
	return parts, suffix, nil
}

func writeJSON(w http.ResponseWriter, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return write(w, "application/json", text)
}

func write(w http.ResponseWriter, mediaType string, text []byte) error {
	header := w.Header()
	header.Set("Content-Type", mediaType)
	header.Set("Cache-Control", "public, max-age=15")
	header.Set("Access-Control-Allow-Origin", "*")
	_, err := w.Write(text)
	return err
}
