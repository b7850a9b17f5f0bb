package api

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseLevel(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Level{
		"0": 0, "3": 3, " 3 ": 3, "-2": -2, "+2": 2, "99": 99, "3000000000": 3_000_000_000,
		"2.9": 2, "-2.9": -2, "1e2": 100, "9007199254740993": maxLevel, "-1e400": -maxLevel, "1e400": maxLevel,
		"debug": 0, "info": 1, "notice": 1, "warn": 2, "Warning": 2, "ERROR": 3, "err": 3, "critical": 4, "crit": 4, "fatal": 4,
		"alert": 4, "emerg": 4, "emergency": 4, " Info\n": 1,
	} {
		if got, ok := ParseLevel(text); !ok || got != want {
			t.Errorf("%q: %d, %v, want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", " ", "high", "0x10", "1_000", "NaN", "Inf", "-", ".", "e", "1-1", "--1", "1 2", "info!", "infinity"} {
		if got, ok := ParseLevel(text); ok || got != 0 {
			t.Errorf("%q: %d, %v", text, got, ok)
		}
	}
}

func TestLevelInJSON(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Level{
		`3`: 3, `3.7`: 3, `-1`: -1, `"3"`: 3, `"warning"`: 2, `"WARNING"`: 2, `1e1`: 10, `"\u0033"`: 3, `null`: 7,
	} {
		got := Level(7)
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{`"loud"`, `""`, `true`, `[]`, `{}`} {
		got := Level(7)
		if err := json.Unmarshal([]byte(text), &got); KindOf(err) != KindInvalid && err == nil || got != 7 {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	if text, err := json.Marshal(LevelError); err != nil || string(text) != "3" {
		t.Errorf("written %s, %v", text, err)
	}
}

func TestLevelNames(t *testing.T) {
	t.Parallel()
	for level, want := range map[Level]string{-5: "debug", 0: "debug", 1: "info", 2: "warning", 3: "error", 4: "critical", 99: "critical"} {
		if got := level.Name(); got != want {
			t.Errorf("%d is %q, want %q", level, got, want)
		}
		if back, ok := ParseLevel(level.Name()); level >= 0 && level <= 4 && (!ok || back != level) {
			t.Errorf("%q is read back as %d", level.Name(), back)
		}
	}
}

func FuzzParseLevel(f *testing.F) {
	for _, text := range []string{"3", "warning", "-2.9", "1e400", "", "NaN", "9223372036854775808", "ſ"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		level, ok := ParseLevel(text)
		if !ok && level != 0 || level > maxLevel || level < -maxLevel {
			t.Fatalf("%q: %d, %v", text, level, ok)
		}
		written, err := json.Marshal(level)
		if err != nil {
			t.Fatal(err)
		}
		var again Level
		if err := json.Unmarshal(written, &again); err != nil || again != level {
			t.Fatalf("%q: %d, read back %d, %v", text, level, again, err)
		}
	})
}

func TestEventInput(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   EventInput
		want []string
	}{
		"an event":           {EventInput{Service: "backup", Message: "done\n"}, nil},
		"the longest":        {EventInput{Service: "backup", Message: strings.Repeat("x", MaxEventMessage)}, nil},
		"too long":           {EventInput{Service: "backup", Message: strings.Repeat("x", MaxEventMessage+1)}, []string{"body[3].message"}},
		"no service":         {EventInput{Message: "x"}, []string{"body[3].service"}},
		"a service with NUL": {EventInput{Service: "a\x00", Message: "x"}, []string{"body[3].service"}},
		"no message":         {EventInput{Service: "a"}, []string{"body[3].message"}},
		"nothing":            {EventInput{}, []string{"body[3].service", "body[3].message"}},
	} {
		var f Fields
		c.in.Check("body[3]", &f)
		if c.want != nil {
			wantFields(t, name, f.Err(), c.want...)
		} else if len(f) > 0 {
			t.Errorf("%s: %v", name, f.Err())
		}
	}
}

func TestEventsAreDated(t *testing.T) {
	t.Parallel()
	now := moment(0)
	for name, c := range map[string]struct{ told, want Time }{
		"now":                     {0, now},
		"earlier":                 {now - 5000, now - 5000},
		"long ago":                {1000, 1000},
		"within an hour":          {now + 3_600_000, now + 3_600_000},
		"more than an hour ahead": {now + 3_600_001, now},
	} {
		in := EventInput{Service: "backup", Message: "a\x00", Level: 2, Time: c.told, Alert: true}
		want := Event{Service: "backup", Message: "a\uFFFD", Level: 2, Alert: true, Time: c.want, ReceivedAt: now}
		if diff := cmp.Diff(want, in.Event(now)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestCompilePattern(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "anything", true},
		{"run.*succ", "a RUN that\nSUCCeeded", true},
		{"^run$", "run", true},
		{"^run$", "a\nrun\nb", false},
		{"(?-i)Run", "run", false},
		{"größe", "GRÖSSE", false},
		{"größe", "GRÖßE", true},
		{strings.Repeat("a", MaxEventPattern), strings.Repeat("A", MaxEventPattern), true},
		{"a{900}b{900}", "x", false},
	} {
		re, err := CompilePattern("query.message_re", c.pattern)
		if err != nil {
			t.Errorf("%.40q: %v", c.pattern, err)
		} else if got := re.MatchString(c.text); got != c.want {
			t.Errorf("%.40q on %.40q: %v", c.pattern, c.text, got)
		}
	}
}

func TestPatternsThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, pattern := range map[string]string{
		"open":                     "(",
		"of another dialect":       `(?<!a)b`,
		"a reference back":         `(a)\1`,
		"a count that is too high": "a{1001}",
		"counts within counts":     "((a{100}){100}){100}",
		"counts that add up":       strings.Repeat("a{500}", 5),
		"many counts":              strings.Repeat(".{1000}", 140),
		"not text":                 "\xff",
		"too long":                 strings.Repeat("a", MaxEventPattern+1),
	} {
		_, err := CompilePattern("query.message_re", pattern)
		wantFields(t, name, err, "query.message_re")
		if strings.Contains(err.Error(), "(?is)") {
			t.Errorf("%s: the text shows what was put before the pattern: %v", name, err)
		}
	}
}

func FuzzCompilePattern(f *testing.F) {
	for _, pattern := range []string{"run.*succ", "(a+)+$", "(.{0,30}){30}", "[[:alpha:]]{3}", `\pL*`, "(", "a{1000}", "(?i:x)|y"} {
		f.Add(pattern, strings.Repeat("aA\n", 50))
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		re, err := CompilePattern("query.service_re", pattern)
		if err != nil {
			if KindOf(err) != KindInvalid {
				t.Fatalf("%q: %v", pattern, err)
			}
			return
		}
		steps := patternSteps(re)
		if len(pattern) > MaxEventPattern || steps < 1 || steps > MaxPatternSteps {
			t.Fatalf("%q: %d steps", pattern, steps)
		}
		re.MatchString(CutText(text, 10_000))
	})
}

func TestLevelsSurviveAsNumbers(t *testing.T) {
	t.Parallel()
	for _, level := range []Level{maxLevel, -maxLevel, 0, math.MaxInt32 + 1} {
		text, _ := json.Marshal(level)
		var f float64
		if err := json.Unmarshal(text, &f); err != nil || Level(f) != level {
			t.Errorf("%d is read by JavaScript as %f", level, f)
		}
	}
}
