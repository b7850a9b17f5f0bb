// Package ping serves ping URLs in the manner of Healthchecks: no credential beyond the URL, any method, plain text.
//
// Only the way in is here. What a signal does to a service is decided in package api.
package ping

import (
	"cmp"
	"context"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"watchkeeper/api"
	"watchkeeper/server/httpapi/web"
	"watchkeeper/server/service"
)

// Options is what the routes are made of.
type Options struct {
	Services *service.Services
	// CheckKey reports whether a ping key is ours, in constant time.
	CheckKey func(ctx context.Context, key string) (bool, error)
	// BodyLimit is how many bytes of a body are kept, told in a header.
	BodyLimit int
}

type routes struct{ Options }

// Routes adds the routes to a router: /ping/UUID and /ping/KEY/SLUG, each with /start, /fail, /log or an exit status.
func Routes(r chi.Router, o Options) {
	h := &routes{o}
	r.Handle("/ping/*", web.Handle(h.receive, Respond))
}

// Respond answers a ping that was not taken, in one line of text.
func Respond(w http.ResponseWriter, r *http.Request, p *api.Problem) {
	noCache(w)
	web.Plain(w, r, p)
}

func noCache(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-cache, no-store, must-revalidate")
	w.Header().Set("Access-Control-Allow-Origin", "*")
}

var (
	errNotFound  = api.Errorf(api.KindNotFound, "not found")
	errURL       = api.Errorf(api.KindMalformed, "invalid url format")
	errRID       = api.Errorf(api.KindMalformed, "invalid uuid format")
	keyOrSlug    = regexp.MustCompile(`^[-a-zA-Z0-9_]+$`)
	digits       = regexp.MustCompile(`^[0-9]+$`)
	canonicalID  = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	maxSlugError = api.Errorf(api.KindMalformed, "invalid url format: a slug has at most %d characters", api.MaxSlugLength)
)

// address is what the path of a ping says.
type address struct {
	id        string // of the service, or
	key, slug string
	action    string // "", start, fail, log or digits
}

// parse reads the path behind /ping/.
func parse(path string) (address, error) {
	parts := strings.Split(path, "/")
	byID := canonicalID.MatchString(parts[0])
	if byID && len(parts) == 2 && parts[1] == "" {
		parts = parts[:1]
	}
	switch {
	case byID && len(parts) == 1:
		return address{id: strings.ToLower(parts[0])}, nil
	case byID && len(parts) == 2 && isAction(parts[1]):
		return address{id: strings.ToLower(parts[0]), action: parts[1]}, nil
	case len(parts) < 2 || len(parts) > 3 || !keyOrSlug.MatchString(parts[0]) || !keyOrSlug.MatchString(parts[1]):
		return address{}, errNotFound
	case len(parts) == 3 && !isAction(parts[2]):
		return address{}, errNotFound
	case parts[1] != strings.ToLower(parts[1]):
		return address{}, errURL
	case len(parts[1]) > api.MaxSlugLength:
		return address{}, maxSlugError
	}
	a := address{key: parts[0], slug: parts[1]}
	if len(parts) == 3 {
		a.action = parts[2]
	}
	return a, nil
}

func isAction(s string) bool {
	return s == "start" || s == "fail" || s == "log" || digits.MatchString(s)
}

// receive takes a ping.
func (h *routes) receive(w http.ResponseWriter, r *http.Request) error {
	to, err := parse(strings.TrimPrefix(r.URL.Path, "/ping/"))
	if err != nil {
		return err
	}
	sign, err := h.find(r, to)
	if err != nil {
		return err
	}
	if err := cmp.Or(signal(&sign, to.action), query(&sign, r)); err != nil {
		return h.orUnknown(r, sign, err)
	}
	body, err := web.ReadPrefix(r, int64(h.BodyLimit))
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
	if api.KindOf(err) == api.KindNotFound {
		return errNotFound
	}
	if err != nil {
		return err
	}
	noCache(w)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Ping-Body-Limit", strconv.Itoa(h.BodyLimit))
	status, text := http.StatusOK, "OK"
	if result.Created {
		status, text = http.StatusCreated, "Created"
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(text))
	}
	return nil
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
	switch {
	case err == nil:
		return service.Sign{ID: id}, nil
	case api.KindOf(err) != api.KindNotFound || r.URL.Query().Get("create") != "1":
		return service.Sign{}, err
	}
	return service.Sign{Name: to.slug, Create: &api.ServiceSettings{
		Name: to.slug, Slug: to.slug, NextIn: createdPeriod, Grace: createdGrace,
	}}, nil
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

// A service that a ping makes is expected daily.
const (
	createdPeriod = api.Seconds(24 * 3600)
	createdGrace  = api.Seconds(3600)
)

func signal(sign *service.Sign, action string) error {
	switch action {
	case "":
		sign.Kind = api.PulseSuccess
	case "start", "fail", "log":
		sign.Kind = api.PulseKind(action)
	default:
		code, err := strconv.Atoi(action)
		if err != nil || code > api.MaxExitCode {
			return errURL
		}
		sign.Kind, sign.ExitCode = api.PulseSuccess, &code
	}
	return nil
}

// query reads rid and nextIn; the latter may be a header as well, for clients that cannot change the URL.
func query(sign *service.Sign, r *http.Request) error {
	if r.URL.RawQuery == "" && r.Header["Nextin"] == nil {
		return nil
	}
	params := r.URL.Query()
	if params.Has("rid") {
		rid, err := uuid.Parse(params.Get("rid"))
		if err != nil || !canonicalID.MatchString(params.Get("rid")) {
			return errRID
		}
		sign.RID = rid.String()
	}
	nextIn := params.Get("nextIn")
	if nextIn == "" {
		nextIn = r.Header.Get("nextIn")
	}
	if nextIn == "" {
		return nil
	}
	n, err := strconv.ParseInt(nextIn, 10, 64)
	if err != nil || n < 1 || n > int64(api.MaxSeconds) {
		return api.Errorf(api.KindMalformed, "nextIn must be 1 to %d seconds (ten years)", api.MaxSeconds)
	}
	sign.NextIn = api.Seconds(n)
	return nil
}
