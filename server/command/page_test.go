package command

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestTextOfStrangers(t *testing.T) {
	tests := map[string]string{
		"plain":                  "plain",
		"größer 日本 🎉":            "größer 日本 🎉",
		"two\nlines\tand\r":      "two lines and\ufffd",
		"\x1b[2J\x07":            "\ufffd[2J\ufffd",
		"a\u202egnp.exe":         "a\ufffdgnp.exe",
		"\u2028\u2066\u200f\x9b": "\ufffd\ufffd\ufffd\ufffd",
		"\xff":                   "\ufffd",
		strings.Repeat("ä", 301): strings.Repeat("ä", 299) + "…",
		strings.Repeat("ä", 300): strings.Repeat("ä", 300),
	}
	for text, want := range tests {
		if got := shown(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

func FuzzTextOfStrangers(f *testing.F) {
	f.Add("plain")
	f.Add("\x1b]0;title\x07\u202e\r\n\xff\u2029")
	f.Fuzz(func(t *testing.T, text string) {
		got := shown(text)
		if shown(got) != got {
			t.Errorf("%q is shown as %q, and that as %q", text, got, shown(got))
		}
		if strings.ContainsFunc(got, func(r rune) bool {
			return r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
		}) {
			t.Errorf("%q", got)
		}
	})
}

func TestTable(t *testing.T) {
	var out bytes.Buffer
	p := (&run{Process: Process{Out: &out, Zone: time.UTC}, now: time.Now}).page()
	p.fields(field{"name", "a\nb"}, field{"empty", ""}, field{"longer name", "c"})
	p.line("%s and %d", "\x1b", 7)
	tab := p.table("A", "LONG HEAD", "C")
	tab.row("a", "b\tb", "c")
	tab.row("aaa", "\x00", "cc")
	tab.end("none")
	if err := p.table("A").flush("there are none"); err != nil {
		t.Fatal(err)
	}
	want := "name         a b\nlonger name  c\n\ufffd and 7\n" +
		"A    LONG HEAD  C\na    b b        c\naaa  \ufffd          cc\nthere are none\n"
	if out.String() != want {
		t.Errorf("%s\nwant\n%s", out.String(), want)
	}
}
