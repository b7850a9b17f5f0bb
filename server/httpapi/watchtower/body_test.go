package watchtower

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"watchkeeper/api"
	"watchkeeper/server/httpapi/web"
	"watchkeeper/server/store"
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

// Whatever scanBody takes, the slow way takes too, and makes the same of it.
func FuzzScanBody(f *testing.F) {
	for _, seed := range []string{
		usualBody, "{}", ` { "nextIn" : 60.5 , "service":"a" } `, `{"service":"a","service":"b"}`, `{"SERVICE":"a"}`, `{"nextIn":01}`,
		`{"level":-1}`, `{"level":1e3}`, `{"level":1.}`, `{"message":"\n"}`, `{"alert":true}`, `{"service":null}`, `{"other":1}`,
		`{"service":"a",}`, `{"service":"a"} x`, "{\"service\":\"\u00e9\"}", `{"service" "a"}`, `{"service":`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fast, ok := scanBody([]byte(text))
		if !ok {
			return
		}
		var slow body
		if err := web.DecodeJSON([]byte(text), &slow, web.Decoding{}); err != nil {
			t.Fatalf("%s: the slow way says %v", text, err)
		}
		if fast != slow {
			t.Fatalf("%s: %+v, and the slow way %+v", text, fast, slow)
		}
	})
}

const usualBody = `{"service": "nightly backup", "alertType": "mail", "alertTarget": "me@example.org", "nextIn": 86400}`

func TestUsualBodiesAreScanned(t *testing.T) {
	for _, text := range []string{usualBody, `{"service":"a","message":"it is done","level":3,"alert":"1"}`} {
		if _, ok := scanBody([]byte(text)); !ok {
			t.Errorf("%s went the slow way", text)
		}
	}
}

func BenchmarkParseBody(b *testing.B) {
	for b.Loop() {
		if _, err := parseBody([]byte(usualBody), "application/json"); err != nil {
			b.Fatal(err)
		}
	}
}

func TestAnswerOfPulses(t *testing.T) {
	for _, name := range []string{"nightly backup", `a "b" \ <c> & é`, "\u2028", "\x7f"} {
		for _, state := range []api.State{api.StateUp, api.StateDown, api.StatePaused} {
			result := store.PulseResult{Name: name, State: state, Last: 1_767_225_600_999, NextIn: 60}
			pair := api.LegacyTarget{AlertType: "mail", AlertTarget: name}
			want, err := json.Marshal(acted{"pulse", heartbeat{
				Service: name, AlertType: "mail", AlertTarget: name, NextIn: 60, Last: 1_767_225_600, Expected: 1_767_225_660,
				Alerted: state == api.StateDown, Cancelled: state == api.StatePaused,
			}, resultOK})
			if err != nil {
				t.Fatal(err)
			}
			var got, wanted any
			answer := appendPulsed(nil, result, pair)
			if err := errors.Join(json.Unmarshal(answer, &got), json.Unmarshal(want, &wanted)); err != nil {
				t.Fatalf("%s: %v", answer, err)
			}
			if diff := cmp.Diff(wanted, got); diff != "" {
				t.Error(diff)
			}
			if strings.Count(string(answer), "\n") != 1 || !strings.HasSuffix(string(answer), "\n") {
				t.Errorf("%q is not one line", answer)
			}
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
