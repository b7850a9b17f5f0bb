package api

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

func mustMatchers(tb testing.TB, texts ...string) Matchers {
	tb.Helper()
	m, err := ParseMatchers(texts...)
	if err != nil {
		tb.Fatalf("%q: %v", texts, err)
	}
	return m
}

func TestMatchers(t *testing.T) {
	t.Parallel()
	labels := Labels{"name": {"db1"}, "kind": {"service"}, "tag": {"prod", "db"}, "level": {"error"}, "text": {"a\nb"}}
	for text, want := range map[string]bool{
		"": true, " ": true,
		`name="db1"`: true, `name="DB1"`: false, `name="db"`: false, `name!="db1"`: false, `name!="db2"`: true,
		`name=~"db"`: false, `name=~"db.*"`: true, `name=~"x|db1"`: true, `name=~"x|db1|y"`: true, `name=~"db1|"`: true, `name!~"db.*"`: false,
		`name=~"^db1$"`: true, `name=~"(?i)DB1"`: true, `name=~"\\Qdb1"`: true, `name=~"\\Qdb"`: false, `name=~"d??b1??"`: true, `name=~"db1$|^x"`: true,
		`tag="prod"`: true, `tag="db"`: true, `tag="staging"`: false, `tag!="db"`: false, `tag!="staging"`: true,
		`tag=~"pr.*"`: true, `tag!~"pr.*"`: false, `tag="prod",tag="db"`: true, `tag="prod", tag="web"`: false,
		`host=""`: true, `host!=""`: false, `host=~".*"`: true, `host=~".+"`: false, `host="h1"`: false, `host!="h1"`: true,
		`level="error"`: true, `level="3"`: true, `level="2"`: false, `level="ERROR"`: true, `level!="error"`: false, `level=~"error|critical"`: true,
		`text=~"a.b"`: true, `name = "db1" , tag =~ "p.*",`: true, "name=`db1`": true, `name="db\x31"`: true,
	} {
		if got := mustMatchers(t, text).Match(labels); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestMatchersThatAreNot(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`name`:                         "must be matchers such as",
		`=“db1”`:                       "must be matchers such as",
		`name="a" tag="b"`:             "a comma must separate",
		`,name="a"`:                    "must be matchers such as",
		`name="a",,tag="b"`:            "must be matchers such as",
		`name=db1`:                     `as in name="db1"`,
		`name='a'`:                     `must stand in double quotes`,
		`name="a`:                      `must stand in double quotes`,
		`name=="a"`:                    `must stand in double quotes`,
		`name>"a"`:                     "must be matchers such as",
		`1a="b"`:                       "must be matchers such as",
		`a b="c"`:                      "must be matchers such as",
		`name="\xff"`:                  "must be valid UTF-8",
		`name=~"("`:                    "is not a regular expression of the RE2 dialect: missing closing )",
		`name=~")|("`:                  "is not a regular expression",
		`name!~"a{1001}"`:              "is not a regular expression",
		`name=~"((a{100}){100}){100}"`: "is not a regular expression",
		`name="` + strings.Repeat("x", MaxMatcherLength) + `"`: "at most 1000 bytes",
		`name="` + strings.Repeat("\u00ad", 200) + `"`:         "at most 1000 bytes", // kept as escapes
		strings.Repeat(`a="b",`, MaxMatchers+1):                "at most 20 matchers",
		strings.Repeat("a", 101) + `="b"`:                      "must be matchers such as",
	} {
		if _, err := ParseMatchers(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %s", text, err, want)
		}
	}
}

func TestMatchersInJSON(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`"name=\"a\""`:                `["name=\"a\""]`,
		`"name=\"a\", tag=~\"b|c\""`:  `["name=\"a\"","tag=~\"b|c\""]`,
		`["name=\"a\"","tag!=\"b\""]`: `["name=\"a\"","tag!=\"b\""]`,
		`[]`:                          `[]`, `""`: `[]`, `null`: `[]`,
	} {
		var m Matchers
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := json.Marshal(m); err != nil || string(got) != want {
			t.Errorf("%s: %s %v", text, got, err)
		}
	}
	for _, text := range []string{`7`, `{}`, `[7]`, `["name"]`, `true`} {
		if err := json.Unmarshal([]byte(text), new(Matchers)); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}

func TestLabelsOfAService(t *testing.T) {
	t.Parallel()
	s := ServiceSettings{Name: "db1", Host: "h1", Tags: []string{"a", "b"}}
	for text, want := range map[string]bool{
		`name="db1",host="h1",tag="a",tag="b",kind="service",level="error"`: true, `level="warning"`: false, `kind="host"`: false,
	} {
		if got := mustMatchers(t, text).Match(s.Labels(LevelError)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if !mustMatchers(t, `host="",tag=""`).Match((&ServiceSettings{Name: "x"}).Labels(LevelError)) {
		t.Error("a service without host and tags has some")
	}
}

func TestWithin(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"db*", "*", "a.b", "*-*", "(", "db[1]*", "x"} {
		m := Matchers{Within(pattern)}
		again := mustMatchers(t, m.String())
		for _, name := range []string{"db", "db1", "a.b", "aXb", "a-b", "(", "db[1]x", "x", "", "db\n1"} {
			want := MatchName(pattern, name)
			if m.Match(Labels{LabelName: {name}}) != want || again.Match(Labels{LabelName: {name}}) != want {
				t.Errorf("%q of %q: %v is wanted", name, pattern, want)
			}
		}
		if !again.Has(Within(pattern)) || again.Has(Within(pattern+"!")) {
			t.Errorf("%q is not found again", pattern)
		}
	}
}

// FuzzParseMatchers wants that what is read can be written and read again with the same meaning, and that a pattern
// matches what Go's own whole match of it does.
func FuzzParseMatchers(f *testing.F) {
	for _, text := range []string{
		`name="db1"`, `tag=~"prod|staging", name!~"x.*"`, `a=~"(?i)b",`, "x=`y`", `a="\u00ad\x00"`, `a=~")("`, `level="3"`, `name=~"\\Qdb1"`, `a=~"x\\"`, `a=~"(?s:.)$"`,
	} {
		f.Add(text, "db1")
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		m, err := ParseMatchers(text)
		if err != nil {
			return
		}
		again, err := ParseMatchers(m.String())
		if err != nil {
			t.Fatalf("%q is written as %q: %v", text, m.String(), err)
		}
		if m.String() != again.String() || len(m) > MaxMatchers {
			t.Fatalf("%q becomes %q, then %q", text, m.String(), again.String())
		}
		for _, one := range m {
			labels := Labels{one.Label: {value}}
			alone := Matchers{one}.Match(labels)
			if alone != (Matchers{again[0]}).Match(labels) && len(m) == 1 {
				t.Fatalf("%q means something else when read again", text)
			}
			if one.Op == MatchRegexp {
				whole, err := regexp.Compile(`\A(?s:` + one.Value + `)\z`)
				if err == nil && alone != whole.MatchString(value) {
					t.Fatalf("%s of %q: %v", one, value, alone)
				}
			}
		}
	})
}
