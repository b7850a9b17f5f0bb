package web

import (
	"net/http"
	"sync/atomic"

	"watchkeeper/api"
)

// InFlight lets at most limit requests through at a time and answers the others at once with 503 and Retry-After: a
// short answer now is worth more to a client than a long wait. Streams and long polls need a limit of their own.
func InFlight(limit int, respond Responder) func(http.Handler) http.Handler {
	var under atomic.Int64
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer under.Add(-1)
			if under.Add(1) > int64(limit) {
				Respond(w, r, api.Errorf(api.KindUnavailable, "too many requests at once; try again"), respond)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
