package watchtower

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/httpapi/web"
)

// The outcomes that clients know. The HTTP status beside them is 200, save for what they may repeat later.
const (
	resultOK      = 200
	resultRefused = 403
	resultFailed  = 500
)

// outcome is an answer that says no more than how it went.
type outcome struct {
	Hint   string `json:"hint,omitempty"`
	Result int    `json:"result"`
}

func answer(w http.ResponseWriter, r *http.Request, v any) error {
	return web.WriteJSON(w, r, http.StatusOK, v)
}

// Respond answers a request that was not done: refused credentials without a word more; what failed for our own reasons
// with HTTP 503, so that clients which look at the status repeat it; everything else with a hint.
func Respond(w http.ResponseWriter, r *http.Request, p *api.Problem) {
	status, out := http.StatusOK, outcome{Result: resultFailed, Hint: hint(p)}
	switch p.Code {
	case api.KindUnauthorized, api.KindForbidden, api.KindTooMany:
		out = outcome{Result: resultRefused}
	case api.KindUnavailable, api.KindInternal:
		status = http.StatusServiceUnavailable
		web.SetRetryAfter(w, cmp.Or(p.RetryAfter, time.Second))
	}
	_ = web.WriteJSON(w, r, status, out) // numbers and text can always be written
}

// hint says in one line what is wrong: the first field's rule where there is one.
func hint(p *api.Problem) string {
	text := p.Detail
	if len(p.Errors) > 0 {
		text = p.Errors[0].Message
		if at := p.Errors[0].Location; at != "" {
			text = strings.TrimPrefix(at, "body.") + " " + text
		}
	}
	return strings.ReplaceAll(text, "\n", "////")
}

// failed is a request that breaks a rule, with the hint that clients know.
func failed(hint string) error { return api.Errorf(api.KindInvalid, "%s", hint) }
