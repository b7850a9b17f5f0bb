package mail

import (
	_ "embed"
	"fmt"
	"html/template"
	"strings"
	"unicode/utf8"

	"watchkeeper/server/alert/notify"
)

// The limits of a mail, so that it is read at all and far from the size that servers refuse.
const (
	maxText  = 64 << 10 // characters of an event's message
	maxItems = 500      // lines of a digest
)

// textBody begins with the exact sentence, alone on its line.
func textBody(m *notify.Message) string {
	var b strings.Builder
	if m.Body != "" {
		b.WriteString(notify.Cut(plainLines(m.Body), maxText))
		writeLinks(&b, m)
		return b.String()
	}
	b.WriteString(notify.Cut(plainLines(m.Text), maxText))
	if repeat := m.Repeat(); repeat != "" {
		fmt.Fprintf(&b, "\n(%s)", repeat)
	}
	paragraph := func(text string) {
		if text != "" {
			b.WriteString("\n\n" + text)
		}
	}
	paragraph(m.Reminder())
	paragraph(columns(rows(m)))
	if extra := len(m.Items) - maxItems; extra > 0 {
		paragraph(fmt.Sprintf("and %d more", extra))
	}
	paragraph(columns(factRows(m.Facts())))
	paragraph(m.GapNote())
	writeLinks(&b, m)
	return b.String()
}

// writeLinks ends a body.
func writeLinks(b *strings.Builder, m *notify.Message) {
	if m.Acknowledge != "" {
		b.WriteString("\n\nTo say that you are at it: " + m.Acknowledge)
	}
	if m.Link != "" {
		b.WriteString("\n\n" + m.Link)
	}
	b.WriteString("\n")
}

// plainLines keeps the line breaks and tabs of an event's message and nothing else that is unsafe.
func plainLines(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.Map(func(r rune) rune {
			if notify.Unsafe(r) && r != '\t' {
				return utf8.RuneError
			}
			return r
		}, strings.ToValidUTF8(line, string(utf8.RuneError)))
	}
	return strings.Join(lines, "\n")
}

func factRows(facts []notify.Fact) [][]string {
	var table [][]string
	for _, f := range facts {
		table = append(table, []string{f.Label + ":", f.Value})
	}
	return table
}

// rows gives the items of a digest: state, name, since when. The state of an event is that it is one.
func rows(m *notify.Message) [][]string {
	var table [][]string
	for _, i := range m.Items[:min(len(m.Items), maxItems)] {
		state := string(i.State)
		if i.State == "" {
			state = "event"
		}
		table = append(table, []string{state, notify.OneLine(i.Name), m.Detail(i)})
	}
	return table
}

// columns puts the cells of all rows under each other. A cell that is very wide does not push all others away.
func columns(table [][]string) string {
	const widest = 40
	var widths []int
	for _, row := range table {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], min(utf8.RuneCountInString(cell), widest))
		}
	}
	lines := make([]string, len(table))
	for n, row := range table {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(cell)
			if pad := widths[i] + 2 - utf8.RuneCountInString(cell); i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", max(pad, 1)))
			}
		}
		lines[n] = strings.TrimRight(b.String(), " ")
	}
	return strings.Join(lines, "\n")
}

//go:embed body.html
var htmlSource string

// page is what body.html shows.
type page struct {
	Title, Color string
	Text         []string
	Repeat       string
	Reminder     string
	Rows         [][]string
	More         int
	Facts        []notify.Fact
	Gap          string
	Acknowledge  string
	Link         string
}

// htmlBody shows the same. Whatever comes from outside passes through the template, which escapes it.
func htmlBody(m *notify.Message) (string, error) {
	parsed, err := template.New("body").Parse(htmlSource)
	if err != nil {
		return "", fmt.Errorf("parsing the template of mails: %w", err)
	}
	p := page{
		Title: notify.OneLine(m.Title), Color: color(m), Text: strings.Split(notify.Cut(plainLines(m.Text), maxText), "\n"),
		Repeat: m.Repeat(), Reminder: m.Reminder(), Rows: rows(m), More: max(len(m.Items)-maxItems, 0),
		Facts: m.Facts(), Gap: m.GapNote(), Acknowledge: m.Acknowledge, Link: m.Link,
	}
	if m.Body != "" {
		p = page{Title: p.Title, Color: p.Color, Text: strings.Split(notify.Cut(plainLines(m.Body), maxText), "\n"), Acknowledge: p.Acknowledge, Link: p.Link}
	}
	var b strings.Builder
	if err := parsed.Execute(&b, p); err != nil {
		return "", fmt.Errorf("writing a mail as HTML: %w", err)
	}
	return b.String(), nil
}

// color tells trouble from its end at a glance; the words beside it say so too.
func color(m *notify.Message) string {
	switch {
	case m.Urgent():
		return "#b3261e"
	case m.About == notify.AboutRecovered:
		return "#1e7b34"
	}
	return "#4a5568"
}
