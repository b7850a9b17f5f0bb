// Package ping serves ping URLs in the manner of Healthchecks: no credential beyond the URL, any method, plain text.
//
// Only the way in is here. What a signal does to a service is decided in package api.
package ping

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"watchkeeper/api"
	"watchkeeper/server/httpapi/web"
	"watchkeeper/server/service"
)

// Options is what the routes are made of.
type Options struct {
	Services *service.Services
	// CheckKey reports whether a ping key is ours, in constant time.
	CheckKey func(ctx context.Context, key string) (bool, error)
	// BodyLimit is how many bytes of a body are kept; 0 names no limit. See KeptBody.
	BodyLimit int
}

type routes struct{ Options }

const prefix = "/ping/"

// Routes adds the routes to a router: /ping/UUID and /ping/KEY/SLUG, each with /start, /fail, /log or an exit status.
func Routes(r chi.Router, o Options) {
	h := &routes{o}
	r.Handle(prefix+"*", web.Handle(h.receive, web.Plain))
}

// AnyMethod lets pings with methods that the router does not know reach their route. It has to stand before the routing.
func AnyMethod(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, prefix) {
			chi.RouteContext(r.Context()).RouteMethod = http.MethodPost
		}
		next.ServeHTTP(w, r)
	})
}

// maxBody bounds what is kept of a body where the settings name no bound.
const maxBody = 1 << 20

// KeptBody gives how many bytes of a body are kept under a limit of the settings, of which 0 means none.
func KeptBody(limit int) int {
	if limit == 0 {
		return maxBody
	}
	return min(limit, maxBody)
}

// A service that a ping makes is expected daily.
const (
	createdPeriod = api.Seconds(24 * 3600)
	createdGrace  = api.Seconds(3600)
)

var errNotFound = api.Errorf(api.KindNotFound, "not found")

// receive takes a ping.
func (h *routes) receive(w http.ResponseWriter, r *http.Request) error {
	to, err := parseAddress(strings.TrimPrefix(r.URL.Path, prefix))
	if err != nil {
		return err
	}
	sign, err := h.find(r, to)
	if err != nil {
		return err
	}
	if err := cmp.Or(readAction(&sign, to.action), readQuery(&sign, r)); err != nil {
		return h.orUnknown(r, sign, err)
	}
	body, err := web.ReadPrefix(r, int64(KeptBody(h.BodyLimit)))
	if err != nil {
		return err
	}
	defer body.Release()
	sign.Body = body.Data
	sign.Scheme, sign.Method, sign.UserAgent = web.Scheme(r.Context()), r.Method, r.UserAgent()
	if a := web.ClientAddress(r.Context()); a.IsValid() {
		sign.RemoteAddress = a.String()
	}
	result, err := h.Services.Pulse(sign)
	switch {
	case api.KindOf(err) == api.KindNotFound:
		return errNotFound
	case err != nil:
		return err
	case result.Created:
		h.answer(w, r, http.StatusCreated, "Created")
	default:
		h.answer(w, r, http.StatusOK, "OK")
	}
	return nil
}

func (h *routes) answer(w http.ResponseWriter, r *http.Request, status int, text string) {
	header := w.Header()
	header.Set("Cache-Control", "no-cache, no-store, must-revalidate")
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(text)))
	if h.BodyLimit > 0 {
		header.Set("Ping-Body-Limit", strconv.Itoa(KeptBody(h.BodyLimit)))
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(text)) // the client is gone: there is nobody to tell
	}
}

// find gives a signal to the service that the path names, or one that makes it.
func (h *routes) find(r *http.Request, to address) (service.Sign, error) {
	if to.id != "" {
		return service.Sign{ID: to.id}, nil // whether there is one shows when the pulse is stored
	}
	ours, err := h.CheckKey(r.Context(), to.key)
	if err != nil {
		return service.Sign{}, err
	}
	if !ours {
		return service.Sign{}, errNotFound
	}
	id, err := h.Services.FindSlug(r.Context(), to.slug)
	if api.KindOf(err) == api.KindNotFound && r.URL.Query().Get("create") == "1" {
		return service.Sign{Name: to.slug, Create: &api.ServiceSettings{
			Name: to.slug, Slug: to.slug, NextIn: createdPeriod, Grace: createdGrace,
		}}, nil
	}
	return service.Sign{ID: id}, err
}

// orUnknown gives the error of a bad signal, or that the service is not known, which comes first.
func (h *routes) orUnknown(r *http.Request, sign service.Sign, bad error) error {
	if sign.ID == "" {
		return bad
	}
	if _, err := h.Services.Store.Services.Get(r.Context(), sign.ID); api.KindOf(err) == api.KindNotFound {
		return errNotFound
	}
	return bad
}
