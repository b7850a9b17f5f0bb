package v1

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"watchkeeper/api"
)

// Other is a route of another protocol, of which the document tells in a few lines. Its handler is elsewhere.
type Other struct {
	ID      string // camelCase, unique
	Method  string
	Path    string // with {names} in braces
	Group   string // heading
	Summary string
	About   string    // what a client has to know
	Scope   api.Scope // that a credential needs; empty where none is
	Query   []OtherParameter
	Body    any // an example of a JSON body; nil where there is none
	Answer  any // an example of the answer: text, or what is written as JSON
	Status  int // of success; 0 is 200
}

// OtherParameter is a parameter of the query of an Other.
type OtherParameter struct{ Name, About string }

// addOther describes a route of another protocol.
func (d *document) addOther(o Other) {
	op := &huma.Operation{
		OperationID: o.ID, Method: o.Method, Path: o.Path, Tags: []string{o.Group}, Summary: o.Summary,
		Description: o.About, Security: security(o.Scope),
	}
	status := cmp.Or(o.Status, http.StatusOK)
	op.Responses = map[string]*huma.Response{strconv.Itoa(status): {Description: http.StatusText(status)}}
	if o.Answer != nil {
		op.Responses[strconv.Itoa(status)].Content = exampleContent(o.Answer)
	}
	for name := range strings.SplitSeq(o.Path, "/") {
		if bare, found := strings.CutPrefix(name, "{"); found {
			bare, _, _ = strings.Cut(bare, "}") // a suffix such as .json may follow
			op.Parameters = append(op.Parameters, &huma.Param{
				Name: bare, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString},
			})
		}
	}
	for _, p := range o.Query {
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: p.Name, In: "query", Description: p.About, Schema: &huma.Schema{Type: huma.TypeString},
		})
	}
	if o.Body != nil {
		op.RequestBody = &huma.RequestBody{Content: exampleContent(o.Body)}
	}
	d.api.AddOperation(op)
}

func exampleContent(example any) map[string]*huma.MediaType {
	mediaType, schema := "application/json", &huma.Schema{Type: huma.TypeObject}
	switch example.(type) {
	case nil:
		return nil
	case string:
		mediaType, schema = "text/plain", &huma.Schema{Type: huma.TypeString}
	}
	return map[string]*huma.MediaType{mediaType: {Schema: schema, Example: example}}
}
