package watchtower

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"watchkeeper/api"
)

// field is a value in a request. Clients disagree about types, so it is kept as text beside the type it came with.
type field struct {
	kind fieldKind
	// text is what a text says, and how anything else was written in JSON.
	text string
	// damaged says that the text was not valid UTF-8 and has U+FFFD in places.
	damaged bool
}

type fieldKind string

const (
	fieldAbsent fieldKind = ""
	fieldText   fieldKind = "text"
	fieldNumber fieldKind = "number"
	fieldBool   fieldKind = "bool"
	fieldNull   fieldKind = "null"
	fieldNested fieldKind = "nested" // a list or an object
)

// UnmarshalJSON keeps the value.
func (f *field) UnmarshalJSON(raw []byte) error {
	*f = field{kind: fieldNumber, text: string(raw)}
	switch raw[0] {
	case '"':
		f.kind, f.damaged = fieldText, !utf8.Valid(raw)
		return json.Unmarshal(raw, &f.text)
	case 't', 'f':
		f.kind = fieldBool
	case 'n':
		f.kind = fieldNull
	case '{', '[':
		f.kind = fieldNested
	}
	return nil
}

// asText gives the text of the field, numbers and booleans as they were written. Null, lists and objects have none.
func (f field) asText() (string, bool) {
	switch f.kind {
	case fieldText, fieldNumber, fieldBool:
		return f.text, true
	}
	return "", false
}

// asRecipient is asText for who shall be told, where null says nobody: a sign of life is not refused for it.
func (f field) asRecipient() (string, bool) {
	if f.kind == fieldNull {
		return "", true
	}
	return f.asText()
}

// name gives the text of the field as the name of a service.
func (f field) name() (string, error) {
	why := api.CheckName(f.text)
	if why == "" && f.damaged {
		why = "must be valid UTF-8"
	}
	if why != "" {
		return "", failed("service " + why)
	}
	return f.text, nil
}

// truthy reports whether the field says yes: true, 1, "1", "true" or "yes" in any case.
func (f field) truthy() bool {
	text, _ := f.asText()
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "1", "yes":
		return true
	}
	return false
}

// integer reads a number, whose fraction is cut, or a string of digits, which may have none.
func (f field) integer() (int64, error) {
	if f.kind == fieldText {
		if n, err := strconv.ParseInt(strings.TrimSpace(f.text), 10, 64); err == nil {
			return n, nil
		}
	}
	if f.kind != fieldNumber {
		return 0, failed("nextIn must be an integer, not " + api.CutText(f.text, maxShown))
	}
	n, err := strconv.ParseFloat(f.text, 64)
	if err != nil || math.Abs(n) > math.MaxInt32 {
		return math.MaxInt64, nil // beyond every rule, which then says so
	}
	return int64(n), nil
}

// maxShown bounds how much of a wrong value a hint repeats.
const maxShown = 50

// level reads a level, and gives the text that stood in the place of one where it is none that we know.
func (f field) level() (level api.Level, unknown string) {
	text, ok := f.asText()
	if !ok {
		return 0, ""
	}
	// Only of a number the fraction is cut.
	isFraction := f.kind == fieldText && strings.ContainsAny(text, "0123456789") && strings.ContainsAny(text, ".eE")
	if level, known := api.ParseLevel(text); known && !isFraction {
		return level, ""
	}
	return 0, api.CutText(text, api.MaxTagLength)
}
