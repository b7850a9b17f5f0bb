package watchtower

import (
	"net/http"
	"strings"

	"watchkeeper/api"
	"watchkeeper/server/httpapi/web"
)

// The outcomes that clients know. The HTTP status beside them is 200, save for what they may repeat later.
const (
	resultOK      = 200
	resultRefused = 403
	resultFailed  = 500
)

// refusal is how a request that was not done is answered.
type refusal struct {
	Hint   string `json:"hint,omitempty"`
	Result int    `json:"result"`
}

// Respond answers a request that was not done: refused credentials without a word more, what could not be stored with
// HTTP 503 so that clients which look at the status repeat it, unknown paths and methods with their HTTP status, and
// everything else with result 500 and a hint.
func Respond(w http.ResponseWriter, r *http.Request, p *api.Problem) {
	status, out := http.StatusOK, refusal{Result: resultFailed, Hint: hint(p)}
	switch p.Code {
	case api.KindUnauthorized, api.KindForbidden, api.KindTooMany:
		out = refusal{Result: resultRefused}
	case api.KindUnavailable, api.KindInternal:
		status = http.StatusServiceUnavailable
		web.SetRetryAfter(w, p.RetryAfter)
		if p.RetryAfter == 0 {
			w.Header().Set("Retry-After", "1")
		}
	case api.KindMethod:
		status = http.StatusMethodNotAllowed
	}
	_ = web.WriteJSON(w, r, status, out)
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

func answer(w http.ResponseWriter, r *http.Request, v any) error {
	return web.WriteJSON(w, r, http.StatusOK, v)
}

// failed is a request that breaks a rule, with the hint that clients know.
func failed(hint string) error { return api.Errorf(api.KindInvalid, "%s", hint) }
