package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"time"
)

// The limits of events.
const (
	MaxEventMessage = 1 << 20 // bytes of one message
	MaxEventBatch   = 1000
	MaxEventPattern = 1000 // bytes of a regular expression
	MaxPatternSteps = 2000 // compiled steps of a regular expression, each of which may cost work on every character
)

// Level is how serious an event is; higher is worse and there is no upper bound. It is read from a number, a digit
// string or a name, and written as a number.
type Level int64

// maxLevel is the highest level, and the lowest below 0, because readers of JSON know no larger whole numbers.
const maxLevel = 1 << 53

// The levels that have names.
const (
	LevelDebug    Level = 0
	LevelInfo     Level = 1
	LevelWarning  Level = 2
	LevelError    Level = 3
	LevelCritical Level = 4
)

var levelNames = map[string]Level{
	"debug": LevelDebug,
	"info":  LevelInfo, "notice": LevelInfo,
	"warn": LevelWarning, "warning": LevelWarning,
	"error": LevelError, "err": LevelError,
	"critical": LevelCritical, "crit": LevelCritical, "fatal": LevelCritical,
	"alert": LevelCritical, "emerg": LevelCritical, "emergency": LevelCritical,
}

// ParseLevel reads a level from text: an integer, a number whose fraction is cut, or a name in any case. It reports
// whether the text was one of these; otherwise the level is 0. What is beyond all bounds is cut to 2^53.
func ParseLevel(s string) (Level, bool) {
	s = strings.TrimSpace(s)
	if level, ok := levelNames[strings.ToLower(s)]; ok {
		return level, true
	}
	if s == "" || strings.Trim(s, "0123456789.-+eE") != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, false
	}
	return Level(min(max(f, -maxLevel), maxLevel)), true
}

// Name gives the name of the level; below 0 is debug, above 4 critical.
func (l Level) Name() string {
	switch {
	case l <= LevelDebug:
		return "debug"
	case l == LevelInfo:
		return "info"
	case l == LevelWarning:
		return "warning"
	case l == LevelError:
		return "error"
	}
	return "critical"
}

// UnmarshalJSON reads a number, a digit string or a name.
func (l *Level) UnmarshalJSON(b []byte) error {
	text := string(b)
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	if len(b) > 0 && b[0] == '"' {
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
	}
	return l.UnmarshalText([]byte(text))
}

// UnmarshalText reads a query parameter.
func (l *Level) UnmarshalText(b []byte) error {
	level, ok := ParseLevel(string(b))
	if !ok {
		return Errorf(KindInvalid, "must be a number or one of debug, info, warning, error, critical")
	}
	*l = level
	return nil
}

// Event is something that happened, said by a service or by Watchkeeper itself. Its id follows the order of commits.
type Event struct {
	ID         int64  `json:"id"`
	Service    string `json:"service"`
	Message    string `json:"message"`
	Level      Level  `json:"level"`
	LevelName  string `json:"level_name" enum:"debug,info,warning,error,critical"`
	LevelText  string `json:"level_text,omitempty" doc:"what the sender wrote, where it is no level we know"`
	Time       Time   `json:"time" doc:"when it happened"`
	ReceivedAt Time   `json:"received_at" doc:"when the server stored it"`
	Alert      bool   `json:"alert,omitempty" doc:"it asked for an alert"`
	// Automatic marks what Watchkeeper wrote for a change; watchTower's routes show these with the level they had there.
	Automatic bool `json:"automatic,omitempty" doc:"written by Watchkeeper for a change of state"`
}

// EventPage is a part of a list of events.
type EventPage struct {
	Page[Event]
	ScannedTo Time `json:"scanned_to,omitzero" doc:"the search took long and ended here: everything newer was looked at, and next goes on; absent when the page is full or the list at its end"`
}

// EventInput is one event as POST /api/v1/events takes it.
type EventInput struct {
	Service string `json:"service" doc:"1 to 1000 characters"`
	Message string `json:"message"`
	Level   Level  `json:"level,omitempty" doc:"a number or a name; default 0"`
	Time    Time   `json:"time,omitzero" doc:"RFC 3339 or Unix seconds; default now"`
	Alert   bool   `json:"alert,omitempty" doc:"tell the default route"`
	// LevelText is what a watchTower client wrote as a level that is none.
	LevelText string `json:"-"`
}

// Check adds the rules that the event breaks to f. at is its place, such as "body" or "body[3]".
func (in *EventInput) Check(at string, f *Fields) {
	if reason := CheckName(in.Service); reason != "" {
		f.Add(at+".service", "%s", reason)
	}
	if in.Message == "" {
		f.Add(at+".message", "must not be empty")
	}
	if len(in.Message) > MaxEventMessage {
		f.Add(at+".message", "must be at most %d bytes", MaxEventMessage)
	}
}

// Event makes the event that is stored, received at now.
func (in *EventInput) Event(now Time) Event {
	return Event{
		Service: in.Service, Message: CleanText(in.Message), Level: in.Level, LevelText: in.LevelText, Alert: in.Alert,
		Time: ClipTime(in.Time, now), ReceivedAt: now,
	}
}

// CompilePattern compiles a regular expression of a search: case-insensitive, with . matching line breaks, in linear
// time, of bounded length and bounded work for each character. location is where it stood.
func CompilePattern(location, pattern string) (*regexp.Regexp, error) {
	re, err := compilePattern("(?is)", pattern)
	if err != nil {
		return nil, Invalid(location, "%s", err)
	}
	return re, nil
}

// compilePattern compiles a pattern behind flags, within the bounds. The error continues a sentence that names its place.
func compilePattern(flags, pattern string) (*regexp.Regexp, error) {
	if len(pattern) > MaxEventPattern {
		return nil, fmt.Errorf("must be at most %d bytes", MaxEventPattern)
	}
	re, err := regexp.Compile(flags + pattern)
	if err != nil {
		reason := strings.ReplaceAll(err.Error(), flags, "")
		return nil, fmt.Errorf("is not a regular expression of the RE2 dialect: %s", strings.TrimPrefix(reason, "error parsing regexp: "))
	}
	if patternSteps(re) > MaxPatternSteps {
		return nil, fmt.Errorf("repeats too much: the counts in braces add up to more than %d steps", MaxPatternSteps)
	}
	return re, nil
}

// patternSteps gives how many steps a pattern compiles to. Counts multiply them: .{1000} written 100 times is short to
// send, and a minute's work on a long message.
func patternSteps(re *regexp.Regexp) int {
	parsed, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil {
		return 0
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0
	}
	return len(program.Inst)
}

// Zone is the time zone in which people read times.
type Zone = *time.Location
