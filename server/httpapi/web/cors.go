package web

import (
	"net/http"
)

// maxPreflightHeaders bounds what a preflight may have repeated to it.
const maxPreflightHeaders = 1000

const (
	corsMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
	corsHeaders = "password, authorization, content-type"
	corsExposed = "X-Request-Id, Retry-After, Ping-Body-Limit"
	corsMaxAge  = "86400"
)

// CORS lets pages of any origin use the routes behind it, and answers their preflights. That is safe for routes that take
// their credential from a header only: browsers send no cookies to an origin named "*".
//
// It has to stand before the routing (as a middleware of a router itself, not of a group), since no route is registered
// for OPTIONS, and so that refusals of unknown paths carry the header too.
func CORS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Access-Control-Allow-Origin"] = anyOrigin
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", corsMethods)
			h.Set("Access-Control-Allow-Headers", preflightHeaders(r))
			h.Set("Access-Control-Max-Age", corsMaxAge)
			h.Set("Content-Length", "0")
			w.WriteHeader(http.StatusOK)
			return
		}
		if r.Header.Get("Origin") != "" {
			h.Set("Access-Control-Expose-Headers", corsExposed)
		}
		next.ServeHTTP(w, r)
	})
}

var anyOrigin = []string{"*"}

// preflightHeaders repeats the headers that a page asks for, where they can be names of headers.
func preflightHeaders(r *http.Request) string {
	asked := r.Header.Get("Access-Control-Request-Headers")
	if asked == "" || len(asked) > maxPreflightHeaders {
		return corsHeaders
	}
	for i := range len(asked) {
		switch c := asked[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == ',', c == ' ':
		default:
			return corsHeaders
		}
	}
	return asked
}
