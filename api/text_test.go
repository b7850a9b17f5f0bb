package api

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCleanText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                   "",
		"plain ü 🚀\r\n\t":    "plain ü 🚀\r\n\t",
		"a\x00b":             "a\uFFFDb",
		"\x00\x00":           "\uFFFD\uFFFD",
		"a\xffb":             "a\uFFFDb",
		"cut \xe2\x82":       "cut \uFFFD",
		"\xed\xa0\x80":       "\uFFFD", // half a surrogate pair
		"both \x00 and \xc0": "both \uFFFD and \uFFFD",
	} {
		if got := CleanText(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestCutText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"short", 10, "short"},
		{"exact", 5, "exact"},
		{"longer", 5, "longe"},
		{"anything", 0, ""},
		{"aü", 2, "a"},
		{"aü", 3, "aü"},
		{"🚀🚀", 7, "🚀"},
		{"🚀", 3, ""},
	} {
		if got := CutText(c.text, c.limit); got != c.want {
			t.Errorf("%q to %d bytes: %q, want %q", c.text, c.limit, got, c.want)
		}
	}
}

func FuzzCleanText(f *testing.F) {
	for _, text := range []string{"", "a\x00b", "\xff\xfe", "ü", "\xed\xa0\x80", strings.Repeat("x", 100)} {
		f.Add(text, 3)
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		clean := CleanText(text)
		if !utf8.ValidString(clean) || strings.Contains(clean, "\x00") || CleanText(clean) != clean {
			t.Fatalf("%q: %q", text, clean)
		}
		if utf8.ValidString(text) && !strings.Contains(text, "\x00") && clean != text {
			t.Fatalf("%q was clean and became %q", text, clean)
		}
		if limit < 0 {
			return
		}
		cut := CutText(clean, limit)
		if len(cut) > limit || !utf8.ValidString(cut) || !strings.HasPrefix(clean, cut) || len(cut) < min(len(clean), limit)-utf8.UTFMax+1 {
			t.Fatalf("%q to %d bytes: %q", clean, limit, cut)
		}
	})
}
