package web

import (
	"net/http"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"

	"watchkeeper/api"
)

// NotFound is what a router answers to a path that it does not have.
func NotFound(respond Responder) http.HandlerFunc {
	return Handle(func(http.ResponseWriter, *http.Request) error {
		return api.Errorf(api.KindNotFound, "there is nothing at this path")
	}, respond)
}

// MethodNotAllowed is what a router answers to a path that it has for other methods only; the header Allow names them.
// OPTIONS is answered with the same header and no complaint.
func MethodNotAllowed(respond Responder) http.HandlerFunc {
	return Handle(func(w http.ResponseWriter, r *http.Request) error {
		allowed := allowedMethods(r)
		if len(allowed) == 0 {
			// chi brings every unknown method here, whatever the path.
			return api.Errorf(api.KindNotFound, "there is nothing at this path")
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return nil
		}
		return api.Errorf(api.KindMethod, "this path takes %s", strings.Join(allowed, ", "))
	}, respond)
}

// routeTable knows which methods a path has. It is a copy of the router without its mounted parts, made when it is first
// asked for: chi keeps to itself what it found, and its Match takes the place where a part is mounted for every method.
type routeTable struct {
	router chi.Routes
	once   sync.Once
	flat   *chi.Mux
}

func (t *routeTable) build() {
	t.flat = chi.NewRouter()
	none := func(http.ResponseWriter, *http.Request) {}
	// The function never fails, so neither does the walk.
	_ = chi.Walk(t.router, func(method, pattern string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		t.flat.MethodFunc(method, pattern, none)
		if trimmed := strings.TrimSuffix(pattern, "/"); trimmed != "" {
			t.flat.MethodFunc(method, trimmed, none)
		}
		return nil
	})
}

func allowedMethods(r *http.Request) []string {
	x := exchangeOf(r.Context())
	if x == nil {
		return nil
	}
	table := &x.floor.routes
	table.once.Do(table.build)
	path := r.URL.RawPath
	if path == "" {
		path = r.URL.Path
	}
	var allowed []string
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
		// HEAD has no route of its own: the router gives it to that of GET.
		if table.flat.Match(chi.NewRouteContext(), strings.Replace(method, http.MethodHead, http.MethodGet, 1), path) {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) > 0 {
		allowed = append(allowed, http.MethodOptions)
	}
	return allowed
}
