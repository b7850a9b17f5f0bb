package watchtower

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"watchkeeper/api"
	"watchkeeper/server/httpapi/web"
)

// maxBody leaves room for a message of the longest kind in which every byte is escaped.
const maxBody = 6*api.MaxEventMessage + 64<<10

// body is the fields of a request, as JSON values whatever the body was written in. A field that is absent is nil.
type body struct {
	Service     json.RawMessage `json:"service"`
	AlertType   json.RawMessage `json:"alertType"`
	AlertTarget json.RawMessage `json:"alertTarget"`
	NextIn      json.RawMessage `json:"nextIn"`
	Message     json.RawMessage `json:"message"`
	Level       json.RawMessage `json:"level"`
	Alert       json.RawMessage `json:"alert"`
}

// readBody reads JSON or a form. What begins with a brace is JSON whatever the content type says: curl calls everything
// a form.
func readBody(r *http.Request) (body, error) {
	read, err := web.ReadBody(r, maxBody)
	if err != nil {
		return body{}, err
	}
	defer read.Release()
	text := bytes.TrimSpace(read.Data)
	media := web.MediaType(r)
	if web.IsForm(media) && !bytes.HasPrefix(text, []byte("{")) {
		return readForm(text)
	}
	return readJSON(text)
}

func readJSON(text []byte) (body, error) {
	var b body
	err := decode(text, &b)
	if err == nil {
		return b.clone(), nil
	}
	if repaired, ok := repairEscapes(text); ok && api.KindOf(err) == api.KindMalformed {
		if decode(repaired, &b) == nil {
			return b, nil
		}
	}
	return body{}, err
}

// decode reads an object; any other JSON value counts as an object without fields.
func decode(text []byte, b *body) error {
	if len(text) > 0 && text[0] != '{' {
		var ignored any
		return web.DecodeJSON(text, &ignored, web.Decoding{})
	}
	return web.DecodeJSON(text, b, web.Decoding{})
}

// clone takes the fields out of the request's buffer.
func (b body) clone() body {
	for _, field := range []*json.RawMessage{&b.Service, &b.AlertType, &b.AlertTarget, &b.NextIn, &b.Message, &b.Level, &b.Alert} {
		*field = bytes.Clone(*field)
	}
	return b
}

func readForm(text []byte) (body, error) {
	form, err := web.DecodeForm(text)
	if err != nil {
		return body{}, err
	}
	field := func(name string) json.RawMessage { return formField(form, name) }
	return body{
		Service: field("service"), AlertType: field("alertType"), AlertTarget: field("alertTarget"), NextIn: field("nextIn"),
		Message: field("message"), Level: field("level"), Alert: field("alert"),
	}, nil
}

func formField(form url.Values, name string) json.RawMessage {
	values, ok := form[name]
	if !ok || len(values) == 0 {
		return nil
	}
	quoted, err := json.Marshal(values[0])
	if err != nil {
		return nil // text can always be written
	}
	return quoted
}

// repairEscapes gives text with every backslash that begins no escape of JSON taken literally, as in the paths of
// Windows that the Java client sends. It reports whether it changed anything.
func repairEscapes(text []byte) ([]byte, bool) {
	out := make([]byte, 0, len(text)+16)
	changed := false
	for i := 0; i < len(text); i++ {
		out = append(out, text[i])
		if text[i] != '\\' {
			continue
		}
		if startsEscape(text[i+1:]) {
			i++
			out = append(out, text[i])
			continue
		}
		out = append(out, '\\')
		changed = true
	}
	return out, changed
}

func startsEscape(rest []byte) bool {
	if len(rest) == 0 {
		return false
	}
	if rest[0] == 'u' {
		return len(rest) >= 5 && strings.Trim(string(rest[1:5]), "0123456789abcdefABCDEF") == ""
	}
	return bytes.IndexByte([]byte(`"\/bfnrt`), rest[0]) >= 0
}

// text gives a field as text: numbers and booleans as they are written. It reports whether the field was given as
// something that has a text; null, a list or an object have none.
func text(field json.RawMessage) (string, bool) {
	if len(field) == 0 {
		return "", false
	}
	switch field[0] {
	case '"':
		var s string
		if err := json.Unmarshal(field, &s); err != nil {
			return "", false
		}
		return s, true
	case '{', '[', 'n':
		return "", false
	}
	return string(field), true
}

// truthy reports whether a field says yes: true, 1, "1", "true" or "yes" in any case.
func truthy(field json.RawMessage) bool {
	s, _ := text(field)
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true", "1", "yes":
		return true
	}
	return false
}
