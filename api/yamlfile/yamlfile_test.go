package yamlfile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func text(line int, is string) Node { return Node{Kind: Text, Line: line, Text: is} }

func list(line int, items ...Node) Node { return Node{Kind: List, Line: line, Items: items} }

func dict(line int, pairs ...Pair) Node { return Node{Kind: Map, Line: line, Pairs: pairs} }

func none(line int) Node { return Node{Kind: None, Line: line} }

func TestFilesAreReadAsTheyStand(t *testing.T) {
	for file, want := range map[string]Node{
		"":                   none(1),
		"# nothing\n":        none(1),
		"hello":              text(1, "hello"),
		"\n- a\n- \"b\"\n":   list(2, text(2, "a"), text(3, "b")),
		"a: x\n---\n# end\n": dict(1, Pair{"a", 1, text(1, "x")}),
		"---\na: x\n...\n":   dict(2, Pair{"a", 2, text(2, "x")}),

		"a: 0123\nb: 1.10\nc: yes\nd: 0x1F\ne: 12:30\nf: .inf\n": dict(1,
			Pair{"a", 1, text(1, "0123")}, Pair{"b", 2, text(2, "1.10")}, Pair{"c", 3, text(3, "yes")},
			Pair{"d", 4, text(4, "0x1F")}, Pair{"e", 5, text(5, "12:30")}, Pair{"f", 6, text(6, ".inf")}),
		"1: a\ntrue: b\n": dict(1, Pair{"1", 1, text(1, "a")}, Pair{"true", 2, text(2, "b")}),
		"a: |\n  one\n  two\nb: >-\n  one\n  two\nc: x\n": dict(1,
			Pair{"a", 1, text(1, "one\ntwo\n")}, Pair{"b", 4, text(4, "one two")}, Pair{"c", 7, text(7, "x")}),

		// What is not there has the line of its key, and a map that of its first key.
		"a:\n\nb: ~\n":            dict(1, Pair{"a", 1, none(1)}, Pair{"b", 3, none(3)}),
		"a:\n  b:\n    c: x\n":    dict(1, Pair{"a", 1, dict(2, Pair{"b", 2, dict(3, Pair{"c", 3, text(3, "x")})})}),
		"a: {}\nb: []\n":          dict(1, Pair{"a", 1, dict(1)}, Pair{"b", 2, list(2)}),
		"- a: x\n  b: y\n-\n- z:": list(1, dict(1, Pair{"a", 1, text(1, "x")}, Pair{"b", 2, text(2, "y")}), none(3), dict(4, Pair{"z", 4, none(4)})),

		// In brackets, too, a colon without a blank behind it is a part of the text.
		"to: [mail:me@example.org]":           dict(1, Pair{"to", 1, list(1, text(1, "mail:me@example.org"))}),
		"[webhook:https://x:1/y, a:b:c, 1:2]": list(1, text(1, "webhook:https://x:1/y"), text(1, "a:b:c"), text(1, "1:2")),
		"[\n  a:b,\n  c: d\n]":                list(1, text(2, "a:b"), dict(3, Pair{"c", 3, text(3, "d")})),
		"[{\"a\":b}]":                         list(1, dict(1, Pair{"a", 1, text(1, "b")})),
		"{to: mail:me@example.org}":           dict(1, Pair{"to", 1, text(1, "mail:me@example.org")}),

		// Lines of other systems, and the mark that some of their editors begin a file with.
		"a: x\r\nb:\r\n- y\r\n\r\n- z\r\n": dict(1, Pair{"a", 1, text(1, "x")}, Pair{"b", 2, list(3, text(3, "y"), text(5, "z"))}),
		"a: |\r\n  one\r\n  two\r\nb: x":   dict(1, Pair{"a", 1, text(1, "one\ntwo\n")}, Pair{"b", 4, text(4, "x")}),
		"a: x\rb: y":                       dict(1, Pair{"a", 1, text(1, "x")}, Pair{"b", 2, text(2, "y")}),
		"\uFEFFa: x\r\n":                   dict(1, Pair{"a", 1, text(1, "x")}),
		"\uFEFF":                           none(1),
	} {
		got, faults := Read([]byte(file))
		if len(faults) > 0 {
			t.Errorf("%q: %v", file, faults)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", file, diff)
		}
	}
}

func TestFaultsNameTheirLine(t *testing.T) {
	const tooDeep = "lists and maps are too deep in one another"
	deep := "services:\n"
	for i := range 20 {
		deep += strings.Repeat(" ", i) + "- \n"
	}
	for file, want := range map[string][]Fault{
		"a: x\n  b: y\n":                                 {{1, "cannot be read as YAML: mapping value is not allowed in this context"}},
		"a: 'x\n":                                        {{1, "cannot be read as YAML: could not find end character of single-quoted text"}},
		"a: x\r\nb: y\r\nc: \"z\r\n":                     {{3, "cannot be read as YAML: could not find end character of double-quoted text"}},
		"a: x\na: y\n":                                   {{2, `cannot be read as YAML: mapping key "a" already defined at [1:1]`}},
		"1: x\n'1': y\n":                                 {{2, `cannot be read as YAML: mapping key "1" already defined at [1:1]`}},
		"null: x\n~: y\n":                                {{1, "must have a plain word as key"}, {2, "must have a plain word as key"}},
		"a: x\n---\nb: y\n":                              {{3, "must not begin a second document"}},
		"a: x\n---\n# more\n---\nb: y\n":                 {{5, "must not begin a second document"}},
		"---\n# c\n---\nb: y\n":                          {{4, "must not begin a second document"}},
		"a: x\n...\nb: y\n":                              {{3, "must not begin a second document"}},
		"a: x\nb: c\n---\n- d\n---\n- e\n":               {{4, "must not begin a second document"}},
		"a: &x y\nb: *x\nc: z\n":                         {{1, writtenOut}, {2, writtenOut}},
		"a:\r\n  b: &x y\r\n":                            {{2, writtenOut}},
		"a: x\nb: {<<: {c: d}}\n":                        {{2, writtenOut}},
		"a: !!int 5\n":                                   {{1, writtenOut}},
		"%YAML 1.2\n---\na: x\n":                         {{1, writtenOut}},
		"? a\n: b\n":                                     {{1, writtenOut}},
		"cron: */5 * * * *\n":                            {{1, writtenOut}},
		"a:\n  " + strings.Repeat("[", 17):               {{2, tooDeep}},
		"a:\n  " + strings.Repeat("{b: ", 17):            {{2, tooDeep}},
		"a:\n" + strings.Repeat("- ", 17):                {{2, tooDeep}},
		strings.Repeat("]", 9) + strings.Repeat("[", 17): {{1, tooDeep}},
		deep: {{17, tooDeep}},
	} {
		_, faults := Read([]byte(file))
		if diff := cmp.Diff(want, faults); diff != "" {
			t.Errorf("%q (-want +got):\n%s", file, diff)
		}
	}
	if _, faults := Read([]byte(strings.Repeat("a: &b c\n", 1000))); len(faults) != maxFaults {
		t.Errorf("%d faults, want %d", len(faults), maxFaults)
	}
	if _, faults := Read([]byte(strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth))); len(faults) > 0 {
		t.Errorf("as deep as may be: %v", faults)
	}
}

func TestLinesAreThoseOfTheNodes(t *testing.T) {
	for _, file := range []string{"a: x\nb: y\n", "a: x\r\nb: y\r\n", "\uFEFFa: x\rb: y\r"} {
		if diff := cmp.Diff([]string{"a: x", "b: y", ""}, Lines([]byte(file))); diff != "" {
			t.Errorf("%q (-want +got):\n%s", file, diff)
		}
	}
}

func TestExpect(t *testing.T) {
	if err := list(1).Expect(Text); err == nil || err.Error() != "must be a single value, not a list" {
		t.Errorf("a list is a text: %v", err)
	}
	for _, n := range []Node{list(1), none(1)} {
		if err := n.Expect(List); err != nil {
			t.Errorf("%v is no list: %v", n, err)
		}
	}
}

func TestShownIsShort(t *testing.T) {
	for text, want := range map[string]string{"key": "key", "a\xffb": "a?b", strings.Repeat("ä", 70): strings.Repeat("ä", 60) + "..."} {
		if got := Shown(text); got != want {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{
		"to: [mail:a@b.org]", "a: x\r\nb:\r\n- y\r\n", "\uFEFF---\na: x\n...\n", "a: |\n x\n\n y\n", "a: >\n>", "a: 'x\n\n y'", "[a:b\n]", "{a:b}", "- - -",
		"a: &x b\nc: *x\n", "<<: {}", "? a\n: b", "%YAML 1.2\n---\na: b", "!!binary x", "a: x\n---\nb: y", "{", "[", "]", "{{},<<}", "0::", "|0#\n", "{? {? \n",
		"\x00", "\xff\xfe", "\"\\u00", "*-0", "a: b: c", "data: |\n  x\n y", "a:\n\t- b", "a:\u2028b: c", "a:\u0085b: c",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2000 {
			return // the parser takes time that grows with the square of the nesting
		}
		lines := len(Lines([]byte(text)))
		root, faults := Read([]byte(text))
		for _, fault := range faults {
			if fault.Line < 1 || fault.Line > lines || fault.Message == "" {
				t.Fatalf("%d lines, and %+v", lines, fault)
			}
		}
		if len(faults) == 0 {
			checkNode(t, root, lines, 1)
		}
	})
}

// checkNode fails where a Node is not what its kind says, or stands where no line is.
func checkNode(t *testing.T, n Node, lines, depth int) {
	t.Helper()
	if n.Line < 1 || n.Line > lines {
		t.Fatalf("%d lines, and %s in line %d", lines, n.Kind, n.Line)
	}
	if depth > maxDepth {
		t.Fatalf("deeper than %d", maxDepth)
	}
	if n.Kind != Text && n.Text != "" || n.Kind != List && n.Items != nil || n.Kind != Map && n.Pairs != nil {
		t.Fatalf("%s with parts of another kind: %+v", n.Kind, n)
	}
	for _, item := range n.Items {
		checkNode(t, item, lines, depth+1)
	}
	seen := map[string]bool{}
	for _, p := range n.Pairs {
		if seen[p.Key] || p.Line < 1 || p.Line > lines {
			t.Fatalf("key %q in line %d of %d, there before: %v", p.Key, p.Line, lines, seen[p.Key])
		}
		seen[p.Key] = true
		checkNode(t, p.Value, lines, depth+1)
	}
}
