package v1

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"watchkeeper/api"
)

// documentVersion is the version of the interface, which changes when what clients rely on does. That of the program is
// in GET /api/v1/status.
const documentVersion = "1"

// group is a heading of the document.
type group string

// The headings, in the order of the page.
const (
	groupServices   group = "Services"
	groupPulses     group = "Pulses"
	groupEvents     group = "Events"
	groupAlerts     group = "Alerts"
	groupQuiet      group = "Silences and maintenance"
	groupRoutes     group = "Routes"
	groupChannels   group = "Channels"
	groupAccess     group = "Access"
	groupServer     group = "Server"
	groupPings      group = "Ping URLs"
	groupWatchTower group = "watchTower"
)

var groups = []*huma.Tag{
	{Name: string(groupServices), Description: "Things that pulse, and where each of them stands."},
	{Name: string(groupPulses), Description: "Signs of life, sent with a credential. Ping URLs take them without one."},
	{Name: string(groupEvents), Description: "What services say, and what Watchkeeper writes of every change of state."},
	{Name: string(groupAlerts), Description: "An incident lasts from the change that opened it to the one that closed it; " +
		"a delivery is one message about it to one target."},
	{Name: string(groupQuiet), Description: "When nobody is told of what matches, though states and incidents go on."},
	{Name: string(groupRoutes), Description: "Who is told of what no service names targets of its own for: the first route " +
		"that matches, and those behind it while each one taken says `continue`. What none matches goes to the default route."},
	{Name: string(groupChannels), Description: "Where alerts go, under a name."},
	{Name: string(groupAccess), Description: "Tokens, and the key of ping URLs."},
	{Name: string(groupServer), Description: "The server itself."},
	{Name: string(groupPings), Description: "For cron lines and scripts: whoever knows the URL may ping. Answers are one " +
		"line of text, and nothing but the URL is needed."},
	{Name: string(groupWatchTower), Description: "What clients of watchTower speak. The HTTP status is 200 and the outcome " +
		"is the number in `result`: 200, 403 (password) or 500 (refused, `hint` says why)."},
}

const preamble = `Everything that the server can be asked over HTTP.

**Times** in answers are RFC 3339 in UTC with milliseconds, null where there is none. In requests they may also be Unix
seconds, with or without a fraction. Lengths of time are whole seconds.

**Lists** answer ` + "`{\"items\": [...], \"next\": \"...\"}`" + ` and take ` + "`limit`" + ` (default 100; more than 1000 is
cut) and ` + "`cursor`" + `. To get the next page, repeat the request with the value of ` + "`next`" + ` as ` + "`cursor`" + `; the last
page has none. A page may hold fewer items than asked for, even none, and still have a next one. A cursor of another
generation, as after a restore, answers 410: start again.

**Success means stored.** A status of 2xx is sent after what it acknowledges is on disk. 503 with ` + "`Retry-After`" + ` means
that nothing was stored, or that nobody can tell; try again.

**Errors** are problems in the form of RFC 9457. What cannot be parsed is 400, what parses and breaks a rule is 422; both
list each field in ` + "`errors`" + ` with its ` + "`location`" + `, such as ` + "`body.next_in`" + `, ` + "`body[3].level`" + ` or
` + "`query.limit`" + `. Members and parameters that a route does not know are refused, since most of them are slips of the pen.

**Credentials**: the password in the header ` + "`password`" + `, or a token there, as ` + "`Authorization: Bearer`" + ` or as the
password of basic authentication. A token has scopes, and may have a pattern of the names that it reaches: what is outside
is not listed, 404 when read and 403 when written. ` + "`operate`" + ` includes ` + "`read`" + `, ` + "`admin`" + ` includes everything,
and so does the password.`

// document is the OpenAPI document while the routes are added to it.
type document struct {
	router    chi.Router
	api       *huma.OpenAPI
	typed     huma.API // makes routes and describes them
	described huma.API // only describes them
}

func newDocument(r chi.Router, h *routes) *document {
	o := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Watchkeeper", Version: documentVersion, Description: preamble,
			License: &huma.License{Name: "Apache License 2.0", Identifier: "Apache-2.0"},
		},
		Servers:    []*huma.Server{{URL: "/"}},
		Tags:       groups,
		Components: &huma.Components{Schemas: newRegistry(), SecuritySchemes: securitySchemes()},
	}
	o.Components.Responses = refusals(o.Components.Schemas)
	format := huma.Format{Marshal: writeJSON, Unmarshal: json.Unmarshal}
	// Huma's own page loads scripts of others, and its routes and links for schemas nobody needs: none is switched on.
	config := huma.Config{
		OpenAPI: o, DefaultFormat: "application/json", Transformers: []huma.Transformer{keepRefusal},
		Formats: map[string]huma.Format{"application/json": format, "json": format}, // the latter stands for all +json
	}
	return &document{
		router: r, api: o,
		typed:     huma.NewAPI(config, adapter{router: r, routes: h}),
		described: huma.NewAPI(config, silent{r}),
	}
}

// silent is the adapter of routes that are described but made by somebody else.
type silent struct{ http.Handler }

func (silent) Handle(*huma.Operation, func(huma.Context)) {}

func writeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// finish gives the document as JSON. After that no route may be added.
func (d *document) finish() ([]byte, error) {
	polish(d.api)
	text, err := json.MarshalIndent(d.api, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the OpenAPI document: %w", err)
	}
	return append(text, '\n'), nil
}

func securitySchemes() map[string]*huma.SecurityScheme {
	return map[string]*huma.SecurityScheme{
		"password": {
			Type: "apiKey", In: "header", Name: "password", Description: "The password of the installation, or a token.",
		},
		"bearer": {Type: "http", Scheme: "bearer", Description: "A token, as `Authorization: Bearer TOKEN`."},
		"basic": {
			Type: "http", Scheme: "basic", Description: "A token or the password as password; the user does not matter.",
		},
	}
}

// security names each way to show a credential, and what it has to be good for; an empty scope means none is needed.
func security(scope api.Scope) []map[string][]string {
	if scope == "" {
		return []map[string][]string{}
	}
	scopes := []string{string(scope)}
	return []map[string][]string{{"password": scopes}, {"bearer": scopes}, {"basic": scopes}}
}

// refusalTexts says what each kind of error means to a client.
var refusalTexts = map[api.ErrorKind]string{
	api.KindMalformed:    "The request cannot be parsed.",
	api.KindUnauthorized: "No credential, or a wrong one.",
	api.KindForbidden:    "The credential lacks the scope, or its pattern does not reach the name.",
	api.KindNotFound:     "There is no such thing, or the credential cannot see it.",
	api.KindTimeout:      "The body arrived too slowly.",
	api.KindMethod:       "The path is there, but not with this method; `Allow` names those it has.",
	api.KindConflict:     "It exists already, or is in a state that forbids this.",
	api.KindGone:         "The cursor or position belongs to another generation of the installation. Start again.",
	api.KindTooLarge:     "The body is too large, also after decompression.",
	api.KindMediaType:    "The content type or encoding of the body is not understood.",
	api.KindInvalid:      "The request was parsed and breaks a rule; `errors` says which.",
	api.KindTooMany:      "Too many wrong credentials from this address.",
	api.KindInternal:     "The server failed. Its log tells more under `request_id`.",
	api.KindUnavailable:  "It cannot be done now. Nothing is known to be stored; try again.",
}

// refusals are the answers that many routes share, one for each kind of error.
func refusals(registry huma.Registry) map[string]*huma.Response {
	problem := registry.Schema(reflect.TypeFor[api.Problem](), true, "")
	retry := &huma.Header{
		Description: "seconds to wait before the next try", Schema: &huma.Schema{Type: huma.TypeInteger},
	}
	out := map[string]*huma.Response{}
	for kind, about := range refusalTexts {
		r := &huma.Response{
			Description: about,
			Content: map[string]*huma.MediaType{api.ProblemMediaType: {
				Schema: problem, Example: exampleProblem(kind),
			}},
		}
		if kind == api.KindTooMany || kind == api.KindUnavailable {
			r.Headers = map[string]*huma.Header{"Retry-After": retry}
		}
		out[string(kind)] = r
	}
	return out
}

func exampleProblem(kind api.ErrorKind) *api.Problem {
	p := api.ProblemOf(api.Errorf(kind, "what went wrong, for people"))
	p.RequestID = "8f3k2m1q-00000042"
	if kind == api.KindInvalid {
		p.Detail = "validation failed"
		p.Errors = []api.FieldError{{Location: "body.next_in", Message: "must be 1 to 315360000 seconds (ten years)"}}
	}
	return p
}

// serveJSON answers with a document that depends on nothing but the program.
func (h *routes) serveJSON(document []byte) func(http.ResponseWriter, *http.Request) error {
	sum := sha256.Sum256(document)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return func(w http.ResponseWriter, r *http.Request) error {
		if _, err := h.allow(r, api.ScopeRead); err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(document)))
		if r.Method != http.MethodHead {
			_, _ = w.Write(document) // the client is gone: there is nobody to tell
		}
		return nil
	}
}
