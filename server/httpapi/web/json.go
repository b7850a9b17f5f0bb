package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"unicode/utf8"

	"watchkeeper/api"
)

// maxDepth is how deep objects and lists may be nested. Nothing of ours comes near it, and a decoder's stack grows with
// it.
const maxDepth = 32

// UnknownFields says what becomes of members of an object that we do not know.
type UnknownFields string

// What can become of unknown fields. Agents and old clients may send more than we know; a person who mistypes the name of
// a setting should hear of it.
const (
	IgnoreUnknown UnknownFields = "ignore"
	RefuseUnknown UnknownFields = "refuse"
)

// Decoding says how a JSON text is read. The zero value ignores unknown fields and calls the text "body".
type Decoding struct {
	At       string // where the text stands, for the locations of errors; "" means "body"
	Unknown  UnknownFields
	MaxItems int // most items of a list at the top; 0 means any number
}

// DecodeJSON reads one JSON text into v, a pointer. What cannot be parsed, is nested deeper than 32 or is followed by
// something else is KindMalformed; what parses but does not fit v is KindInvalid and names every field that does not; a
// list of more than MaxItems is KindTooLarge, before it takes memory.
//
// Of a member that is given twice the last one counts, as in JavaScript, Python and PostgreSQL. Invalid UTF-8 and halves
// of surrogate pairs become U+FFFD, as encoding/json does it (but see EscapeInvalid); NUL is left for api.CleanText or the
// rule of the field.
func DecodeJSON(data []byte, v any, d Decoding) error {
	if d.At == "" {
		d.At = "body"
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if err := checkShape(data, d); err != nil {
		return err
	}
	err := unmarshal(data, v, d.Unknown)
	if err == nil {
		return nil
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return malformed(d.At, place(data, syntax.Offset)+": "+syntax.Error())
	}
	return explain(data, reflect.TypeOf(v), d)
}

// EscapeInvalid gives a JSON text in which each byte that is no UTF-8 is written as the escape of NUL. A decoder would make
// U+FFFD of it, and nobody could tell a broken name from a whole one; NUL is refused in names and becomes U+FFFD in other
// text. Valid text, by far the usual, is given back as it is.
func EscapeInvalid(data []byte) []byte {
	if utf8.Valid(data) {
		return data
	}
	out := make([]byte, 0, len(data)+len(escapedNUL))
	escaped := false // what comes next is behind a backslash
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 && !escaped { // behind a backslash the decoder refuses it
			out = append(out, escapedNUL...)
		} else {
			out = append(out, data[:size]...)
		}
		escaped = r == '\\' && !escaped
		data = data[size:]
	}
	return out
}

const escapedNUL = `\u0000`

func unmarshal(data []byte, v any, unknown UnknownFields) error {
	if unknown != RefuseUnknown {
		return json.Unmarshal(data, v)
	}
	// A decoder neither looks behind the first value nor reads it to its end before it complains of a field.
	if err := json.Unmarshal(data, new(json.RawMessage)); err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	return decoder.Decode(v)
}

// checkShape looks at brackets and commas only, before anything is decoded.
func checkShape(data []byte, d Decoding) error {
	depth, items := 0, 0
	blank := true
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case ' ', '\t', '\r', '\n':
			continue
		case '"':
			i = endOfString(data, i)
		case '{', '[':
			depth++
			if depth > maxDepth {
				return malformed(d.At, fmt.Sprintf("is nested deeper than %d", maxDepth))
			}
		case '}', ']':
			depth--
		case ',':
			if depth == 1 {
				items++
			}
		}
		blank = false
	}
	if blank {
		return malformed(d.At, "is empty")
	}
	if d.MaxItems > 0 && items >= d.MaxItems && isList(data) {
		return tooManyItems(d.MaxItems)
	}
	return nil
}

// endOfString gives the index of the quote that ends the string that begins at i, or of the last byte.
func endOfString(data []byte, i int) int {
	for i++; i < len(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return i
}

func isList(data []byte) bool {
	data = bytes.TrimLeft(data, " \t\r\n")
	return len(data) > 0 && data[0] == '['
}

func tooManyItems(most int) *api.Error {
	return api.Errorf(api.KindTooLarge, "there are more than %d items", most)
}

func malformed(location, reason string) *api.Error {
	return &api.Error{
		Kind: api.KindMalformed, Message: "the request cannot be parsed",
		Fields: []api.FieldError{{Location: location, Message: reason}},
	}
}

// place says where in a text an offset is, as people count.
func place(data []byte, offset int64) string {
	before := data[:min(max(offset-1, 0), int64(len(data)))]
	line := 1 + bytes.Count(before, []byte{'\n'})
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return fmt.Sprintf("line %d, column %d", line, column)
}

// MediaType gives the content type of a request's body in lower case and without parameters, "" when there is none.
func MediaType(r *http.Request) string {
	value := r.Header.Get("Content-Type")
	if value == "application/json" {
		return value
	}
	value, _, _ = strings.Cut(value, ";")
	return strings.ToLower(strings.TrimSpace(value))
}

func isJSON(mediaType string) bool {
	return mediaType == "application/json" || mediaType == "text/json" ||
		strings.HasPrefix(mediaType, "application/") && strings.HasSuffix(mediaType, "+json")
}

// RequireJSON refuses with KindMediaType a body that says it is something else than JSON. A body that says nothing is
// taken for JSON, and so is one that says it is a form: curl says so of everything that it is given with -d.
func RequireJSON(mediaType string) error {
	if mediaType == "" || mediaType == mediaTypeForm || isJSON(mediaType) {
		return nil
	}
	return api.Errorf(api.KindMediaType, "the content type must be application/json")
}
