package watchtower_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/httpapi/httpapitest"
)

func TestPulseHintsComeInOrder(t *testing.T) {
	s := onSQLite(t)
	const rest = `"alertType":"mail","alertTarget":"b"`
	for body, want := range map[string]string{
		``:                  "is empty",
		`{`:                 "unexpected end of JSON input",
		`service=a`:         "body line 1, column 1: invalid character 's' looking for beginning of value",
		`{"service":"a"} x`: "invalid character 'x'",
		`{"nextIn":NaN}`:    "invalid character 'N'",
		`[]`:                "no service provided",
		`[{"service":"a"}]`: "no service provided",
		`7`:                 "no service provided",
		`"{}"`:              "no service provided",
		`null`:              "no service provided",
		`{}`:                "no service provided",

		`{"service":null,"nextIn":1,` + rest + `}`:  "no service provided",
		`{"service":["a"],"nextIn":1,` + rest + `}`: "no service provided",

		`{"service":"a"}`:                                                         "no nextIn provided",
		`{"service":"a",` + rest + `}`:                                            "no nextIn provided",
		`{"service":"a","nextIn":null}`:                                           "no alert target provided",
		`{"service":"a","nextIn":1,"alertType":"mail"}`:                           "no alert target provided",
		`{"service":"a","nextIn":1,"alertTarget":[],"alertType":"m"}`:             "no alert target provided",
		`{"service":"a","nextIn":"x","alertTarget":""}`:                           "no alert type provided",
		`{"service":"a","nextIn":1,"alertTarget":"","alertType":{}}`:              "no alert type provided",
		`{"service":"","nextIn":"x",` + rest + `}`:                                "nextIn must be an integer, not x",
		`{"service":"a","nextIn":"60.5",` + rest + `}`:                            "nextIn must be an integer, not 60.5",
		`{"service":"a","nextIn":"",` + rest + `}`:                                "nextIn must be an integer, not ",
		`{"service":"a","nextIn":null,` + rest + `}`:                              "nextIn must be an integer, not null",
		`{"service":"a","nextIn":true,` + rest + `}`:                              "nextIn must be an integer, not true",
		`{"service":"a","nextIn":[60],` + rest + `}`:                              "nextIn must be an integer, not [60]",
		`{"service":"a","nextIn":"NaN",` + rest + `}`:                             "nextIn must be an integer, not NaN",
		`{"service":"a","nextIn":"1e3",` + rest + `}`:                             "nextIn must be an integer, not 1e3",
		`{"service":"","nextIn":0,` + rest + `}`:                                  "service must not be empty",
		`{"service":"a\u0000b","nextIn":1,` + rest + `}`:                          "service must not contain control characters",
		"{\"service\":\"a\xff\",\"nextIn\":1," + rest + "}":                       "service must be valid UTF-8",
		`{"service":"` + strings.Repeat("x", 1001) + `","nextIn":1,` + rest + `}`: "service must be at most 1000 characters",
		`{"service":"a","nextIn":0,` + rest + `}`:                                 "nextIn must be 1 to 315360000 seconds (ten years)",
		`{"service":"a","nextIn":0.9,` + rest + `}`:                               "nextIn must be 1 to 315360000 seconds (ten years)",
		`{"service":"a","nextIn":-60,` + rest + `}`:                               "nextIn must be 1 to",
		`{"service":"a","nextIn":315360001,` + rest + `}`:                         "nextIn must be 1 to",
		`{"service":"a","nextIn":4294967356,` + rest + `}`:                        "nextIn must be 1 to",
		`{"service":"a","nextIn":18446744073709551676,` + rest + `}`:              "nextIn must be 1 to",
		`{"service":"a","nextIn":1e400,` + rest + `}`:                             "nextIn must be 1 to",
		`{"service":"a","nextIn":-1e400,` + rest + `}`:                            "nextIn must be 1 to",
	} {
		for _, to := range []string{"POST /", "POST /heartbeat"} {
			if got := s.hint(t, to, body, jsonType); !strings.Contains(got, want) {
				t.Errorf("%s %.80s: %q, want %q", to, body, got, want)
			}
		}
	}
	for body, want := range map[string]string{
		"":                      "no service provided",
		"service":               "no nextIn provided",
		"nextIn=1":              "no service provided",
		"service=a&nextIn=60.5": "no alert target provided",
		"service=%ff&nextIn=1&alertTarget=&alertType=": "service must be valid UTF-8",
		"service=%zz":               "body is not a form",
		"[1]":                       "no service provided",
		strings.Repeat("a=b&", 200): "has more than 100 fields",
	} {
		if got := s.hint(t, "POST /heartbeat", body, formType); !strings.Contains(got, want) {
			t.Errorf("form %.80s: %q, want %q", body, got, want)
		}
	}
	same(t, "nothing was made", s.heartbeats(t), []string{})
}

func TestNextInForms(t *testing.T) {
	s := onSQLite(t)
	for nextIn, want := range map[string]float64{
		`60`: 60, `"60"`: 60, `60.9`: 60, `" 60 "`: 60, `6e1`: 60, `1`: 1, `315360000`: 315360000, `315360000.99`: 315360000,
	} {
		body := `{"service":"a","alertType":"mail","alertTarget":"b","nextIn":` + nextIn + `}`
		beat := s.done(t, "POST /heartbeat", body)["heartBeat"].(object)
		same(t, nextIn, []any{beat["nextIn"], beat["expected"]}, []any{want, beat["last"].(float64) + want})
	}
}

func TestFieldsAreConverted(t *testing.T) {
	s := onSQLite(t)
	for body, want := range map[string][]any{
		`{"service":7,"alertType":true,"alertTarget":1.50,"nextIn":9}`:              {"7", "true", "1.50"},
		`{"service":false,"alertType":null,"alertTarget":null,"nextIn":9,"x":[{}]}`: {"false", "", ""},
		`{"service":"a","service":"b","alertType":"","alertTarget":"","nextIn":9}`:  {"b", "", ""},
	} {
		beat := s.done(t, "POST /heartbeat", body)["heartBeat"].(object)
		same(t, body, []any{beat["service"], beat["alertType"], beat["alertTarget"]}, want)
		same(t, "stored "+body, s.get(t, want[0].(string)), beat)
	}
}

func TestRefusedPulseKeepsTheDeadline(t *testing.T) {
	s := onSQLite(t)
	before := s.pulse(t, "a", 60)
	s.Pass(t, 30*time.Second)
	s.hint(t, "POST /heartbeat", `{"service":"a","alertType":"","alertTarget":"","nextIn":0}`)
	same(t, "heartbeat", s.get(t, "a"), before)
}

func TestPulseReplacesTheHeartbeat(t *testing.T) {
	onEach(t, func(t *testing.T, s tower) {
		s.pulse(t, "first", 60)
		s.Pass(t, time.Second)
		s.pulse(t, "second", 60)
		s.Pass(t, 1500*time.Millisecond)
		now := float64(s.Clock.Now().Unix())
		body := `{"service":"first","alertType":"pushover","alertTarget":"uQ","nextIn":90}`
		want := object{
			"service": "first", "alertType": "pushover", "alertTarget": "uQ", "nextIn": 90.0, "last": now, "expected": now + 90,
			"alerted": false, "cancelled": false,
		}
		same(t, "answer", s.done(t, "POST /", body)["heartBeat"], want)
		same(t, "get", s.get(t, "first"), want)
		same(t, "order of first pulses", s.heartbeats(t), []string{"first", "second"})
	})
}

func TestCancel(t *testing.T) {
	onEach(t, func(t *testing.T, s tower) {
		beat := s.pulse(t, "a", 60)
		beat["cancelled"] = true
		for range 2 { // the Python manager cancels twice
			same(t, "cancelled", s.cancel(t, "a"), any(beat))
		}
		s.Pass(t, time.Hour)
		same(t, "never dead", s.get(t, "a"), beat)
		same(t, "stays listed", s.heartbeats(t), []string{"a"})
		beat = s.pulse(t, "a", 60)
		same(t, "revived", beat["cancelled"], false)
		same(t, "stored", s.get(t, "a"), beat)
		same(t, "unknown", s.cancel(t, "nobody"), any("nobody"))
		same(t, "not even a name", s.cancel(t, "no\x00body\n"), any("no\x00body\n"))
		same(t, "too long", s.cancel(t, strings.Repeat("é", 2000)), any(strings.Repeat("é", 2000)))
		same(t, "a number", s.done(t, "DELETE /", `{"service":7}`)["heartBeat"], any("7"))
		same(t, "nothing", s.hint(t, "DELETE /heartbeat", `{}`), "no service provided")
		same(t, "no body", s.hint(t, "DELETE /heartbeat", ``, jsonType), "body is empty")
		same(t, "null", s.hint(t, "DELETE /", `{"service":null}`), "no service provided")
	})
}

func TestNames(t *testing.T) {
	onEach(t, func(t *testing.T, s tower) {
		names := []string{
			"plain", "two words", "a/b", "/leading", "trailing/", "a//b", `quo"te'`, "100%", "a+b", "%2F", "?q#f", "emoji 😀",
			"..", ".", "Ünïcode", "back\\slash", "<&>", "a;b", strings.Repeat("long 😀", 166) + "1234",
		}
		for _, name := range names {
			s.pulse(t, name, 60)
		}
		same(t, "list", s.heartbeats(t), names)
		for _, name := range names {
			for _, to := range []string{"GET /get/", "GET /heartbeat/", "GET //get/"} {
				answer := s.done(t, to+url.PathEscape(name), "")
				same(t, to+name, answer["heartBeat"].(object)["service"], any(name))
			}
			same(t, "cancel "+name, s.cancel(t, name).(object)["service"], any(name))
		}
		for _, path := range []string{"a/b", "a//b", "/leading", "trailing/"} { // not encoded
			same(t, path, s.done(t, "GET /get/"+path, "")["heartBeat"].(object)["service"], any(path))
		}
		for _, path := range []string{"nobody", "", "PLAIN", "%FF", "a%00b", "%0A", strings.Repeat("x", 5000)} {
			want := object{"hint": "service not found", "result": 500.0}
			same(t, "get "+path, s.call(t, "GET /get/"+path, ""), want)
			same(t, "heartbeat "+path, s.call(t, "GET /heartbeat/"+path, ""), want)
		}
	})
}

func TestHumanDates(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	s := tower{httpapitest.SQLite(t, httpapitest.Options{Zone: paris})}
	beat := s.pulse(t, "a", 3600)
	s.event(t, "a", "m")
	for query, human := range map[string]bool{
		"": false, "humanDates=1": true, "humanDates=0": false, "humanDates=true": false, "humanDates=": false, "humanDates=01": false,
	} {
		last, expected := beat["last"], beat["expected"]
		if human {
			last, expected = "2026-03-01 13:00:00", "2026-03-01 14:00:00"
		}
		for _, path := range []string{"/?", "/heartbeats?"} {
			got := s.done(t, "GET "+path+query, "")["heartBeats"].([]any)[0].(object)
			same(t, path+query, []any{got["last"], got["expected"]}, []any{last, expected})
		}
		got := s.events(t, "service=a&message=^m$&"+query)[0].(object)
		same(t, "events "+query, got["date"], last)
		same(t, "get ignores "+query, s.done(t, "GET /get/a?"+query, "")["heartBeat"], any(beat))
	}
}

// What was made elsewhere is shown in the words of watchTower, and its pulses respect what was made elsewhere.
func TestServicesOfOtherProtocols(t *testing.T) {
	s := onSQLite(t)
	ctx := context.Background()
	create := func(settings api.ServiceSettings) string {
		made, err := s.Services.Create(ctx, settings)
		if err != nil {
			t.Fatal(err)
		}
		return made.ID
	}
	create(api.ServiceSettings{Name: "silent", NextIn: 60})
	cron := create(api.ServiceSettings{Name: "cron", Cron: "30 13 * * *", TimeZone: "UTC", Grace: 600, Tags: []string{"t"}})
	own := create(api.ServiceSettings{Name: "own", NextIn: 300, Grace: 30})
	held := create(api.ServiceSettings{Name: "held", NextIn: 300, ManualResume: true})
	same(t, "none has pulsed", s.heartbeats(t), []string{})
	same(t, "get", s.hint(t, "GET /get/silent", ""), "service not found")

	ping := func(id string) { // a pulse that says nothing of a next one
		if r := s.Ask(t, httpapitest.Ask{To: "GET /ping/" + id}); r.Status != 200 {
			t.Fatal(r.Body)
		}
	}
	ping(cron)
	same(t, "cron: until 13:30", s.get(t, "cron")["nextIn"], 5400.0)
	s.Pass(t, 3*time.Hour)
	same(t, "cron, dead", []any{s.get(t, "cron")["nextIn"], s.get(t, "cron")["alerted"]}, []any{5400.0, true})
	same(t, "a stated nextIn rules", s.pulse(t, "cron", 60)["nextIn"], 60.0)
	ping(cron)
	same(t, "cron again: tomorrow at 13:30", s.get(t, "cron")["nextIn"], 22.5*3600)

	s.pulse(t, "own", 60)
	same(t, "stated", s.get(t, "own")["nextIn"], 60.0)
	ping(own)
	same(t, "its own", s.get(t, "own")["nextIn"], 300.0)
	kept, err := s.Services.ByName(ctx, "own")
	if err != nil || kept.Grace != 30 {
		t.Errorf("grace of %+v, error %v", kept, err)
	}

	ping(held)
	same(t, "held", s.cancel(t, "held").(object)["cancelled"], true)
	same(t, "a pulse does not end a pause by hand", s.pulse(t, "held", 60)["cancelled"], true)
	same(t, "never pulsed, cancelled", s.cancel(t, "silent").(object)["cancelled"], true)
	same(t, "pulsed", s.heartbeats(t), []string{"cron", "own", "held"})
}

func TestLongListOfHeartbeats(t *testing.T) {
	s := onSQLite(t)
	var want []string
	for i := range 150 { // beyond one buffer
		want = append(want, fmt.Sprintf("%03d %s", i, strings.Repeat("<é>", 200)))
		s.pulse(t, want[i], 60)
	}
	same(t, "services", s.heartbeats(t), want)
}

func TestPulsesAreTold(t *testing.T) {
	var told []string
	s := tower{httpapitest.SQLite(t, httpapitest.Options{
		NotePulse: func(_ context.Context, service string, pair api.LegacyTarget) {
			told = append(told, service+" "+pair.AlertType+" "+pair.AlertTarget)
		},
	})}
	s.pulse(t, "a", 60)
	s.hint(t, "POST /heartbeat", `{"service":"b","alertType":"x","alertTarget":"y","nextIn":0}`)
	same(t, "told", told, []string{"a mail me@example.org"})
}
