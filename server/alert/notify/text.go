package notify

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"watchkeeper/api"
)

// timeLayout shows a time with its offset, so that it is exact to a reader in any zone.
const timeLayout = "2006-01-02 15:04:05 -07:00"

// Fact is one line below the first sentence of a message. Its value is safe to show.
type Fact struct{ Label, Value string }

// Facts lists what a message knows beyond its first sentence, in the order in which a reader asks for it.
func (m *Message) Facts() []Fact {
	var facts []Fact
	add := func(label, value string) {
		if value = OneLine(value); value != "" {
			facts = append(facts, Fact{label, value})
		}
	}
	switch m.About {
	case AboutOpened, AboutRepeated:
		add("Down since", m.Moment(m.Since))
		add("Last pulse", m.lastPulse())
		add("Why", m.Why())
		add("Also affects", m.affected())
	case AboutRecovered:
		if down := m.DownFor(); down > 0 {
			add("Was down for", Duration(down))
		}
		add("Went down", m.Moment(m.Since))
		add("Came back", m.Moment(m.At))
		add("Last pulse", m.lastPulse())
	case AboutEvent:
		add("Level", m.Level.Name())
		add("Time", m.Moment(m.At))
	case AboutTest, AboutDigest:
	}
	add("Host", m.Host)
	add("Tags", strings.Join(m.Tags, ", "))
	return facts
}

func (m *Message) lastPulse() string {
	if m.LastPulse == 0 {
		return "never"
	}
	return m.Moment(m.LastPulse)
}

// Moment gives a time with its offset and how long ago it was, and nothing for none.
func (m *Message) Moment(t api.Time) string {
	if t == 0 {
		return ""
	}
	return m.Clock(t) + ", " + Ago(t, m.Now)
}

// Clock gives a time with its offset in the zone of the message.
func (m *Message) Clock(t api.Time) string { return t.Std().In(m.zone()).Format(timeLayout) }

func (m *Message) zone() *time.Location {
	if m.Zone == nil {
		return time.UTC
	}
	return m.Zone
}

// Repeat says again, with offset and age, the time that the first sentence names in watchTower's form; empty where it
// names none. Where nothing ever pulsed, it is Facts that says since when it is down.
func (m *Message) Repeat() string {
	if m.About != AboutOpened && m.About != AboutRepeated {
		return ""
	}
	return m.Moment(m.LastPulse)
}

// Reminder says that a message is not the first about its incident; empty when it is.
func (m *Message) Reminder() string {
	if m.About != AboutRepeated || m.Now <= m.Since {
		return ""
	}
	return "This is a reminder: it has been down for " + Duration(m.Now.Sub(m.Since)) + "."
}

// GapNote says that our own absence may be the cause; empty when it is not.
func (m *Message) GapNote() string {
	if m.Gap == nil {
		return ""
	}
	if m.Gap.Restored {
		return fmt.Sprintf("Watchkeeper was restored from a backup: what it heard from %s to %s is lost.",
			m.Clock(m.Gap.From), m.Clock(m.Gap.To))
	}
	return fmt.Sprintf("This may be due to Watchkeeper's own absence from %s to %s (%s).",
		m.Clock(m.Gap.From), m.Clock(m.Gap.To), Duration(m.Gap.To.Sub(m.Gap.From)))
}

// Why tells in words why something went down.
func (m *Message) Why() string {
	switch m.Reason {
	case api.ReasonTimeout:
		return m.whySilent()
	case api.ReasonFail:
		if m.ExitCode != nil {
			return fmt.Sprintf("it reported a failure with exit code %d", *m.ExitCode)
		}
		if m.Found != "" {
			return "its probe found: " + m.Found
		}
		return "it reported a failure"
	case api.ReasonTooLong:
		return "its last run took " + m.ran() + "longer than it may"
	case api.ReasonTooFast:
		return "its last run took " + m.ran() + "less than it should"
	case api.ReasonNotFinished:
		return "it started and did not finish in time"
	case "":
		return ""
	}
	return strings.ReplaceAll(string(m.Reason), "_", " ")
}

func (m *Message) whySilent() string {
	why := "no pulse came in time"
	if m.NextIn > 0 {
		why += ": one was due within " + Duration(m.NextIn.Duration())
	}
	if m.Grace > 0 {
		why += ", with a grace of " + Duration(m.Grace.Duration())
	}
	return why
}

func (m *Message) ran() string {
	if m.RunTime <= 0 {
		return ""
	}
	return Duration(m.RunTime) + ", "
}

// Line gives an item of a digest as one line of text.
func (m *Message) Line(i Item) string {
	name := OneLine(i.Name)
	if i.Kind == api.SubjectEvent {
		return name + ": " + OneLine(i.Text)
	}
	line := name + " is " + string(i.State)
	if i.Since > 0 {
		line += " since " + m.Moment(i.Since)
	}
	return line + i.flapping()
}

// Detail gives what stands beside the name and state of an item of a digest, in one line.
func (m *Message) Detail(i Item) string {
	switch {
	case i.Text != "":
		return Cut(OneLine(i.Text), 200)
	case i.Since > 0:
		return "since " + m.Moment(i.Since) + i.flapping()
	}
	return ""
}

func (i Item) flapping() string {
	if i.Flapping {
		return ", flapping"
	}
	return ""
}

// Brief gives the message for a small screen, without title and link, in at most limit characters.
func (m *Message) Brief(limit int) string {
	if m.Body != "" {
		return Cut(m.Body, limit)
	}
	lines := []string{m.Text}
	for _, extra := range []string{m.Reminder(), m.GapNote()} {
		if extra != "" {
			lines = append(lines, extra)
		}
	}
	for _, f := range m.Facts() {
		lines = append(lines, f.Label+": "+f.Value)
	}
	for _, i := range m.Items {
		lines = append(lines, m.Line(i))
		if len(lines) > limit {
			break // each line is a character at least
		}
	}
	return Cut(strings.Join(lines, "\n"), limit)
}

func digestTitle(items []Item) string {
	var bad, services, hosts, events int
	for _, i := range items {
		switch i.Kind {
		case api.SubjectEvent:
			events++
			continue
		case api.SubjectHost:
			hosts++
		default:
			services++
		}
		if i.needsAttention() {
			bad++
		}
	}
	one, many := "service", "services"
	switch {
	case hosts > 0 && services == 0:
		one, many = "host", "hosts"
	case hosts > 0:
		one, many = "service or host", "services and hosts"
	}
	var parts []string
	switch {
	case bad == 1:
		parts = append(parts, "1 "+one+" needs attention")
	case bad > 1:
		parts = append(parts, count(bad, one, many)+" need attention")
	case services+hosts > 0:
		parts = append(parts, count(services+hosts, one, many)+" changed, none is down")
	}
	if events > 0 {
		parts = append(parts, count(events, "event", "events"))
	}
	return strings.Join(parts, ", ")
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// Ago says how long before now a time was, or how long after.
func Ago(t, now api.Time) string {
	switch d := now.Sub(t); {
	case d >= time.Second:
		return Duration(d) + " ago"
	case d <= -time.Second:
		return "in " + Duration(-d)
	}
	return "just now"
}

// Duration gives a length of time in words, with its two largest units: "1 hour 5 minutes".
func Duration(d time.Duration) string {
	if d < 0 {
		d = -d
	}
	if d < time.Second {
		if d < time.Millisecond {
			return "0 seconds"
		}
		return count(int(d.Milliseconds()), "millisecond", "milliseconds")
	}
	units := []struct {
		length    time.Duration
		one, many string
	}{
		{24 * time.Hour, "day", "days"},
		{time.Hour, "hour", "hours"},
		{time.Minute, "minute", "minutes"},
		{time.Second, "second", "seconds"},
	}
	for i, u := range units {
		if d < u.length {
			continue
		}
		text := count(int(d/u.length), u.one, u.many)
		if i+1 < len(units) {
			next := units[i+1]
			if rest := int(d % u.length / next.length); rest > 0 {
				text += " " + count(rest, next.one, next.many)
			}
		}
		return text
	}
	return "0 seconds"
}

// Cut gives s in at most limit characters; what was cut off is shown by an ellipsis.
func Cut(s string, limit int) string {
	if len(s) <= limit || utf8.RuneCountInString(s) <= limit {
		return s
	}
	if limit <= 0 {
		return ""
	}
	count := 0
	for at := range s {
		if count++; count == limit {
			return s[:at] + "…"
		}
	}
	return s
}

// OneLine gives s without line breaks and Unsafe characters, with single blanks, in valid UTF-8.
func OneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if Unsafe(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Join(strings.Fields(s), " ")
}

// Unsafe reports whether a character does something to what stands around it instead of being shown: control
// characters, which terminals obey and headers end at, and those that turn the direction of a line, by which one text
// can look like another.
func Unsafe(r rune) bool {
	switch {
	case r < ' ', r >= 0x7f && r < 0xa0, r == '\u2028', r == '\u2029':
		return true
	}
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}
