package api

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestScopes(t *testing.T) {
	t.Parallel()
	may := map[Scope][]Scope{
		ScopeRead:    {ScopeRead},
		ScopePulse:   {ScopePulse},
		ScopeEvent:   {ScopeEvent},
		ScopeMetrics: {ScopeMetrics},
		ScopeOperate: {ScopeRead, ScopeOperate},
		ScopeJobs:    {ScopeJobs},
		ScopeAdmin:   Scopes,
	}
	if len(may) != len(Scopes) {
		t.Errorf("%d scopes are in the table, %d exist", len(may), len(Scopes))
	}
	for holder, want := range may {
		var got []Scope
		for _, needed := range Scopes {
			if holder.Includes(needed) {
				got = append(got, needed)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || !holder.Valid() {
			t.Errorf("%s may (-want +got):\n%s", holder, diff)
		}
	}
	for _, s := range []Scope{"", "Read", "all"} {
		if s.Valid() || ScopeOperate.Includes(s) {
			t.Errorf("%q is a scope", s)
		}
	}
}

func TestTokenInput(t *testing.T) {
	t.Parallel()
	good := TokenInput{Name: "backup script", Scopes: []Scope{ScopePulse, ScopeEvent}, Match: "backup-*"}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*TokenInput)
		want   string // the location
	}{
		"no name":                   {func(in *TokenInput) { in.Name = "" }, "name"},
		"a long name":               {func(in *TokenInput) { in.Name = strings.Repeat("ü", 101) }, "name"},
		"a name with a line break":  {func(in *TokenInput) { in.Name = "a\nb" }, "name"},
		"no scope":                  {func(in *TokenInput) { in.Scopes = nil }, "scope"},
		"an unknown scope":          {func(in *TokenInput) { in.Scopes = []Scope{ScopeRead, "write"} }, "scope"},
		"a long pattern":            {func(in *TokenInput) { in.Match = strings.Repeat("x", 1001) }, "match"},
		"a pattern with NUL":        {func(in *TokenInput) { in.Match = "a\x00" }, "match"},
		"a pattern that is no text": {func(in *TokenInput) { in.Match = "\xff*" }, "match"},
	} {
		in := good
		c.change(&in)
		wantFields(t, name, in.Validate(), c.want)
	}
	long := good
	long.Name, long.Match = strings.Repeat("ü", 100), strings.Repeat("ü", 1000)
	if err := long.Validate(); err != nil {
		t.Errorf("as long as allowed: %v", err)
	}
}

// wantFields checks that an error says exactly which fields are wrong.
func wantFields(t *testing.T, name string, err error, want ...string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Kind != KindInvalid {
		t.Errorf("%s: %v", name, err)
		return
	}
	var got []string
	for _, f := range e.Fields {
		got = append(got, f.Location)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: fields (-want +got):\n%s", name, diff)
	}
}

func TestMatchName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "anything", true},
		{"*", "", true},
		{"backup", "backup", true},
		{"backup", "backup2", false},
		{"backup", "Backup", false},
		{"backup-*", "backup-", true},
		{"backup-*", "backup-db", true},
		{"backup-*", "my-backup-db", false},
		{"*-db", "backup-db", true},
		{"*-db", "db", false},
		{"a*b*c", "abc", true},
		{"a*b*c", "a-b-b-c", true},
		{"a*b*c", "acb", false},
		{"aba*ba", "aba", false}, // the ends must not share letters
		{"a*a", "a", false},
		{"a*a", "aa", true},
		{"**", "x", true},
		{"a.c", "abc", false},
		{"[ab]*", "a", false},
		{"*ü*", "grün", true},
	} {
		if got := MatchName(c.pattern, c.name); got != c.want {
			t.Errorf("%q on %q: %v", c.pattern, c.name, got)
		}
	}
}

func FuzzMatchName(f *testing.F) {
	f.Add("a*b*c", "aXbYc")
	f.Add("*ab*ab", "abab")
	f.Add("aba*ba", "aba")
	f.Add("", "x")
	f.Add("a.*\n", "a.\n\n")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if !utf8.ValidString(pattern) || !utf8.ValidString(name) {
			return // expressions know characters only
		}
		literals := strings.Split(pattern, "*")
		for i, literal := range literals {
			literals[i] = regexp.QuoteMeta(literal)
		}
		want := pattern == "" || regexp.MustCompile(`(?s)\A`+strings.Join(literals, ".*")+`\z`).MatchString(name)
		if got := MatchName(pattern, name); got != want {
			t.Errorf("%q on %q: %v", pattern, name, got)
		}
	})
}
