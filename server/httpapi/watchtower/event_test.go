package watchtower_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/httpapi/httpapitest"
)

func TestEventHintsComeInOrder(t *testing.T) {
	s := onSQLite(t)
	for body, want := range map[string]string{
		`{}`:                                        "no service provided",
		`[1]`:                                       "no service provided",
		`{"message":"m"}`:                           "no service provided",
		`{"service":{},"message":"m"}`:              "no service provided",
		`{"service":"a"}`:                           "no message provided",
		`{"service":"a","message":null}`:            "no message provided",
		`{"service":"","message":["m"]}`:            "no message provided",
		`{"service":"","message":"m"}`:              "service must not be empty",
		`{"service":"a\n","message":"m"}`:           "service must not contain control characters",
		"{\"service\":\"a\xff\",\"message\":\"m\"}": "service must be valid UTF-8",
		`{"service":"a","message":"` + strings.Repeat("x", 1<<20+1) + `"}`: "message must be at most 1048576 bytes",
		`{"service":"a","message":"C:\dir`:                                 "invalid character 'd' in string escape code",
	} {
		for _, to := range []string{"POST /add-event", "POST /event"} {
			if got := s.hint(t, to, body); !strings.Contains(got, want) {
				t.Errorf("%s %.80s: %q, want %q", to, body, got, want)
			}
		}
	}
	same(t, "stored", s.events(t, ""), []any{})
}

func TestLevels(t *testing.T) {
	onEach(t, func(t *testing.T, s tower) {
		levels := map[string]float64{
			`0`: 0, `3`: 3, `-2`: -2, `2.9`: 2, `-2.9`: -2, `1e2`: 100, `4000000000`: 4e9, `"3"`: 3, `" 3 "`: 3, `"-1"`: -1,
			`"debug"`: 0, `"INFO"`: 1, `"notice"`: 1, `"Warn"`: 2, `"warning"`: 2, `"error"`: 3, `"ERR"`: 3, `"critical"`: 4,
			`"crit"`: 4, `"fatal"`: 4, `"alert"`: 4, `"emerg"`: 4, `"Emergency"`: 4, `"strange"`: 0, `""`: 0, `"2.7"`: 0,
			`"1e1"`: 0, `null`: 0, `true`: 0, `[3]`: 0, `{}`: 0,
		}
		for level := range levels {
			s.done(t, "POST /event", `{"service":"a","message":`+text(level)+`,"level":`+level+`}`)
		}
		got := map[string]float64{}
		for _, e := range s.events(t, "") {
			got[e.(object)["message"].(string)] = e.(object)["level"].(float64)
		}
		same(t, "levels", got, levels)
		r := s.Ask(t, httpapitest.Ask{To: "GET /api/v1/events?message=strange"})
		if !strings.Contains(r.Body, `"level_text":"strange"`) {
			t.Errorf("the text of an unknown level is lost: %s", r.Body)
		}
	})
}

func TestEventFilterByLevel(t *testing.T) {
	onEach(t, func(t *testing.T, s tower) {
		for level := -1; level <= 5; level++ {
			s.event(t, "a", fmt.Sprint(level), "level", level)
		}
		s.pulse(t, "job", 60)
		s.Pass(t, time.Minute) // stored with level 3, shown with 0
		all := []string{deadText, "Service job is up (was new)", "5", "4", "3", "2", "1", "0", "-1"}
		for query, want := range map[string][]string{
			"level=3": {"5", "4", "3"}, "level=6": {}, "level=5": {"5"}, "level=warning": {"5", "4", "3", "2"},
			"level=1": {"Service job is up (was new)", "5", "4", "3", "2", "1"}, "level=-1": all, "level=": all, "level=x": all,
			"level=%203": {"5", "4", "3"}, "": all, "level=0": all[:8],
		} {
			same(t, query, s.messages(t, query), want)
		}
	})
}

func TestEventWindow(t *testing.T) {
	onEach(t, func(t *testing.T, s tower) {
		s.event(t, "a", "too old")
		s.Clock.Advance(500 * time.Millisecond)
		s.event(t, "a", "oldest")
		s.Clock.Advance(24*time.Hour - 1500*time.Millisecond)
		s.event(t, "a", "last")
		start := s.Clock.Now().Add(time.Second - 24*time.Hour).Unix() // of "too old" and "oldest"
		last := s.Clock.Now().Unix()
		query := func(from, to any) string { return fmt.Sprintf("from=%v&to=%v", from, to) }
		all := []string{"last", "oldest", "too old"}
		s.Clock.Advance(time.Second)
		for name, c := range map[string]struct {
			query string
			want  []string
		}{
			"a day by default":     {"", all},
			"both ends":            {query(start, last), all},
			"blanks":               {query(fmt.Sprintf("%%20%d", start), fmt.Sprintf("%d%%20", last)), all},
			"beginning too late":   {query(start+1, last), []string{"last"}},
			"ending too early":     {query(start, last-1), all[1:]},
			"from after to":        {query(last, start), []string{}},
			"bad from":             {query("x", last), all},
			"fraction":             {query("5.5", "7.5"), all},
			"bad to":               {query(last, "tomorrow"), []string{"last"}},
			"from the beginning":   {query(0, last), all},
			"before the beginning": {query(-5, last), all},
			"in the far future":    {query(start, "99999999999999"), all},
			"beyond all numbers":   {query(start, strings.Repeat("9", 30)), all},
			"from the far future":  {query("99999999999999", "99999999999999999"), []string{}},
			"to the beginning":     {query(0, 0), []string{}},
			"to long ago":          {query(0, "-"+strings.Repeat("9", 30)), []string{}},
		} {
			same(t, name, s.messages(t, c.query), c.want)
		}
		s.Clock.Advance(time.Second)
		same(t, "a day and a second later", s.messages(t, ""), []string{"last"})
	})
}

func TestNewestEventsFirst(t *testing.T) {
	onEach(t, func(t *testing.T, s tower) {
		var want []string
		for i := range 9 {
			s.event(t, "a", fmt.Sprint(i))
			want = append([]string{fmt.Sprint(i)}, want...)
			if i%3 == 2 {
				s.Clock.Advance(400 * time.Millisecond)
			}
		}
		same(t, "messages", s.messages(t, ""), want)
	})
}

// Windows are exact across midnight and in the nights in which the clocks change.
func TestEventsAcrossMidnightAndClockChanges(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	for night, hours := range map[string][]string{
		"2026-03-10": {"2026-03-09 22:30:00", "2026-03-09 23:30:00", "2026-03-10 00:30:00", "2026-03-10 01:30:00"},
		"2026-03-29": {"2026-03-29 00:30:00", "2026-03-29 01:30:00", "2026-03-29 03:30:00", "2026-03-29 04:30:00"},
		"2026-10-25": {"2026-10-25 01:30:00", "2026-10-25 02:30:00", "2026-10-25 02:30:00", "2026-10-25 03:30:00"},
	} {
		s := tower{httpapitest.SQLite(t, httpapitest.Options{Zone: paris})}
		first, err := time.ParseInLocation(time.DateTime, hours[0], paris)
		if err != nil {
			t.Fatal(err)
		}
		s.Clock.Set(first)
		for i := range hours {
			s.event(t, "a", fmt.Sprint(i))
			s.Clock.Advance(time.Hour)
		}
		list := s.events(t, fmt.Sprintf("humanDates=1&from=%d&to=%d", first.Unix(), first.Add(3*time.Hour).Unix()))
		var got []string
		for _, e := range list {
			got = append([]string{e.(object)["date"].(string)}, got...)
		}
		same(t, night, got, hours)
		middle := s.messages(t, fmt.Sprintf("from=%d&to=%d", first.Add(time.Hour).Unix(), first.Add(2*time.Hour).Unix()))
		same(t, night+", middle", middle, []string{"2", "1"})
	}
}

func TestEventExpressions(t *testing.T) {
	s := onSQLite(t)
	s.event(t, "web-1", "run was a succes\nof sorts")
	s.event(t, "DB (main)", "Disk full: 100%")
	s.event(t, "café", "naïve\ttab")
	all := s.messages(t, "")
	for query, want := range map[string][]string{
		"service=web":                   {all[2]},
		"service=":                      all,
		"service=&message=":             all,
		"service=WEB-\\d":               {all[2]},
		"service=^b":                    {},
		"service=\\(MAIN\\)":            {all[1]},
		"service=caf.$":                 {all[0]},
		"message=run.*sorts":            {all[2]},
		"message=^of":                   {},
		"message=(?m)^of":               {all[2]},
		"message=disk|naïve":            all[:2],
		"message=\\bfull\\b":            {all[1]},
		"message=\\s":                   all,
		"service=web&message=disk":      {},
		"service=.&message=%":           {all[1]},
		"message=" + "(a*)*(a*)*z$":     {},
		"message=(x+x+)+y&service=":     {},
		"service=^(?:web|db).*&level=x": {all[1], all[2]},
	} {
		name, pattern, _ := strings.Cut(query, "=")
		rest := ""
		if i := strings.LastIndex(pattern, "&"); i >= 0 {
			pattern, rest = pattern[:i], pattern[i:]
		}
		if name, value, found := strings.Cut(rest, "="); found {
			rest = name + "=" + url.QueryEscape(value)
		}
		same(t, query, s.messages(t, name+"="+url.QueryEscape(pattern)+rest), want)
	}
	for pattern, want := range map[string]string{
		"(":                                    "missing closing )",
		"a**":                                  "is not a regular expression",
		"(?=x)":                                "is not a regular expression",
		`(a)\1`:                                "is not a regular expression",
		"\xff":                                 "is not a regular expression",
		strings.Repeat("a", 1001):              "must be at most 1000 bytes",
		strings.Repeat("(a{1,100}){1,10}", 50): "repeats too much",
	} {
		for _, name := range []string{"service", "message"} {
			got := s.hint(t, "GET /events?"+name+"="+url.QueryEscape(pattern), "")
			if !strings.HasPrefix(got, name+" ") || !strings.Contains(got, want) {
				t.Errorf("%.40s: %q, want %q", pattern, got, want)
			}
		}
	}
}

// An expression that would keep a backtracking matcher busy for ever is done in no time.
func TestCatastrophicExpression(t *testing.T) {
	s := onSQLite(t)
	s.event(t, "a", strings.Repeat("a", 1<<20))
	began := time.Now()
	same(t, "found", s.events(t, "message="+url.QueryEscape("^(a+)+$b")), []any{})
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestAlertForms(t *testing.T) {
	s := onSQLite(t)
	forms := map[string]bool{
		`true`: true, `1`: true, `"1"`: true, `"true"`: true, `"TRUE"`: true, `"yes"`: true, `" Yes "`: true, `false`: false,
		`0`: false, `"false"`: false, `"no"`: false, `""`: false, `null`: false, `2`: false, `[true]`: false, `"0"`: false,
	}
	for form := range forms {
		s.done(t, "POST /event", `{"service":"a","message":`+text(form)+`,"alert":`+form+`}`)
	}
	s.done(t, "POST /event", "service=a&message=form&alert=True", formType)
	forms["form"] = true
	got := map[string]bool{}
	for _, e := range s.events(t, "") {
		got[e.(object)["message"].(string)] = e.(object)["alert"].(bool)
	}
	same(t, "alerts", got, forms)
}

func TestMessagesAreKeptAsSent(t *testing.T) {
	onEach(t, func(t *testing.T, s tower) {
		messages := []string{
			"a;b---c", `"quoted" 'too'`, "line\nbreak\r\nand\ttab", "", " ", "ü 😀 \u2028", `back\slash`, "<b>&amp;</b>",
			strings.Repeat("x", 1<<20), strings.Repeat("😀", 1<<18), "\x01\x1f\x7f",
		}
		for i, message := range messages {
			s.Clock.Advance(time.Second)
			if i%2 == 0 {
				s.event(t, "a", message)
				continue
			}
			s.done(t, "POST /add-event", url.Values{"service": {"a"}, "message": {message}}.Encode(), formType)
		}
		// What the databases cannot keep becomes U+FFFD.
		s.Clock.Advance(time.Second)
		s.done(t, "POST /event", "{\"service\":\"a\",\"message\":\"\\u0000 \xff\xfe \\ud800\"}")
		s.Clock.Advance(time.Second)
		s.done(t, "POST /event", "service=a&message=%00+%ff", formType)
		messages = append(messages, "\uFFFD \uFFFD\uFFFD \uFFFD", "\uFFFD \uFFFD")
		got := s.messages(t, "service=^a$")
		for i, want := range messages {
			if message := got[len(got)-1-i]; message != want {
				t.Errorf("message %d: %.60q, want %.60q", i, message, want)
			}
		}
	})
}

// Of a message whose every byte had to be escaped the limit is counted in what it says.
func TestEscapedMessageOfTheLongestKind(t *testing.T) {
	s := onSQLite(t)
	s.done(t, "POST /event", `{"service":"a","message":"`+strings.Repeat(`\u0041`, 1<<20)+`"}`)
	if got := s.messages(t, "")[0]; got != strings.Repeat("A", 1<<20) {
		t.Errorf("message of %d bytes", len(got))
	}
	s.done(t, "POST /event", "service=a&message="+strings.Repeat("%41", 1<<20), formType)
}

func TestTruncatedListSaysSo(t *testing.T) {
	s := tower{httpapitest.SQLite(t, httpapitest.Options{ListLimit: 3})}
	for i := range 3 {
		s.event(t, "a", fmt.Sprint(i))
	}
	same(t, "all", s.done(t, "GET /events", "")["truncated"], nil)
	s.event(t, "a", "3")
	answer := s.done(t, "GET /list-events", "")
	same(t, "some", texts(answer["events"], "message"), []string{"3", "2", "1"})
	same(t, "truncated", answer["truncated"], true)
	same(t, "narrowed", s.done(t, "GET /list-events?message=[012]", "")["truncated"], nil)
}

// Who writes an event with the words of the server does not get its level.
func TestOnlyTheServersOwnEventsAreShownWithLevelZero(t *testing.T) {
	s := onSQLite(t)
	s.event(t, "job", deadText, "level", int(api.LevelCritical))
	same(t, "level", s.events(t, "")[0].(object)["level"], 4.0)
}
