package manifest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"watchkeeper/api"
)

var update = flag.Bool("update", false, "write manifest.schema.json anew")

// document has the members of a file.
type document struct {
	Channels    []api.ChannelInput     `json:"channels,omitempty" doc:"where alerts go, under a name"`
	Services    []api.ServiceInput     `json:"services,omitempty" doc:"the things that pulse or are probed"`
	Routes      []api.RouteInput       `json:"routes,omitempty" doc:"who is told of what no service names targets of its own for; asked in this order"`
	Maintenance []api.MaintenanceInput `json:"maintenance,omitempty" doc:"times in which nobody is told"`
}

type (
	secondsForm  struct{}
	timeForm     struct{}
	matchersForm struct{}
)

func (secondsForm) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{
		{Type: huma.TypeString, Pattern: `^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$`, MinLength: new(2), Examples: []any{"25h"}},
		{Type: huma.TypeInteger, Minimum: new(0.0), Description: "seconds"},
	}}
}

func (timeForm) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{
		{Type: huma.TypeString, Format: "date-time", Examples: []any{"2026-01-31T08:00:00Z"}},
		{Type: huma.TypeNumber, Description: "Unix seconds"},
	}}
}

func (matchersForm) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{
		{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString}, Examples: []any{[]string{`tag="prod"`}}},
		{Type: huma.TypeString},
	}}
}

// secretForm is a text, or where it is to be had.
func secretForm(about string) *huma.Schema {
	source := func(name, about string) *huma.Schema {
		return &huma.Schema{
			Type: huma.TypeObject, Required: []string{name}, AdditionalProperties: false,
			Properties: map[string]*huma.Schema{name: {Type: huma.TypeString, MinLength: new(1), Description: about}},
		}
	}
	return &huma.Schema{Description: about, AnyOf: []*huma.Schema{
		{Type: huma.TypeString}, source("env", "the variable that has the text"), source("file", "the file that has the text"),
	}}
}

// makeSchema makes the schema of the types of package api, of which a file has nearly all members.
func makeSchema(tb testing.TB) []byte {
	tb.Helper()
	const defs = "#/$defs/"
	r := huma.NewMapRegistry(defs, func(t reflect.Type, hint string) string {
		return strings.TrimSuffix(strings.TrimSuffix(huma.DefaultSchemaNamer(t, hint), "Input"), "Settings")
	})
	r.RegisterTypeAlias(reflect.TypeFor[api.Seconds](), reflect.TypeFor[secondsForm]())
	r.RegisterTypeAlias(reflect.TypeFor[api.Time](), reflect.TypeFor[timeForm]())
	r.RegisterTypeAlias(reflect.TypeFor[api.Matchers](), reflect.TypeFor[matchersForm]())
	root := huma.SchemaFromType(r, reflect.TypeFor[document]())
	all := r.Map()
	for _, s := range append([]*huma.Schema{root}, mapValues(all)...) {
		for name, member := range s.Properties {
			if slices.Contains(notInFiles, name) {
				delete(s.Properties, name)
				s.Required = slices.DeleteFunc(s.Required, func(other string) bool { return other == name })
			}
			if member.Type == huma.TypeArray {
				member.Nullable = false
			}
		}
	}
	all["Service"].Required = []string{"name"}
	settings := all["Channel"].Properties["settings"]
	settings.AdditionalProperties = secretForm("")
	settings.Description = "of the kind; see watchkeeper channel add"
	probe := all["Probe"].Properties
	for _, name := range []string{"url", "proxy", "body"} {
		probe[name] = secretForm(probe[name].Description)
	}
	probe["headers"].AdditionalProperties = secretForm("")
	text, err := json.Marshal(struct {
		Schema     string                  `json:"$schema"`
		Title      string                  `json:"title"`
		Type       string                  `json:"type"`
		Closed     any                     `json:"additionalProperties"`
		Properties map[string]*huma.Schema `json:"properties"`
		Defs       map[string]*huma.Schema `json:"$defs"`
	}{
		"https://json-schema.org/draft/2020-12/schema", "What a Watchkeeper watches and whom it tells",
		root.Type, root.AdditionalProperties, root.Properties, all,
	})
	if err != nil {
		tb.Fatal(err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		tb.Fatal(err)
	}
	b.WriteByte('\n')
	return b.Bytes()
}

func mapValues(m map[string]*huma.Schema) (all []*huma.Schema) {
	for _, s := range m {
		all = append(all, s)
	}
	return all
}

func TestSchemaIsThatOfTheTypes(t *testing.T) {
	want := makeSchema(t)
	if *update {
		if err := os.WriteFile("manifest.schema.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(want), string(Schema)); diff != "" {
		t.Errorf("go test ./api/manifest -run SchemaIs -update writes it anew: %s", diff)
	}
}

func compileSchema(tb testing.TB) *jsonschema.Schema {
	tb.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	if err != nil {
		tb.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("manifest.schema.json", doc); err != nil {
		tb.Fatal(err)
	}
	schema, err := c.Compile("manifest.schema.json")
	if err != nil {
		tb.Fatal(err)
	}
	return schema
}

// judge validates a YAML text as an editor would.
func judge(tb rapid.TB, schema *jsonschema.Schema, text []byte) error {
	tb.Helper()
	asJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		tb.Fatalf("%v\n%s", err, text)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		tb.Fatalf("%v\n%s", err, asJSON)
	}
	if value == nil {
		return nil // an empty file
	}
	return schema.Validate(value)
}

func TestSchemaTakesWhatIsWritten(t *testing.T) {
	schema := compileSchema(t)
	rapid.Check(t, func(t *rapid.T) {
		m := drawManifest.Draw(t, "manifest")
		if text := Render(m); judge(t, schema, text) != nil {
			t.Fatalf("%v\n%s", judge(t, schema, text), text)
		}
		asJSON, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if err := judge(t, schema, asJSON); err != nil {
			t.Fatalf("%v\n%s", err, asJSON)
		}
		got, err := Parse(asJSON)
		if err != nil {
			t.Fatalf("%v\n%s", err, asJSON)
		}
		if diff := cmp.Diff(m, got, alike); diff != "" {
			t.Fatalf("read from JSON: %s", diff)
		}
	})
}

func TestSchemaRefuses(t *testing.T) {
	schema := compileSchema(t)
	for _, text := range []string{
		"servces: []", "services: [{next_in: 1h}]", "services: [{name: a, next_in: soon}]", "services: [{name: a, managed_by: x}]",
		"channels: [{name: a}]", "channels: [{name: a, kind: pigeon}]", "channels: [{name: a, kind: mail, settings: {to: {vault: x}}}]",
		"routes: [{name: a}]", "routes: [{name: a, to: [x], position: 1}]", "maintenance: [{name: a, comment: x}]",
		"services: [{name: a, probe: {kind: ftp}}]", "services: {}", "services: [{name: a, next_in: -5}]",
	} {
		if judge(t, schema, []byte(text)) == nil {
			t.Errorf("taken: %s", text)
		}
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("Parse takes what the schema refuses: %s", text)
		}
	}
}
