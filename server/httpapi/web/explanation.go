package web

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"watchkeeper/api"
)

// The bounds of an explanation.
const (
	maxFieldErrors = 100
	maxShownKey    = 64 // bytes of a member's name, which is the client's text
	maxShownValue  = 40
)

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// explain walks a JSON text that did not fit a type once more and names each place that does not fit. It runs only for
// requests that are refused, so it may take its time: encoding/json itself tells of the first place, without the index
// in a list.
func explain(data []byte, t reflect.Type, d Decoding) error {
	e := explanation{unknown: d.Unknown}
	e.walk(data, t, d.At)
	if len(e.fields) == 0 {
		e.fields.Add(d.At, "does not fit what is expected here")
	}
	return e.fields.Err()
}

type explanation struct {
	unknown UnknownFields
	fields  api.Fields
}

func (e *explanation) add(at, reason string, raw []byte) {
	f := api.FieldError{Location: at, Message: reason}
	// Numbers and booleans help to understand; a text in the wrong place may be a secret.
	if len(raw) > 0 && len(raw) <= maxShownValue && raw[0] != '"' && raw[0] != '{' && raw[0] != '[' && readable(raw) {
		f.Value = json.RawMessage(slices.Clone(raw))
	}
	e.fields = append(e.fields, f)
}

// readable reports whether a client can decode a value: 1e999 is JSON, and no number that programs know.
func readable(raw []byte) bool {
	var v any
	return json.Unmarshal(raw, &v) == nil
}

func (e *explanation) walk(raw []byte, t reflect.Type, at string) {
	raw = bytes.TrimSpace(raw)
	if len(e.fields) >= maxFieldErrors {
		return
	}
	for t.Kind() == reflect.Pointer && !t.Implements(jsonUnmarshaler) {
		t = t.Elem()
	}
	if string(raw) == "null" || e.custom(raw, t, at) {
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		e.walkObject(raw, t, at)
	case reflect.Map:
		e.eachMember(raw, at, func(key string, value []byte) { e.walk(value, t.Elem(), at+"."+shownKey(key)) })
	case reflect.Slice, reflect.Array:
		e.walkList(raw, t, at)
	default:
		e.walkValue(raw, t, at)
	}
}

// custom handles types that read themselves.
func (e *explanation) custom(raw []byte, t reflect.Type, at string) bool {
	pointer := reflect.PointerTo(t)
	reads := pointer.Implements(jsonUnmarshaler) || t.Implements(jsonUnmarshaler) ||
		pointer.Implements(textUnmarshaler) && len(raw) > 0 && raw[0] == '"'
	if !reads {
		return false
	}
	err := json.Unmarshal(raw, reflect.New(t).Interface())
	if err == nil {
		return true
	}
	if known, ok := errors.AsType[*api.Error](err); ok {
		e.add(at, known.Message, raw)
	} else {
		e.add(at, "has a value that is not understood", raw)
	}
	return true
}

// eachMember goes through an object member by member, so that one of millions takes no more memory than one of two.
func (e *explanation) eachMember(raw []byte, at string, f func(key string, value []byte)) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if open, _ := decoder.Token(); open != json.Delim('{') {
		e.add(at, "must be an object", raw)
		return
	}
	for decoder.More() && len(e.fields) < maxFieldErrors {
		key, _ := decoder.Token()
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			return // cannot happen: the text has been parsed before
		}
		f(fmt.Sprint(key), value)
	}
}

func (e *explanation) walkObject(raw []byte, t reflect.Type, at string) {
	types := fieldTypes(t)
	e.eachMember(raw, at, func(key string, value []byte) {
		location := at + "." + shownKey(key)
		field, found := types[key]
		if !found {
			field, found = foldedField(types, key)
		}
		switch {
		case found:
			e.walk(value, field, location)
		case e.unknown == RefuseUnknown:
			e.add(location, "is not known here", nil)
		}
	})
}

func (e *explanation) walkList(raw []byte, t reflect.Type, at string) {
	if t.Elem().Kind() == reflect.Uint8 {
		e.walkValue(raw, t, at)
		return
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if open, _ := decoder.Token(); open != json.Delim('[') {
		e.add(at, "must be a list", raw)
		return
	}
	for i := 0; decoder.More() && len(e.fields) < maxFieldErrors; i++ {
		var item json.RawMessage
		if decoder.Decode(&item) != nil {
			return // cannot happen: the text has been parsed before
		}
		e.walk(item, t.Elem(), fmt.Sprintf("%s[%d]", at, i))
	}
}

func (e *explanation) walkValue(raw []byte, t reflect.Type, at string) {
	if json.Unmarshal(raw, reflect.New(t).Interface()) == nil {
		return
	}
	isNumber := len(raw) > 0 && (raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9')
	isWhole := isNumber && !strings.ContainsAny(string(raw), ".eE")
	switch {
	case t.Kind() == reflect.Bool:
		e.add(at, "must be true or false", raw)
	case t.Kind() == reflect.String:
		e.add(at, "must be text", raw)
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Uintptr && !isWhole:
		e.add(at, "must be a whole number", raw)
	case isNumber && t.Kind() >= reflect.Int && t.Kind() <= reflect.Float64:
		e.add(at, "is a number out of range", raw)
	case t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64:
		e.add(at, "must be a number", raw)
	default:
		e.add(at, "has a value of the wrong type", raw)
	}
}

// fieldTypes gives the types of the members of an object by their names in JSON, those of embedded structs included.
func fieldTypes(t reflect.Type) map[string]reflect.Type {
	types := make(map[string]reflect.Type, t.NumField())
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" || f.Anonymous && name == "" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		if _, taken := types[name]; !taken {
			types[name] = f.Type
		}
	}
	return types
}

// foldedField finds a member whose name differs in case only, as encoding/json does.
func foldedField(types map[string]reflect.Type, key string) (reflect.Type, bool) {
	for name, t := range types {
		if strings.EqualFold(name, key) {
			return t, true
		}
	}
	return nil, false
}

func shownKey(key string) string {
	if len(key) <= maxShownKey {
		return api.CleanText(key)
	}
	end := maxShownKey
	for end > 0 && !utf8.RuneStart(key[end]) {
		end--
	}
	return api.CleanText(key[:end]) + "…"
}
