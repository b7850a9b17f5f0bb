package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"watchkeeper/api"
)

type part struct {
	Name string   `json:"name"`
	Tags []string `json:"tags"`
}

// thing has one field of each sort that bodies of ours have.
type thing struct {
	part
	Part
	NextIn  api.Seconds       `json:"next_in"`
	Grace   *int              `json:"grace"`
	Small   int8              `json:"small"`
	Ratio   float64           `json:"ratio"`
	Alert   bool              `json:"alert"`
	At      api.Time          `json:"at"`
	Level   api.Level         `json:"level"`
	Parts   []part            `json:"parts"`
	Labels  map[string]string `json:"labels"`
	Inner   *part             `json:"inner"`
	Any     any               `json:"any"`
	Bytes   []byte            `json:"bytes"`
	Ignored int               `json:"-"`
}

// Part is embedded under its own name.
type Part struct {
	Kind string `json:"kind"`
}

// told lists what an error says of fields, as "location: message".
func told(err error) []string {
	var e *api.Error
	var list []string
	if errors.As(err, &e) {
		for _, f := range e.Fields {
			list = append(list, f.Location+": "+f.Message)
		}
	}
	return list
}

func TestDecodeJSON(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return strings.Repeat(`{"any":`, n) + "1" + strings.Repeat("}", n) }
	for name, c := range map[string]struct {
		text    string
		unknown UnknownFields
		kind    api.ErrorKind
		told    []string
	}{
		"all": {
			`{"name":"a","kind":"k","next_in":60,"grace":null,"small":-128,"ratio":1e3,"alert":true,"at":1700000000.5,` +
				`"level":"error","parts":[{"name":"b"}],"labels":{"x":"y"},"inner":{"tags":["t"]},"any":[1],"bytes":"aGk="}`,
			RefuseUnknown, "", nil,
		},
		"null":                 {`null`, "", "", nil},
		"byte order mark":      {"\ufeff{}", RefuseUnknown, "", nil},
		"blanks around":        {" \n{}\r\t ", RefuseUnknown, "", nil},
		"unknown, ignored":     {`{"x":{"y":[1]}}`, IgnoreUnknown, "", nil},
		"unknown, by default":  {`{"x":1}`, "", "", nil},
		"unknown, refused":     {`{"x":1,"name":"a","parts":[{"y":2}],"Ignored":3}`, RefuseUnknown, api.KindInvalid, []string{"body.x: is not known here", "body.parts[0].y: is not known here", "body.Ignored: is not known here"}},
		"other case":           {`{"NAME":"a"}`, RefuseUnknown, "", nil},
		"twice":                {`{"name":"a","name":"b"}`, RefuseUnknown, "", nil},
		"nested as allowed":    {nested(32), "", "", nil},
		"brackets in text":     {`{"name":"` + strings.Repeat(`[{\"\\`, 100) + `"}`, "", "", nil},
		"nested too deep":      {nested(33), "", api.KindMalformed, []string{"body: is nested deeper than 32"}},
		"nested far too deep":  {strings.Repeat("[", 1<<20), "", api.KindMalformed, []string{"body: is nested deeper than 32"}},
		"empty":                {``, "", api.KindMalformed, []string{"body: is empty"}},
		"blank":                {" \n", "", api.KindMalformed, []string{"body: is empty"}},
		"cut off":              {`{"name":"a`, "", api.KindMalformed, []string{"body: line 1, column 10: unexpected end of JSON input"}},
		"cut off, strict":      {`{"name":"a`, RefuseUnknown, api.KindMalformed, []string{"body: line 1, column 10: unexpected end of JSON input"}},
		"no JSON":              {"{\n  \"name\": x}", "", api.KindMalformed, []string{"body: line 2, column 11: invalid character 'x' looking for beginning of value"}},
		"NaN":                  {`{"ratio":NaN}`, "", api.KindMalformed, []string{"body: line 1, column 10: invalid character 'N' looking for beginning of value"}},
		"something behind":     {`{} {}`, "", api.KindMalformed, []string{"body: line 1, column 4: invalid character '{' after top-level value"}},
		"behind, strict":       {`{} {}`, RefuseUnknown, api.KindMalformed, []string{"body: line 1, column 4: invalid character '{' after top-level value"}},
		"NUL as a byte":        {"{\"name\":\"\x00\"}", "", api.KindMalformed, []string{`body: line 1, column 10: invalid character '\x00' in string literal`}},
		"two numbers":          {`0 1`, RefuseUnknown, api.KindMalformed, []string{"body: line 1, column 3: invalid character '1' after top-level value"}},
		"no object":            {`[1]`, "", api.KindInvalid, []string{"body: must be an object"}},
		"text for an object":   {`"x"`, "", api.KindInvalid, []string{"body: must be an object"}},
		"wrong types":          {`{"name":1,"next_in":"60","alert":"yes","ratio":"x","tags":"a","inner":[],"labels":1}`, "", api.KindInvalid, []string{"body.name: must be text", "body.next_in: must be a whole number", "body.alert: must be true or false", "body.ratio: must be a number", "body.tags: must be a list", "body.inner: must be an object", "body.labels: must be an object"}},
		"wrong inside":         {`{"parts":[{"name":"a"},{"tags":["x",2]}],"labels":{"a":"b","c":1},"grace":1.5}`, "", api.KindInvalid, []string{"body.parts[1].tags[1]: must be text", "body.labels.c: must be text", "body.grace: must be a whole number"}},
		"types with own rules": {`{"at":"yesterday","level":"loud"}`, "", api.KindInvalid, []string{"body.at: must be a time in RFC 3339 (2026-01-31T08:00:00Z) or in Unix seconds", "body.level: must be a number or one of debug, info, warning, error, critical"}},
		"out of range":         {`{"next_in":9223372036854775808,"small":200,"ratio":1e999}`, "", api.KindInvalid, []string{"body.next_in: is a number out of range", "body.small: is a number out of range", "body.ratio: is a number out of range"}},
		"fraction":             {`{"next_in":60.9}`, "", api.KindInvalid, []string{"body.next_in: must be a whole number"}},
		"not base64":           {`{"bytes":"%"}`, "", api.KindInvalid, []string{"body.bytes: has a value of the wrong type"}},
		"long key":             {`{"` + strings.Repeat("é", 100) + `":1}`, RefuseUnknown, api.KindInvalid, []string{"body." + strings.Repeat("é", 32) + "…: is not known here"}},
	} {
		var v thing
		err := DecodeJSON([]byte(c.text), &v, Decoding{Unknown: c.unknown})
		if api.KindOf(err) != c.kind {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.told, told(err)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestWhatIsDecoded(t *testing.T) {
	t.Parallel()
	var v thing
	text := "{\"name\":\"first\",\"NAME\":\"a\xffb\\u0000\\ud800c\",\"next_in\":60,\"inner\":{\"tags\":[\"t\"]}}"
	if err := DecodeJSON([]byte(text), &v, Decoding{}); err != nil {
		t.Fatal(err)
	}
	if want := "a\ufffdb\x00\ufffdc"; v.part.Name != want || v.NextIn != 60 || v.Inner.Tags[0] != "t" {
		t.Errorf("%+v, want the name %q", v, want)
	}
	if got := api.CleanText(v.part.Name); got != "a\ufffdb\ufffd\ufffdc" {
		t.Errorf("cleaned: %q", got)
	}
}

func TestExplanationIsBoundedAndKeepsSecrets(t *testing.T) {
	t.Parallel()
	var numbers []int
	err := DecodeJSON([]byte("["+strings.Repeat(`"hunter2",`, 100_000)+"1]"), &numbers, Decoding{})
	var e *api.Error
	if !errors.As(err, &e) || len(e.Fields) != maxFieldErrors {
		t.Fatalf("%.200v", err)
	}
	answer, _ := json.Marshal(api.ProblemOf(err))
	if strings.Contains(string(answer), "hunter2") {
		t.Errorf("the answer repeats a text: %.200s", answer)
	}
	err = DecodeJSON([]byte(`{"name":12345,"alert":0,"next_in":false}`), &thing{}, Decoding{})
	answer, _ = json.Marshal(api.ProblemOf(err))
	for _, value := range []string{`"value":12345`, `"value":0`, `"value":false`} {
		if !strings.Contains(string(answer), value) {
			t.Errorf("%s is not shown: %s", value, answer)
		}
	}
}

func TestExplanationCanBeDecoded(t *testing.T) {
	t.Parallel()
	err := DecodeJSON([]byte(`{"next_in":1e999}`), &thing{}, Decoding{})
	text, failed := json.Marshal(api.ProblemOf(err))
	var back api.Problem
	if failed != nil || json.Unmarshal(text, &back) != nil || len(back.Errors) != 1 {
		t.Errorf("%s (%v)", text, err)
	}
}

func TestListsAreCountedBeforeTheyAreDecoded(t *testing.T) {
	t.Parallel()
	list := func(n int) []byte {
		return []byte("[" + strings.Repeat(`{"name":"a,b","tags":["x","y"]},`, n-1) + "{}]")
	}
	for n, kind := range map[int]api.ErrorKind{1: "", 999: "", 1000: "", 1001: api.KindTooLarge, 50_000: api.KindTooLarge} {
		var v []part
		err := DecodeJSON(list(n), &v, Decoding{MaxItems: 1000})
		if api.KindOf(err) != kind || err != nil && v != nil {
			t.Errorf("%d items: %v", n, err)
		}
	}
	wide := []byte(`{"tags":["` + strings.Repeat(`x","`, 2000) + `"]}`)
	if err := DecodeJSON(wide, new(part), Decoding{MaxItems: 1000}); err != nil {
		t.Errorf("an object is no list: %v", err)
	}
}

func TestMediaTypes(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]struct {
		json, items bool
	}{
		"":                                  {true, true},
		"application/json":                  {true, true},
		"Application/JSON; charset=utf-8":   {true, true},
		"text/json":                         {true, true},
		"application/merge-patch+json":      {true, true},
		"application/x-www-form-urlencoded": {true, true}, // curl -d
		"application/x-ndjson":              {false, true},
		"application/jsonl;x=y":             {false, true},
		"text/plain":                        {false, false},
		"text/x+json":                       {false, false},
		"application/xml":                   {false, false},
		"multipart/form-data; boundary=x":   {false, false},
		"json":                              {false, false},
	} {
		r := posted(newGround(nil), nil, 0, "")
		r.Header.Set("Content-Type", value)
		mediaType := MediaType(r)
		if got := RequireJSON(mediaType); (got == nil) != want.json || got != nil && api.KindOf(got) != api.KindMediaType {
			t.Errorf("%q as JSON: %v", value, got)
		}
		if got := RequireItems(mediaType); (got == nil) != want.items || got != nil && api.KindOf(got) != api.KindMediaType {
			t.Errorf("%q as items: %v", value, got)
		}
	}
}

func FuzzDecodeJSON(f *testing.F) {
	for _, text := range []string{
		`{"name":"a","tags":["b"],"next_in":60}`, `[1,2]`, `{"at":"2026-01-31T08:00:00Z"}`, `{"x":`, "\ufeff{}", `{} x`,
		`{"parts":[{"tags":[1]}],"labels":{"a":2}}`, `"\ud800"`, `{"ratio":1e400}`, `{"inner":{"inner":3}}`, "[\"\\",
	} {
		f.Add([]byte(text), true)
		f.Add([]byte(text), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, strict bool) {
		unknown := IgnoreUnknown
		if strict {
			unknown = RefuseUnknown
		}
		var v thing
		err := DecodeJSON(data, &v, Decoding{Unknown: unknown})
		valid := json.Valid(trimMark(data))
		switch kind := api.KindOf(err); kind {
		case "":
			if !valid {
				t.Errorf("accepted %q", data)
			}
			if !utf8.ValidString(v.part.Name) {
				t.Errorf("name %q", v.part.Name)
			}
			// What is accepted is what encoding/json makes of it.
			var want thing
			if err := json.Unmarshal(trimMark(data), &want); err != nil || !reflect.DeepEqual(v, want) && !hasNaN(v) {
				t.Errorf("%q: %+v, want %+v, %v", data, v, want, err)
			}
		case api.KindInvalid:
			if !valid || len(told(err)) == 0 || len(told(err)) > maxFieldErrors {
				t.Errorf("%q: %v", data, err)
			}
		case api.KindMalformed:
			if valid && !strings.Contains(err.Error(), "nested deeper") {
				t.Errorf("%q: %v", data, err)
			}
		default:
			t.Errorf("%q: %v", data, err)
		}
	})
}

func trimMark(data []byte) []byte { return []byte(strings.TrimPrefix(string(data), "\ufeff")) }

func hasNaN(v thing) bool { return math.IsNaN(v.Ratio) }

func TestInvalidTextBecomesNUL(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"a":"ä€😀"}`:               "ä€😀",
		"{\"a\":\"x\xff\xfey\"}":    "x\x00\x00y",
		"{\"a\":\"\xff\"}":          "\x00",
		"{\"a\":\"\\\\\xe2\x82z\"}": "\\\x00\x00z",
		"{\"a\":\"x\xc0\x80\xff\"}": "x\x00\x00\x00",
		"{\"a\":\"\xed\xa0\x80\"}":  "\x00\x00\x00",
		`{"a":"\uFFFD"}`:            "\uFFFD",
		"{\"a\":\"\uFFFD\"}":        "\uFFFD",
	} {
		var got struct{ A string }
		if err := DecodeJSON(EscapeInvalid([]byte(in)), &got, Decoding{}); err != nil || got.A != want {
			t.Errorf("%q: %q, %v, want %q", in, got.A, err, want)
		}
	}
	for _, in := range []string{"{\"a\":\"\\\xff\"}", "{\xff\"a\":1}", "{\"a\":\xff}"} {
		var got any
		if err := DecodeJSON(EscapeInvalid([]byte(in)), &got, Decoding{}); api.KindOf(err) != api.KindMalformed {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
}

func FuzzEscapeInvalid(f *testing.F) {
	for _, seed := range []string{`{"a":"b"}`, "\xff", "\"\\\xff\"", "\"\\\\\xff\"", "[\"\xe2\x82\", 1]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got := EscapeInvalid(data)
		if utf8.Valid(data) && !bytes.Equal(got, data) {
			t.Errorf("%q became %q", data, got)
		}
		var before, after any
		if json.Unmarshal(data, &before) != nil {
			return
		}
		// What is JSON stays JSON, the same but for what was invalid.
		if err := json.Unmarshal(got, &after); err != nil {
			t.Errorf("%q became %q: %v", data, got, err)
		}
	})
}
