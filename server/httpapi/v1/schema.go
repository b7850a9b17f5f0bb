package v1

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"watchkeeper/api"
)

// newRegistry makes the schemas of the document. Types of package api that write themselves are described here, since
// that package knows nothing of the document.
func newRegistry() huma.Registry {
	r := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	r.RegisterTypeAlias(reflect.TypeFor[api.Time](), reflect.TypeFor[timeSchema]())
	r.RegisterTypeAlias(reflect.TypeFor[api.Level](), reflect.TypeFor[levelSchema]())
	r.RegisterTypeAlias(reflect.TypeFor[api.Seconds](), reflect.TypeFor[secondsSchema]())
	r.RegisterTypeAlias(reflect.TypeFor[api.Matchers](), reflect.TypeFor[matchersSchema]())
	r.RegisterTypeAlias(reflect.TypeFor[api.ErrorKind](), reflect.TypeFor[kindSchema]())
	r.RegisterTypeAlias(reflect.TypeFor[json.RawMessage](), reflect.TypeFor[objectSchema]())
	// Huma describes its own model of errors for each operation; ours stands in its place.
	r.RegisterTypeAlias(reflect.TypeFor[huma.ErrorModel](), reflect.TypeFor[api.Problem]())
	return r
}

// The formats by which polish knows what requests may write in more than one way.
const (
	formatTime  = "date-time"
	formatLevel = "level"
)

type timeSchema struct{}

func (timeSchema) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, Format: formatTime, Nullable: true, Examples: []any{"2026-01-31T08:00:00.000Z"},
	}
}

type levelSchema struct{}

func (levelSchema) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeInteger, Format: formatLevel, Examples: []any{3},
		Description: "0 debug, 1 info, 2 warning, 3 error, 4 critical; more is worse",
	}
}

type secondsSchema struct{}

func (secondsSchema) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeInteger, Format: "int64", Description: "seconds"}
}

type objectSchema struct{}

func (objectSchema) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}

type matchersSchema struct{}

func (matchersSchema) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString}, Examples: []any{[]string{`tag="prod"`, `name=~"db.*"`}},
	}
}

type kindSchema struct{}

func (kindSchema) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for _, kind := range slices.Sorted(maps.Keys(refusalTexts)) {
		s.Enum = append(s.Enum, string(kind))
	}
	return s
}

// polish corrects what huma says of our types: no list is ever null; answers may get new members in a later release
// while requests refuse those they do not know; and requests may write times and levels in more than one way.
func polish(o *huma.OpenAPI) {
	s := schemas{registry: o.Components.Schemas, requests: map[*huma.Schema]bool{}}
	for _, item := range o.Paths {
		for _, op := range operationsOf(item) {
			alsoAnswers(op)
			for _, p := range op.Parameters {
				s.correct(p.Schema)
				if p.Schema.Description == p.Description {
					p.Schema.Description = "" // said beside it
				}
			}
			if op.RequestBody == nil {
				continue
			}
			for _, content := range op.RequestBody.Content {
				s.markRequest(content.Schema)
			}
		}
	}
	for _, schema := range s.registry.Map() {
		s.correct(schema)
	}
}

func operationsOf(item *huma.PathItem) []*huma.Operation {
	all := []*huma.Operation{item.Get, item.Put, item.Post, item.Delete, item.Head, item.Patch, item.Options}
	return slices.DeleteFunc(all, func(op *huma.Operation) bool { return op == nil })
}

// alsoAnswers adds the other status of success of an operation that has one.
func alsoAnswers(op *huma.Operation) {
	extra, _ := op.Metadata[operationKey].(*operation)
	if extra == nil || extra.also == 0 {
		return
	}
	other := *op.Responses[strconv.Itoa(extra.successStatus())]
	other.Description = http.StatusText(extra.also)
	op.Responses[strconv.Itoa(extra.also)] = &other
}

type schemas struct {
	registry huma.Registry
	requests map[*huma.Schema]bool
}

// markRequest notes the schemas that a request may carry.
func (s *schemas) markRequest(schema *huma.Schema) {
	if schema == nil || s.requests[schema] {
		return
	}
	s.requests[schema] = true
	if schema.Ref != "" {
		s.markRequest(s.registry.SchemaFromRef(schema.Ref))
	}
	s.markRequest(schema.Items)
	for _, part := range schema.OneOf {
		s.markRequest(part)
	}
	for _, property := range schema.Properties {
		s.markRequest(property)
	}
}

func (s *schemas) correct(schema *huma.Schema) {
	if schema == nil {
		return
	}
	request := s.requests[schema]
	if schema.Type == huma.TypeArray {
		schema.Nullable = false
	}
	if closed, is := schema.AdditionalProperties.(bool); is && !closed && !request {
		schema.AdditionalProperties = nil
	}
	switch {
	case schema.Format == formatTime && request:
		openUp(schema, &huma.Schema{Type: huma.TypeString, Format: formatTime}, &huma.Schema{
			Type: huma.TypeNumber, Description: "Unix seconds",
		})
	case schema.Format == formatLevel && request:
		openUp(schema, &huma.Schema{Type: huma.TypeInteger}, &huma.Schema{
			Type: huma.TypeString, Description: "debug, info, warning, error, critical, or a number",
		})
	case schema.Format == formatLevel:
		schema.Format = "int64"
	}
	s.correct(schema.Items)
	for _, property := range schema.Properties {
		s.correct(property)
	}
}

// openUp lets a value be one of several types.
func openUp(schema *huma.Schema, choices ...*huma.Schema) {
	schema.Type, schema.Format, schema.Nullable = "", "", false
	schema.AnyOf = choices
	if !strings.Contains(schema.Description, "Unix") && choices[0].Format == formatTime {
		schema.Description = strings.TrimPrefix(schema.Description+"; RFC 3339 or Unix seconds", "; ")
	}
}
