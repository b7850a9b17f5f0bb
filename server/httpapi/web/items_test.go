package web

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchkeeper/api"
)

func TestDecodeItems(t *testing.T) {
	t.Parallel()
	const lines = "application/x-ndjson"
	ten := strings.Repeat("{}\n", 10)
	for name, c := range map[string]struct {
		text, mediaType string
		want            []string // names
		kind            api.ErrorKind
		told            []string
	}{
		"one":               {`{"name":"a"}`, "application/json", []string{"a"}, "", nil},
		"list":              {` [{"name":"a"},{"name":"b"}]`, "", []string{"a", "b"}, "", nil},
		"list with a mark":  {"\ufeff[{\"name\":\"a\"}]", "", []string{"a"}, "", nil},
		"empty list":        {`[]`, "", []string{}, "", nil},
		"lines":             {"{\"name\":\"a\"}\n{\"name\":\"b\"}", lines, []string{"a", "b"}, "", nil},
		"lines of Windows":  {"\ufeff{\"name\":\"a\"}\r\n\r\n  \n{\"name\":\"b\"}\r\n", lines, []string{"a", "b"}, "", nil},
		"no lines":          {"\n", lines, []string{}, "", nil},
		"as many as may be": {ten, lines, make([]string, 10), "", nil},
		"too many lines":    {ten + "{}", lines, nil, api.KindTooLarge, nil},
		"too many in list":  {"[" + strings.Repeat("{},", 10) + "{}]", "", nil, api.KindTooLarge, nil},
		"long line":         {"{}\n{\"name\":\"" + strings.Repeat("x", 100) + `"}`, lines, nil, api.KindTooLarge, []string{"body[1]: is too long"}},
		"lines, not told":   {"{}\n{}", "application/json", nil, api.KindMalformed, []string{"body: line 2, column 1: invalid character '{' after top-level value"}},
		"empty":             {"", "", nil, api.KindMalformed, []string{"body: is empty"}},
		"wrong one":         {`{"name":1}`, "", nil, api.KindInvalid, []string{"body.name: must be text"}},
		"wrong in list":     {`[{},{"name":1},3]`, "", nil, api.KindInvalid, []string{"body[1].name: must be text", "body[2]: must be an object"}},
		"wrong in lines":    {"{}\n{\"name\":1}\n{\"x\":1}", lines, nil, api.KindInvalid, []string{"body[1].name: must be text", "body[2].x: is not known here"}},
		"broken line":       {"{}\n\n{\"name\":1}\n{", lines, nil, api.KindMalformed, []string{"body[2]: line 1, column 1: unexpected end of JSON input"}},
	} {
		items, err := DecodeItems[part]([]byte(c.text), ItemDecoding{
			MediaType: c.mediaType, Unknown: RefuseUnknown, MaxItems: 10, MaxLine: 50,
		})
		if api.KindOf(err) != c.kind {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.told, told(err)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		var names []string
		for _, item := range items {
			names = append(names, item.Name)
		}
		if len(names) != len(c.want) || len(names) > 0 && !cmp.Equal(c.want, names) {
			t.Errorf("%s: %q", name, names)
		}
	}
}

func TestEachLineStopsAtTheFirstError(t *testing.T) {
	t.Parallel()
	stop := errors.New("stop")
	var seen []int
	err := EachLine([]byte("a\n\nb\nc"), LineLimits{Bytes: 1, Lines: 3}, func(i int, line []byte) error {
		seen = append(seen, i)
		if string(line) == "b" {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || !cmp.Equal(seen, []int{0, 1}) {
		t.Errorf("%v after %v", err, seen)
	}
}

func FuzzEachLine(f *testing.F) {
	f.Add([]byte("{}\n{}\r\n\r\n"))
	f.Add([]byte("\ufeffa\n\xff\x00b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := LineLimits{Bytes: 20, Lines: 5}
		next := 0
		err := EachLine(data, limits, func(i int, line []byte) error {
			if i != next || i >= limits.Lines || len(line) == 0 || len(line) > limits.Bytes || bytes.ContainsRune(line, '\n') {
				t.Errorf("line %d: %q", i, line)
			}
			next++
			return nil
		})
		if err != nil && api.KindOf(err) != api.KindTooLarge {
			t.Error(err)
		}
	})
}

func TestDecodeForm(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"service=a+b&nextIn=60": "a b 60", "": " ", "service=%C3%A4&x": "ä ", "service=a&service=b": "a ",
		"service=%ff": "\xff ",
	} {
		values, err := DecodeForm([]byte(text))
		if got := values.Get("service") + " " + values.Get("nextIn"); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"service=%zz", "a;b", strings.Repeat("a=b&", maxFormFields)} {
		if _, err := DecodeForm([]byte(text)); api.KindOf(err) != api.KindMalformed || len(told(err)) != 1 {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	if !IsForm("application/x-www-form-urlencoded") || IsForm("application/json") {
		t.Error("forms are not told from other bodies")
	}
}

func FuzzDecodeForm(f *testing.F) {
	f.Add([]byte("service=a+b&nextIn=60"))
	f.Add([]byte("a=%zz&&=;"))
	f.Fuzz(func(t *testing.T, data []byte) {
		values, err := DecodeForm(data)
		if err != nil && api.KindOf(err) != api.KindMalformed {
			t.Error(err)
		}
		if len(values) > maxFormFields {
			t.Error(fmt.Sprint(len(values)), "fields")
		}
	})
}
