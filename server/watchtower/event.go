package watchtower

import (
	"context"
	"strings"

	"watchkeeper/api"
)

// Event is a line of events.
type Event struct {
	At        api.Time
	Level     api.Level
	LevelText string // what stood there, where it is no level
	Message   string
	Service   string
}

// Events gives the events, the oldest first, until use gives an error.
func (f *Folder) Events(ctx context.Context, use func(Event) error, unread func(Unread)) error {
	return f.lines(ctx, eventsFolder, func(line string, c *clock) (string, error) {
		e, reason := parseEvent(line, c)
		if reason != "" {
			return reason, nil
		}
		return "", use(e)
	}, unread)
}

// parseEvent reads day;time;level;message;service.
func parseEvent(line string, c *clock) (e Event, reason string) {
	parts := strings.Split(line, ";")
	if len(parts) < 5 {
		return e, "has too few fields"
	}
	e.Service = parts[len(parts)-1]
	if reason := api.CheckName(e.Service); reason != "" {
		return e, "names a service that " + reason
	}
	var err error
	if e.At, err = c.read(strings.TrimSpace(parts[0]), strings.TrimSpace(parts[1])); err != nil {
		return e, err.Error()
	}
	var is bool
	if e.Level, is = api.ParseLevel(parts[2]); !is {
		e.LevelText = api.CutText(api.CleanText(strings.TrimSpace(parts[2])), maxLevelText)
	}
	e.Message = separators(strings.Join(parts[3:len(parts)-1], ";"))
	if e.Message == "" {
		return e, "has no message"
	}
	if len(e.Message) > api.MaxEventMessage {
		return e, "has a message that is too long"
	}
	return e, ""
}

const maxLevelText = 100

// separators gives a message the semicolons back that it was written without: each became three hyphens. Longer rows of
// hyphens were there before.
func separators(message string) string {
	if !strings.Contains(message, "---") {
		return message
	}
	var b strings.Builder
	for message != "" {
		i := strings.IndexByte(message, '-')
		if i < 0 {
			break
		}
		b.WriteString(message[:i])
		n := len(message) - i - len(strings.TrimLeft(message[i:], "-"))
		if n == 3 {
			b.WriteByte(';')
		} else {
			b.WriteString(message[i : i+n])
		}
		message = message[i+n:]
	}
	return b.String() + message
}
