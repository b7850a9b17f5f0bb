package api

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseLimit(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"": 100, "1": 1, "100": 100, "1000": 1000, "1001": 1000, "99999999999999999999999": 1000,
		"0": 0, "-1": 0, "-99999999999999999999999": 0, "ten": 0, "1.5": 0, " 1": 0, "0x10": 0,
	} {
		got, err := ParseLimit(text)
		if got != want || (err != nil) != (want == 0) || err != nil && KindOf(err) != KindInvalid {
			t.Errorf("%q: %d, %v, want %d", text, got, err, want)
		}
	}
	for n, want := range map[int]int{0: 100, -5: 100, 7: 7, 1000: 1000, 5000: 1000} {
		if got := CutLimit(n); got != want {
			t.Errorf("%d: %d, want %d", n, got, want)
		}
	}
}

func TestPageIsNeverNull(t *testing.T) {
	t.Parallel()
	for want, page := range map[string]Page[int]{
		`{"items":[]}`:                   NewPage[int](nil, ""),
		`{"items":[1,2],"next":"where"}`: NewPage([]int{1, 2}, "where"),
	} {
		if got, err := json.Marshal(page); string(got) != want || err != nil {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
}

func TestCursor(t *testing.T) {
	t.Parallel()
	encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	given := Cursor{Generation: 3, Order: "-name", Key: `a "b" & ä`, ID: "42"}
	longest := Cursor{Generation: 3, Order: "-name", Key: strings.Repeat("\u2028", MaxNameLength), ID: strings.Repeat("x", 36)}
	for name, c := range map[string]struct {
		text string
		want Cursor
		kind ErrorKind
	}{
		"given":              {given.String(), given, ""},
		"longest":            {longest.String(), longest, ""},
		"older generation":   {Cursor{Generation: 2, Order: "-name", ID: "1"}.String(), Cursor{}, KindGone},
		"newer generation":   {Cursor{Generation: 4, Order: "-name", ID: "1"}.String(), Cursor{}, KindGone},
		"other sorting":      {Cursor{Generation: 3, Order: "name", ID: "1"}.String(), Cursor{}, KindInvalid},
		"empty":              {"", Cursor{}, KindMalformed},
		"no base64":          {"%%%", Cursor{}, KindMalformed},
		"padded":             {given.String() + "=", Cursor{}, KindMalformed},
		"cut":                {given.String()[:10], Cursor{}, KindMalformed},
		"no JSON":            {encode("hello"), Cursor{}, KindMalformed},
		"nothing":            {encode("{}"), Cursor{}, KindMalformed},
		"no id":              {encode(`{"g":3,"o":"-name","k":"x"}`), Cursor{}, KindMalformed},
		"more than a cursor": {encode(`{"g":3,"o":"-name","i":"1","x":1}`), Cursor{}, KindMalformed},
		"something behind":   {encode(`{"g":3,"o":"-name","i":"1"} x`), Cursor{}, KindMalformed},
		"huge":               {encode(`{"g":3,"i":"` + strings.Repeat("1", 1<<20) + `"}`), Cursor{}, KindMalformed},
	} {
		got, err := ParseCursor(c.text, 3, "-name")
		if got != c.want || KindOf(err) != c.kind {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestPosition(t *testing.T) {
	t.Parallel()
	given := Position{Generation: 3, ID: 9007199254740993}
	for text, c := range map[string]struct {
		want Position
		kind ErrorKind
	}{
		given.String():           {given, ""},
		"3-0":                    {Position{3, 0}, ""},
		"2-7":                    {Position{}, KindGone},
		"4-7":                    {Position{}, KindGone},
		"":                       {Position{}, KindMalformed},
		"7":                      {Position{}, KindMalformed},
		"3-":                     {Position{}, KindMalformed},
		"-7":                     {Position{}, KindMalformed},
		"3--7":                   {Position{}, KindMalformed},
		"3-7-8":                  {Position{}, KindMalformed},
		"3-9223372036854775808":  {Position{}, KindMalformed},
		"3-7 or 1=1":             {Position{}, KindMalformed},
		strings.Repeat("3", 999): {Position{}, KindMalformed},
	} {
		got, err := ParsePosition(text, 3)
		if got != c.want || KindOf(err) != c.kind {
			t.Errorf("%.40q: %+v, %v", text, got, err)
		}
	}
}

func FuzzParseCursor(f *testing.F) {
	f.Add(Cursor{Generation: 3, Order: "name", Key: "a", ID: "42"}.String())
	f.Add("e30")
	f.Add("3-7")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCursor(text, 3, "name")
		switch KindOf(err) {
		case "":
			again, err := ParseCursor(c.String(), 3, "name")
			if err != nil || again != c || c.Generation != 3 || c.ID == "" || !utf8.ValidString(c.Key) {
				t.Errorf("%q: %+v and %+v, %v", text, c, again, err)
			}
		case KindMalformed, KindGone, KindInvalid:
			var e *Error
			if c != (Cursor{}) || !errors.As(err, &e) || strings.Contains(e.Error(), "json") {
				t.Errorf("%q: %+v, %v", text, c, err)
			}
		default:
			t.Errorf("%q: %v", text, err)
		}
		if p, err := ParsePosition(text, 3); err == nil {
			if again, err := ParsePosition(p.String(), 3); again != p || err != nil {
				t.Errorf("%q: %v and %v, %v", text, p, again, err)
			}
		}
	})
}
