package watchtower

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"watchkeeper/api"
)

func TestBrokenEscapesOfJava(t *testing.T) {
	for sent, want := range map[string]string{
		`C:\dir`:          `C:\dir`,
		`C:\dir\x`:        `C:\dir\x`,
		`\d+\.\w`:         `\d+\.\w`,
		`100\%`:           `100\%`,
		`\u12`:            `\u12`,
		`\uzzzz`:          `\uzzzz`,
		`C:\u0041\d`:      `C:A\d`, // what reads as an escape is one
		`C:\new\d`:        "C:\new\\d",
		`say \"hi\" \d`:   `say "hi" \d`,
		`double \\d \d`:   `double \d \d`,
		`\\\d`:            `\\d`,
		`\é`:              `\é`,
		`C:\\dir`:         `C:\dir`, // in order as it is
		`\/ \b\f\n\r\t !`: "/ \b\f\n\r\t !",
	} {
		b, err := parseBody([]byte(`{"service":"a","level":"3","message":"`+sent+`"}`), "application/json")
		if err != nil {
			t.Errorf("%s: %v", sent, err)
			continue
		}
		if got, _ := b.Message.asText(); got != want {
			t.Errorf("%s: %q, want %q", sent, got, want)
		}
	}
	for _, lost := range []string{`{"message":"ends with \"}`, `{"message":"\`, `{"message":"\d`, `{\d}`} {
		if _, err := parseBody([]byte(lost), ""); api.KindOf(err) != api.KindMalformed {
			t.Errorf("%s: %v", lost, err)
		}
	}
}

func FuzzParseBody(f *testing.F) {
	for _, seed := range []string{
		`{"service":"a","alertType":"mail","alertTarget":"b","nextIn":60.9}`, `{"message":"C:\dir","level":"warn","alert":1}`,
		"service=a&nextIn=60&alert=yes", "[1]", "\ufeff{}", "{\"service\":\"\xff\\ud800\"}", `{"nextIn":1e999}`, "a;b=%3B", `{"alert":null}`, "",
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, text string, form bool) {
		mediaType := "application/json"
		if form {
			mediaType = "application/x-www-form-urlencoded"
		}
		b, err := parseBody([]byte(text), mediaType)
		if err != nil {
			if kind := api.KindOf(err); kind != api.KindMalformed {
				t.Fatalf("error of kind %q: %v", kind, err)
			}
			return
		}
		if sign, err := b.sign(); err == nil {
			if api.CheckName(sign.Name) != "" || sign.NextIn < 1 || sign.NextIn > api.MaxSeconds {
				t.Fatalf("a pulse that breaks the rules: %+v", sign)
			}
		} else if api.KindOf(err) != api.KindInvalid {
			t.Fatalf("error of kind %q: %v", api.KindOf(err), err)
		}
		if in, err := b.event(); err == nil {
			if api.CheckName(in.Service) != "" || len(in.Message) > api.MaxEventMessage || len(in.LevelText) > api.MaxTagLength {
				t.Fatalf("an event that breaks the rules: %+v", in)
			}
		} else if api.KindOf(err) != api.KindInvalid {
			t.Fatalf("error of kind %q: %v", api.KindOf(err), err)
		}
	})
}

// A repair makes no escape invalid, changes nothing in valid JSON and only ever doubles backslashes.
func FuzzRepairEscapes(f *testing.F) {
	for _, seed := range []string{`{"a":"C:\dir"}`, `\`, `\\`, `\\\`, `"\u12"`, `"\u0041\"`, `\é`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		repaired, changed := repairEscapes([]byte(text))
		if json.Valid([]byte(text)) && changed {
			t.Fatalf("valid JSON was changed: %q", repaired)
		}
		if !changed && string(repaired) != text {
			t.Fatalf("%q was changed without being said to be", repaired)
		}
		if again, changed := repairEscapes(repaired); changed {
			t.Fatalf("%q needed a second repair: %q", repaired, again)
		}
		if without := strings.ReplaceAll(text, `\`, ""); without != strings.ReplaceAll(string(repaired), `\`, "") {
			t.Fatalf("more than backslashes differ: %q", repaired)
		}
		quoted := `"` + strings.Map(harmless, text) + `"`
		if repaired, _ := repairEscapes([]byte(quoted)); !strings.HasSuffix(quoted, `\"`) && !json.Valid(repaired) {
			t.Fatalf("%s is not valid JSON: %s", quoted, repaired)
		}
	})
}

// harmless leaves out what no repair can make part of a JSON string.
func harmless(r rune) rune {
	if r < ' ' || r == '"' || r == utf8.RuneError {
		return -1
	}
	return r
}
