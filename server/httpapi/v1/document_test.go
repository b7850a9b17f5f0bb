package v1_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"watchkeeper/api"
	"watchkeeper/server/httpapi/ack"
	"watchkeeper/server/httpapi/watchtower"
)

var update = flag.Bool("update", false, "write docs/openapi.json anew")

type object = map[string]any

func (s *server) openAPI(tb testing.TB) object {
	tb.Helper()
	var doc object
	if err := json.Unmarshal([]byte(s.get(tb, "/openapi.json").want(200).body), &doc); err != nil {
		tb.Fatal(err)
	}
	return doc
}

// described is one operation of the document.
type described struct {
	method, path string
	object
}

var methods = []string{"get", "put", "post", "delete", "patch", "head", "options", "trace"}

func operations(doc object) []described {
	var all []described
	for path, item := range doc["paths"].(object) {
		for method, op := range item.(object) {
			all = append(all, described{method, path, op.(object)})
		}
	}
	slices.SortFunc(all, func(a, b described) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return all
}

func TestDocumentInDocsIsUpToDate(t *testing.T) {
	const file = "../../../docs/openapi.json"
	got := onSQLite(t).get(t, "/openapi.json").want(200).body
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("docs/openapi.json differs; go test -run DocumentInDocs -update writes it anew: %s", diff)
	}
}

// ownPaths are where a protocol takes all that stands behind, and reads it by itself.
var ownPaths = []string{"/ping/", "/status/", "/badge/"}

func TestDocumentAndRoutesAreTheSame(t *testing.T) {
	s := onSQLite(t)
	routed := routesOf(t, s.router)
	others := chi.NewRouter()
	watchtower.Routes(others, watchtower.Options{})
	ack.Routes(others, ack.Options{})
	for route := range routesOf(t, others) {
		routed[strings.NewReplacer("*", "{service}").Replace(route)] = true
	}
	written := map[string]bool{}
	for _, op := range operations(s.openAPI(t)) {
		switch op.path {
		case "/healthz", "/readyz", "/ca.pem", "/metrics": // routes of package httpapi
		default:
			if !slices.ContainsFunc(ownPaths, func(p string) bool { return strings.HasPrefix(op.path, p) }) {
				written[strings.ToUpper(op.method)+" "+op.path] = true
			}
		}
	}
	for _, route := range []string{"GET /openapi.json", "GET /docs", "GET /docs/", "GET /docs/page.js", "GET /docs/page.css"} {
		if !routed[route] {
			t.Errorf("%s is not there", route)
		}
		delete(routed, route) // the document itself
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(routed)), slices.Sorted(maps.Keys(written))); diff != "" {
		t.Errorf("routes (-) and document (+): %s", diff)
	}
}

func routesOf(tb testing.TB, r chi.Routes) map[string]bool {
	tb.Helper()
	found := map[string]bool{}
	err := chi.Walk(r, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		found[method+" "+route] = true
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return found
}

// TestDocumentIsOpenAPI checks the structure that OpenAPI 3.1 asks for, as far as we use it.
func TestDocumentIsOpenAPI(t *testing.T) {
	doc := onSQLite(t).openAPI(t)
	c := checker{t: t, doc: doc}
	if !strings.HasPrefix(fmt.Sprint(doc["openapi"]), "3.1.") {
		t.Errorf("version %v", doc["openapi"])
	}
	info := doc["info"].(object)
	for _, name := range []string{"title", "version", "description"} {
		if info[name] == "" || info[name] == nil {
			t.Errorf("info.%s is missing", name)
		}
	}
	tags := map[any]bool{}
	for _, tag := range doc["tags"].([]any) {
		tags[tag.(object)["name"]] = true
	}
	ids, shapes := map[any]bool{}, map[string]string{}
	for path := range doc["paths"].(object) {
		shape := regexp.MustCompile(`\{[^}]+\}`).ReplaceAllString(path, "{}")
		if other := shapes[shape]; other != "" || !strings.HasPrefix(path, "/") {
			t.Errorf("paths %s and %s are the same", path, other)
		}
		shapes[shape] = path
	}
	for _, op := range operations(doc) {
		at := op.method + " " + op.path
		if !slices.Contains(methods, op.method) {
			t.Errorf("%s: no such method", at)
		}
		if id := op.object["operationId"]; ids[id] || !regexp.MustCompile(`^[a-z][A-Za-z]+$`).MatchString(fmt.Sprint(id)) {
			t.Errorf("%s: operationId %v", at, id)
		} else {
			ids[id] = true
		}
		if tag := op.object["tags"].([]any); len(tag) != 1 || !tags[tag[0]] {
			t.Errorf("%s: tags %v", at, tag)
		}
		if op.object["summary"] == "" || op.object["summary"] == nil {
			t.Errorf("%s: no summary", at)
		}
		c.parameters(at, op)
		c.security(at, op.object)
		c.responses(at, op.object)
		if body, has := op.object["requestBody"].(object); has {
			c.content(at+" body", body["content"])
		}
	}
	components := doc["components"].(object)
	for name, r := range components["responses"].(object) {
		c.response("response "+name, r)
	}
	for name, schema := range components["schemas"].(object) {
		c.schema("schema "+name, schema)
	}
	for ref := range c.followed {
		delete(components["schemas"].(object), strings.TrimPrefix(ref, "#/components/schemas/"))
	}
	if rest := slices.Sorted(maps.Keys(components["schemas"].(object))); len(rest) > 0 {
		t.Errorf("schemas that nothing uses: %v", rest)
	}
}

// checker follows the document as far as it goes.
type checker struct {
	t        *testing.T
	doc      object
	followed map[string]bool
}

func (c *checker) follow(at string, node object) object {
	ref, is := node["$ref"].(string)
	if !is {
		return node
	}
	if c.followed == nil {
		c.followed = map[string]bool{}
	}
	c.followed[ref] = true
	var found any = c.doc
	for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		inner, _ := found.(object)
		found = inner[name]
	}
	if found == nil {
		c.t.Errorf("%s: nothing at %s", at, ref)
		return object{}
	}
	return found.(object)
}

func (c *checker) parameters(at string, op described) {
	inPath := map[string]bool{}
	for _, match := range regexp.MustCompile(`\{([^}]+)\}`).FindAllStringSubmatch(op.path, -1) {
		inPath[match[1]] = true
	}
	seen := map[string]bool{}
	list, _ := op.object["parameters"].([]any)
	for _, p := range list {
		p := p.(object)
		name, in := fmt.Sprint(p["name"]), fmt.Sprint(p["in"])
		if seen[in+name] || !slices.Contains([]string{"path", "query", "header"}, in) {
			c.t.Errorf("%s: parameter %s in %s", at, name, in)
		}
		seen[in+name] = true
		if in == "path" && (!inPath[name] || p["required"] != true) {
			c.t.Errorf("%s: parameter %s of the path", at, name)
		}
		if in == "path" {
			delete(inPath, name)
		}
		if p["description"] == nil && in != "path" {
			c.t.Errorf("%s: parameter %s has no description", at, name)
		}
		c.schema(at+" "+name, p["schema"])
	}
	if len(inPath) > 0 {
		c.t.Errorf("%s: parts of the path that are not described: %v", at, inPath)
	}
}

func (c *checker) security(at string, op object) {
	list, has := op["security"].([]any)
	if !has {
		c.t.Errorf("%s: says nothing of security", at)
	}
	schemes := c.doc["components"].(object)["securitySchemes"].(object)
	for _, one := range list {
		for name, scopes := range one.(object) {
			if schemes[name] == nil || len(scopes.([]any)) != 1 || !api.Scope(fmt.Sprint(scopes.([]any)[0])).Valid() {
				c.t.Errorf("%s: security %s %v", at, name, scopes)
			}
		}
	}
}

func (c *checker) responses(at string, op object) {
	list, _ := op["responses"].(object)
	success := false
	for status, r := range list {
		n, err := strconv.Atoi(status)
		if err != nil || http.StatusText(n) == "" {
			c.t.Errorf("%s: status %s", at, status)
		}
		success = success || n >= 200 && n < 400
		c.response(at+" "+status, r)
	}
	if !success {
		c.t.Errorf("%s: no answer of success", at)
	}
}

func (c *checker) response(at string, r any) {
	node := c.follow(at, r.(object))
	if text, _ := node["description"].(string); text == "" {
		c.t.Errorf("%s: no description", at)
	}
	if node["content"] != nil {
		c.content(at, node["content"])
	}
}

func (c *checker) content(at string, content any) {
	for mediaType, media := range content.(object) {
		if !strings.Contains(mediaType, "/") {
			c.t.Errorf("%s: media type %q", at, mediaType)
		}
		c.schema(at, media.(object)["schema"])
		if example := media.(object)["example"]; example != nil {
			c.fits(at+" example", media.(object)["schema"].(object), example)
		}
	}
}

var schemaWords = []string{
	"$ref", "type", "title", "description", "format", "examples", "properties", "required", "items", "additionalProperties",
	"enum", "default", "minimum", "minItems", "maxItems", "anyOf", "oneOf", "contentEncoding",
}

func (c *checker) schema(at string, schema any) {
	node, is := schema.(object)
	if !is {
		c.t.Errorf("%s: no schema", at)
		return
	}
	c.follow(at, node)
	for word := range node {
		if !slices.Contains(schemaWords, word) {
			c.t.Errorf("%s: %s", at, word)
		}
	}
	if node["type"] == "array" && node["items"] == nil {
		c.t.Errorf("%s: a list of what", at)
	}
	properties, _ := node["properties"].(object)
	for name, property := range properties {
		c.schema(at+"."+name, property)
	}
	required, _ := node["required"].([]any)
	for _, name := range required {
		if properties[name.(string)] == nil {
			c.t.Errorf("%s: requires %s, which is not described", at, name)
		}
	}
	if items, has := node["items"]; has {
		c.schema(at+"[]", items)
	}
	for _, word := range []string{"anyOf", "oneOf"} {
		choices, _ := node[word].([]any)
		for _, choice := range choices {
			c.schema(at, choice)
		}
	}
}

// fits checks a value against a schema: types, required members, enums and members that are not known.
func (c *checker) fits(at string, schema object, value any) {
	schema = c.follow(at, schema)
	for _, word := range []string{"anyOf", "oneOf"} {
		if choices, has := schema[word].([]any); has {
			if !slices.ContainsFunc(choices, func(choice any) bool { return typeFits(c.follow(at, choice.(object))["type"], value) }) {
				c.t.Errorf("%s: %v is none of %v", at, value, choices)
			}
			return
		}
	}
	if t := schema["type"]; t != nil && !typeFits(t, value) {
		c.t.Errorf("%s: %v (%T) is not %v", at, value, value, t)
	}
	if values, has := schema["enum"].([]any); has && !slices.Contains(values, value) {
		c.t.Errorf("%s: %v is none of %v", at, value, values)
	}
	switch value := value.(type) {
	case []any:
		for i, item := range value {
			c.fits(fmt.Sprintf("%s[%d]", at, i), schema["items"].(object), item)
		}
	case object:
		properties, _ := schema["properties"].(object)
		for name, member := range value {
			if property, known := properties[name].(object); known {
				c.fits(at+"."+name, property, member)
			} else if properties != nil {
				c.t.Errorf("%s: %s is not described", at, name)
			}
		}
		required, _ := schema["required"].([]any)
		for _, name := range required {
			if _, has := value[name.(string)]; !has {
				c.t.Errorf("%s: %s is missing", at, name)
			}
		}
	}
}

func typeFits(t, value any) bool {
	if list, is := t.([]any); is {
		return slices.ContainsFunc(list, func(one any) bool { return typeFits(one, value) })
	}
	switch v := value.(type) {
	case nil:
		return t == "null"
	case bool:
		return t == "boolean"
	case string:
		return t == "string"
	case float64:
		return t == "number" || t == "integer" && v == float64(int64(v))
	case []any:
		return t == "array"
	case object:
		return t == "object"
	}
	return false
}

// TestExamplesOfBodiesAreAccepted sends what the document shows.
func TestExamplesOfBodiesAreAccepted(t *testing.T) {
	s := onSQLite(t)
	s.post(t, "/api/v1/services", `{"name":"x","next_in":60}`).want(201)
	s.goesDown(t, "y")
	incident := into[api.Page[api.Incident]](s.get(t, "/api/v1/incidents").want(200)).Items[0].ID
	all := operations(s.openAPI(t))
	slices.SortStableFunc(all, func(a, b described) int { return len(a.path) - len(b.path) }) // what is made first
	for _, op := range all {
		body, has := op.object["requestBody"].(object)
		if !has || !strings.HasPrefix(op.path, "/api/") {
			continue
		}
		example := body["content"].(object)["application/json"].(object)["example"]
		if example == nil {
			t.Errorf("%s %s: no example", op.method, op.path)
			continue
		}
		text := string(must(json.Marshal(example))(t))
		path := strings.NewReplacer("{service}", "x", "incidents/{id}", "incidents/"+incident,
			"routes/{id}", "routes/nights", "maintenance/{id}", "maintenance/backup", "by-name/{name}", "by-name/y", "{name}/test", "mail/test", "{name}", "ops").Replace(op.path)
		if r := s.ask(t, ask{method: strings.ToUpper(op.method), path: path, body: text}); r.status >= 300 {
			t.Errorf("%s %s %s: %d %s", op.method, path, text, r.status, r.body)
		}
	}
}
