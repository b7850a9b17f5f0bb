package v1

import (
	"context"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"watchkeeper/api"
	"watchkeeper/server/auth"
	"watchkeeper/server/httpapi/web"
)

// operation is what the document says of a route beside what the Go types of its handler say.
type operation struct {
	id      string // camelCase, unique
	method  string
	path    string
	group   group
	summary string
	about   string    // what a client has to know; sentences
	scope   api.Scope // that a credential needs
	reach   reach     // of its pattern, that a credential needs
	status  int       // of success, where it is neither 200 nor, without an answer, 204
	also    int       // another status of success, with the same answer
	refuses []api.ErrorKind
	example any // of the body
	answers any // an example of the answer

	// For routes whose body or answer no Go type describes.
	body   *huma.RequestBody
	answer *huma.Response

	bodyType reflect.Type
}

// reach is how far a credential has to reach.
type reach string

const (
	anyReach   reach = ""      // the names that it reaches are what it sees
	wholeReach reach = "whole" // it may have no pattern, as what the route does concerns more than names
)

// operationKey is where huma keeps our operation with its own.
const operationKey = "operation"

// answer is what a typed handler returns.
type answer[T any] struct{ Body T }

// newAnswer is the answer of a handler that has nothing to say beside a value.
func newAnswer[T any](v T) *answer[T] { return &answer[T]{v} }

// answering is the answer of a feature that gave a value or an error.
func answering[T any](v T, err error) (*answer[T], error) {
	if err != nil {
		return nil, err
	}
	return newAnswer(v), nil
}

// made is the answer of a handler that made something, or found it made.
type made[T any] struct {
	Status   int
	Location string `header:"Location" doc:"path of what was made"`
	Body     T
}

// making is the answer of a feature that made something, which is at a path from now on, or gave an error.
func making[T any](path string, v T, err error) (*made[T], error) {
	if err != nil {
		return nil, err
	}
	return &made[T]{Status: http.StatusCreated, Location: path, Body: v}, nil
}

// handler is a typed route: in has the parameters and the body, out the headers and the body of the answer.
type handler[In, Out any] func(ctx context.Context, who auth.Principal, in *In) (*Out, error)

// add makes a typed route. In and Out are described in the document, decoded and encoded by huma; what breaks a rule is
// for the handler to find out, with the rules of package api.
func add[In, Out any](d *document, op operation, h handler[In, Out]) {
	op.bodyType = bodyTypeOf[In]()
	huma.Register(d.typed, op.describe(), func(ctx context.Context, in *In) (*Out, error) {
		c := ctx.(callContext).call
		out, err := h(ctx, c.who, in)
		if err != nil {
			c.refused = err
			return nil, errRefused
		}
		return out, nil
	})
}

// addPlain makes a route whose handler reads and writes by itself, and describes it in the same way.
func addPlain[In, Out any](d *document, op operation, h web.Handler) {
	op.bodyType = bodyTypeOf[In]()
	huma.Register(d.described, op.describe(), func(context.Context, *In) (*Out, error) { return nil, nil })
	d.router.MethodFunc(op.method, op.path, web.Handle(h, web.Problems))
}

// bodyTypeOf gives the type of the body of a request, nil where it has none.
func bodyTypeOf[In any]() reflect.Type {
	if body, has := reflect.TypeFor[In]().FieldByName("Body"); has {
		return body.Type
	}
	return nil
}

// describe gives the operation as huma knows it. Parameters and bodies are taken from the Go types, but never checked
// against what the document says of them: the rules are in package api.
func (op *operation) describe() huma.Operation {
	about := op.about
	if about != "" {
		about += "\n\n"
	}
	out := huma.Operation{
		OperationID: op.id, Method: op.method, Path: op.path, Tags: []string{string(op.group)},
		Summary: op.summary, Description: about + op.needs(),
		DefaultStatus: op.status, MaxBodyBytes: -1, SkipValidateParams: true, SkipValidateBody: true,
		RequestBody: op.body, Responses: op.responses(), Security: security(op.scope),
		Metadata: map[string]any{operationKey: op},
	}
	if op.bodyType != nil || op.body != nil {
		if out.RequestBody == nil {
			out.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {}}}
		}
		if op.example != nil {
			out.RequestBody.Content["application/json"].Example = op.example
		}
	}
	return out
}

// needs says what a credential has to be good for.
func (op *operation) needs() string {
	text := "Needs the scope `" + string(op.scope) + "`"
	if op.reach == wholeReach {
		text += ", of a credential without a pattern"
	}
	return text + "."
}

// responses gives the answer, where it is more than its type, and every refusal.
func (op *operation) responses() map[string]*huma.Response {
	out := map[string]*huma.Response{}
	status := strconv.Itoa(op.successStatus())
	switch {
	case op.answer != nil:
		out[status] = op.answer
	case op.answers != nil:
		out[status] = &huma.Response{Content: map[string]*huma.MediaType{"application/json": {Example: op.answers}}}
	}
	refuses := append([]api.ErrorKind{api.KindMalformed, api.KindInvalid}, op.refuses...)
	if op.scope != "" {
		refuses = append(refuses, api.KindUnauthorized, api.KindForbidden)
	}
	refuses = append(refuses, api.KindTooMany, api.KindInternal, api.KindUnavailable)
	if op.bodyType != nil || op.body != nil {
		refuses = append(refuses, bodyRefusals...)
	}
	for _, kind := range refuses {
		out[strconv.Itoa(kind.Status())] = &huma.Response{Ref: "#/components/responses/" + string(kind)}
	}
	return out
}

func (op *operation) successStatus() int {
	if op.status == 0 {
		return http.StatusOK
	}
	return op.status
}

// bodyRefusals are what any body may bring about.
var bodyRefusals = []api.ErrorKind{api.KindTimeout, api.KindTooLarge, api.KindMediaType}

// checkBody finds what does not fit the type of the body, in our words and with every place named. Huma decodes it after
// that and has nothing left to say.
func (op *operation) checkBody(mediaType string, data []byte) error {
	if len(data) == 0 {
		if op.bodyType.Kind() == reflect.Pointer {
			return nil
		}
		return malformed("body", "is empty")
	}
	if err := web.RequireJSON(mediaType); err != nil {
		return err
	}
	return web.DecodeJSON(data, reflect.New(op.bodyType).Interface(), web.Decoding{Unknown: web.RefuseUnknown})
}
