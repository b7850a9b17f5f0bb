package command

import (
	"bufio"
	"fmt"
	"strings"
	"text/tabwriter"
	"unicode"
)

// page is what a command prints for people. Everything in it was perhaps written by a stranger.
type page struct {
	out   *bufio.Writer
	clock clock
}

func (r *run) page() *page { return &page{bufio.NewWriter(r.Out), r.clock()} }

// line prints a line whose arguments are shown as they may be, at full length.
func (p *page) line(format string, args ...any) {
	for i, arg := range args {
		if text, is := arg.(string); is {
			args[i] = harmless(text)
		}
	}
	_, _ = fmt.Fprintf(p.out, format+"\n", args...)
}

func (p *page) flush() error { return p.out.Flush() }

// field is a name and a value.
type field struct{ name, value string }

// fields prints values below each other; those that are empty are left out.
func (p *page) fields(all ...field) {
	w := newColumns(p.out)
	for _, f := range all {
		if f.value != "" {
			_, _ = fmt.Fprintf(w, "%s\t%s\n", f.name, harmless(f.value))
		}
	}
	_ = w.Flush() // what is below keeps the error
}

// table is rows under headings.
type table struct {
	*page
	columns *tabwriter.Writer
	empty   bool
	heads   []string
}

func (p *page) table(heads ...string) *table {
	return &table{page: p, columns: newColumns(p.out), empty: true, heads: heads}
}

func (t *table) row(cells ...string) {
	if t.empty {
		_, _ = fmt.Fprintln(t.columns, strings.Join(t.heads, "\t"))
		t.empty = false
	}
	for i, cell := range cells {
		cells[i] = shown(cell)
	}
	_, _ = fmt.Fprintln(t.columns, strings.Join(cells, "\t"))
}

// end completes the table, or prints another line where there are no rows; none where that is empty.
func (t *table) end(otherwise string) {
	_ = t.columns.Flush() // what is below keeps the error
	if t.empty && otherwise != "" {
		t.line("%s", otherwise)
	}
}

// flush ends the table and the page.
func (t *table) flush(otherwise string) error {
	t.end(otherwise)
	return t.page.flush()
}

func newColumns(w *bufio.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 0, 2, ' ', 0) }

// maxCell is how many characters of a text are shown in a table.
const maxCell = 300

// shown gives a text for a table.
func shown(text string) string {
	text = harmless(text)
	if runes := []rune(text); len(runes) > maxCell {
		return string(runes[:maxCell-1]) + "…"
	}
	return text
}

// harmless gives a text as it may be shown on a terminal: one line, and nothing that would command the terminal or
// reorder what is around it.
func harmless(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\u2028', r == '\u2029':
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
