package v1

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"watchkeeper/api"
	"watchkeeper/server/auth"
	"watchkeeper/server/httpapi/web"
)

// maxBody is for the bodies of typed routes. The largest is a service with a description and all its targets.
const maxBody = 256 << 10

// adapter gives huma's operations routes of our house: who may is decided first, the body comes in within our limits,
// and whatever goes wrong leaves through web.Problems, which counts and logs it, instead of in huma's words.
type adapter struct {
	router chi.Router
	routes *routes
}

// Handle adds the route of an operation.
func (a adapter) Handle(op *huma.Operation, serve func(huma.Context)) {
	a.router.MethodFunc(op.Method, op.Path, web.Handle(func(w http.ResponseWriter, r *http.Request) error {
		c := &call{humaContext: humachi.NewContext(op, r, w), request: r}
		if err := a.routes.open(c, op); err != nil {
			return err
		}
		defer c.body.Release()
		serve(c)
		return c.refused
	}, web.Problems))
}

// ServeHTTP is what huma's own tests use.
func (a adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.router.ServeHTTP(w, r) }

// humaContext lends what is embedded a name that leaves Context to the method.
type humaContext = huma.Context

// call is one request to a typed route on its way through huma.
type call struct {
	humaContext
	request *http.Request
	who     auth.Principal
	query   url.Values
	body    *web.Body
	refused error // why the request was not done; once it is set nothing that huma writes reaches the client
}

// open lets a request in: it has a credential that may do this, parameters that the route knows and a body that fits.
func (h *routes) open(c *call, op *huma.Operation) error {
	extra, _ := op.Metadata[operationKey].(*operation)
	who, err := h.allow(c.request, extra.scope)
	if err != nil {
		return err
	}
	if extra.reach == wholeReach && who.Match != "" {
		return errPattern
	}
	c.who = who
	if c.query, err = url.ParseQuery(c.request.URL.RawQuery); err != nil {
		return malformed("query", "has a character that is not escaped as it should be")
	}
	if err := checkQuery(c.query, op.Parameters); err != nil {
		return err
	}
	if op.RequestBody == nil {
		return nil
	}
	if c.body, err = web.ReadBody(c.request, maxBody); err != nil {
		return err
	}
	c.body.Data = web.EscapeInvalid(c.body.Data)
	if err := extra.checkBody(web.MediaType(c.request), c.body.Data); err != nil {
		c.body.Release()
		return err
	}
	return nil
}

var errPattern = api.Errorf(api.KindForbidden, "this needs a credential without a pattern of names")

// checkQuery refuses parameters that the route does not have: a filter with a slip of the pen would find everything.
func checkQuery(query url.Values, known []*huma.Param) error {
	var wrong api.Fields
names:
	for name := range query {
		for _, p := range known {
			if p.In == "query" && p.Name == name {
				continue names
			}
		}
		wrong.Add("query."+api.CleanText(api.CutText(name, 64)), "is not known here")
	}
	return wrong.Err()
}

// Context gives the request's context, in which the handler finds the call.
func (c *call) Context() context.Context { return callContext{c.humaContext.Context(), c} }

type callContext struct {
	context.Context
	call *call
}

// extend gives the request of a handler, which waits for somebody else, d from now until its answer is written.
func extend(ctx context.Context, d time.Duration) {
	if c, is := ctx.(callContext); is {
		_, w := humachi.Unwrap(c.call.humaContext)
		web.Extend(w, d)
	}
}

// Param gives a part of the path. The router matches the path as it was sent where that is escaped, so that a name may
// have slashes in it.
func (c *call) Param(name string) string { return pathParam(c.request, name) }

// Query gives the first value of a parameter.
func (c *call) Query(name string) string { return c.query.Get(name) }

// URL gives the address that was asked for.
func (c *call) URL() url.URL { return *c.request.URL }

// Header gives a header. The type of the body has been looked at, and what else is sent is taken for JSON.
func (c *call) Header(name string) string {
	if name == "Content-Type" {
		return "application/json"
	}
	return c.request.Header.Get(name)
}

// BodyReader gives the body, which is here already.
func (c *call) BodyReader() io.Reader {
	if c.body == nil {
		return http.NoBody
	}
	return bytes.NewReader(c.body.Data)
}

// SetReadDeadline does nothing: the body is here already, and the answer may take its time.
func (c *call) SetReadDeadline(time.Time) error { return nil }

// SetStatus begins the answer, unless there is none.
func (c *call) SetStatus(code int) {
	if c.refused == nil {
		c.humaContext.SetStatus(code)
	}
}

// BodyWriter gives where the answer goes.
func (c *call) BodyWriter() io.Writer {
	if c.refused != nil {
		return io.Discard
	}
	return c.humaContext.BodyWriter()
}

// errRefused stands for call.refused on its way through huma, which would put any other error into words of its own.
var errRefused huma.StatusError = refusedError{}

type refusedError struct{}

func (refusedError) Error() string  { return "refused" }
func (refusedError) GetStatus() int { return http.StatusInternalServerError }

// keepRefusal is the transformer through which every answer of huma goes. What it says itself of a request, before our
// handler is asked, becomes an error like all others.
func keepRefusal(ctx huma.Context, _ string, v any) (any, error) {
	c, ok := ctx.(*call)
	if !ok || c.refused != nil {
		return v, nil
	}
	var known *huma.ErrorModel
	if err, failed := v.(error); failed && errors.As(err, &known) {
		e := &api.Error{Kind: api.KindOfStatus(known.Status), Message: known.Detail}
		for _, d := range known.Errors {
			e.Fields = append(e.Fields, api.FieldError{Location: d.Location, Message: d.Message})
		}
		c.refused = e
	}
	return v, nil
}

// allow gives who asks when their credential reaches far enough.
func (h *routes) allow(r *http.Request, scope api.Scope) (auth.Principal, error) {
	who, err := h.Authenticate(r)
	if err != nil {
		return auth.Principal{}, err
	}
	return who, who.Require(scope)
}

// pathParam gives a part of the path without its escapes.
func pathParam(r *http.Request, name string) string {
	value := chi.URLParam(r, name)
	if r.URL.RawPath == "" {
		return value
	}
	plain, err := url.PathUnescape(value)
	if err != nil { // net/url has unescaped the whole path before
		return value
	}
	return plain
}

func malformed(location, reason string) error {
	return &api.Error{
		Kind: api.KindMalformed, Message: "the request cannot be parsed",
		Fields: []api.FieldError{{Location: location, Message: reason}},
	}
}
