package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"watchkeeper/api/yamlfile"
)

// Render writes a manifest as a file that Parse reads. The comment comes first, one line each.
func Render(m *Manifest, comment ...string) []byte {
	w := &writer{}
	for _, line := range comment {
		w.WriteString(strings.TrimRight("# "+oneLine(line), " ") + "\n")
	}
	put(w, KindChannel, m.Channels)
	put(w, KindService, m.Services)
	put(w, KindRoute, m.Routes)
	put(w, KindMaintenance, m.Maintenance)
	return []byte(w.String())
}

func put[T any](w *writer, k Kind, items []Item[T]) {
	if len(items) == 0 {
		return
	}
	if w.Len() > 0 {
		w.WriteString("\n")
	}
	w.WriteString(k.section() + ":\n")
	for i := range items {
		w.item(nodeOf(&items[i]), "  ")
	}
}

type writer struct{ strings.Builder }

// item writes an element of a list.
func (w *writer) item(n node, indent string) {
	if n.kind != yamlfile.Map || len(n.pairs) == 0 {
		w.WriteString(indent + "-" + w.inline(n) + "\n")
		return
	}
	lead := indent + "- "
	for _, p := range n.pairs {
		w.pair(lead, p, indent+"  ")
		lead = indent + "  "
	}
}

// pair writes a key with its value. What the value puts on lines of its own stands further in than indent.
func (w *writer) pair(lead string, p pair, indent string) {
	w.WriteString(lead + scalar(p.key) + ":")
	switch v := p.value; {
	case v.kind == yamlfile.Text && isBlock(v.text):
		w.block(v.text, indent+"  ")
	case v.kind == yamlfile.Map && len(v.pairs) > 0 && !isSource(v):
		w.WriteString("\n")
		for _, inner := range v.pairs {
			w.pair(indent+"  ", inner, indent+"  ")
		}
	case v.kind == yamlfile.List && len(w.inline(v)) > 100:
		w.WriteString("\n")
		for _, item := range v.items {
			w.item(item, indent+"  ")
		}
	default:
		w.WriteString(w.inline(v) + "\n")
	}
}

func isSource(n node) bool {
	return len(n.pairs) == 1 && (n.pairs[0].key == "env" || n.pairs[0].key == "file")
}

// inline gives a value on one line, with the blank in front of it.
func (w *writer) inline(n node) string {
	switch n.kind {
	case yamlfile.List:
		parts := make([]string, len(n.items))
		for i, item := range n.items {
			parts[i] = strings.TrimPrefix(w.inline(item), " ")
		}
		return " [" + strings.Join(parts, ", ") + "]"
	case yamlfile.Map:
		parts := make([]string, len(n.pairs))
		for i, p := range n.pairs {
			parts[i] = scalar(p.key) + ":" + w.inline(p.value)
		}
		return " {" + strings.Join(parts, ", ") + "}"
	}
	if n.plain {
		return " " + n.text
	}
	return " " + scalar(n.text)
}

var (
	plainText = regexp.MustCompile(`^[A-Za-z_/][A-Za-z0-9_/.@+-]*( [A-Za-z0-9_/.@+-]+)*$`)
	// word is what YAML takes for something else than a text, now or in its older versions.
	word = regexp.MustCompile(`(?i)^(null|true|false|yes|no|on|off|y|n|\.inf|\.nan)$`)
)

// scalar gives a text as a plain word where that is sure to be read as one, else in quotes.
func scalar(text string) string {
	if plainText.MatchString(text) && !word.MatchString(text) {
		return text
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r > 0xffff && !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\U%08x`, r)
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// isBlock reports whether a text of several lines can be shown as such.
func isBlock(text string) bool {
	body := strings.TrimSuffix(text, "\n")
	if !strings.Contains(body, "\n") || strings.HasSuffix(body, "\n") {
		return false
	}
	for i, line := range strings.Split(body, "\n") {
		blank := strings.TrimSpace(line) == ""
		if line != strings.TrimRightFunc(line, unicode.IsSpace) || blank && i == 0 || i == 0 && line[0] == ' ' {
			return false
		}
	}
	return !strings.ContainsFunc(body, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) })
}

func (w *writer) block(text, indent string) {
	w.WriteString(" |")
	if !strings.HasSuffix(text, "\n") {
		w.WriteString("-")
	}
	w.WriteString("\n")
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if line != "" {
			w.WriteString(indent + line)
		}
		w.WriteString("\n")
	}
}

// oneLine gives a text as it may stand in a comment.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

// MarshalJSON gives the manifest as JSON, which is YAML too: Parse reads it.
func (m *Manifest) MarshalJSON() ([]byte, error) {
	root := node{kind: yamlfile.Map}
	addSection(&root, KindChannel, m.Channels)
	addSection(&root, KindService, m.Services)
	addSection(&root, KindRoute, m.Routes)
	addSection(&root, KindMaintenance, m.Maintenance)
	return root.MarshalJSON()
}

func addSection[T any](root *node, k Kind, items []Item[T]) {
	list := node{kind: yamlfile.List}
	for i := range items {
		list.items = append(list.items, nodeOf(&items[i]))
	}
	root.add(k.section(), list)
}

// MarshalJSON keeps the order of the members.
func (n node) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	n.writeJSON(&b, e)
	return b.Bytes(), nil
}

func (n node) writeJSON(b *bytes.Buffer, e *json.Encoder) {
	text := func(text string) {
		_ = e.Encode(text) // of a text into memory: it cannot fail
		b.Truncate(b.Len() - 1)
	}
	switch n.kind {
	case yamlfile.List:
		b.WriteByte('[')
		for i, item := range n.items {
			if i > 0 {
				b.WriteByte(',')
			}
			item.writeJSON(b, e)
		}
		b.WriteByte(']')
	case yamlfile.Map:
		b.WriteByte('{')
		for i, p := range n.pairs {
			if i > 0 {
				b.WriteByte(',')
			}
			text(p.key)
			b.WriteByte(':')
			p.value.writeJSON(b, e)
		}
		b.WriteByte('}')
	default:
		if n.plain && json.Valid([]byte(n.text)) {
			b.WriteString(n.text)
			return
		}
		text(n.text)
	}
}
