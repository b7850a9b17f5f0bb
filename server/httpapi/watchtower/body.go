package watchtower

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"

	"watchkeeper/api"
	"watchkeeper/server/httpapi/web"
)

// maxBody leaves room for a message of the longest kind in which every byte is escaped.
const maxBody = 6*api.MaxEventMessage + 64<<10

// body is the fields of a request, whatever it was written in.
type body struct {
	Service     field `json:"service"`
	AlertType   field `json:"alertType"`
	AlertTarget field `json:"alertTarget"`
	NextIn      field `json:"nextIn"`
	Message     field `json:"message"`
	Level       field `json:"level"`
	Alert       field `json:"alert"`
}

// readBody reads the body of a request.
func readBody(r *http.Request) (body, error) {
	read, err := web.ReadBody(r, maxBody)
	if err != nil {
		return body{}, err
	}
	defer read.Release()
	return parseBody(read.Data, web.MediaType(r))
}

// parseBody reads JSON or a form. What begins with a brace is JSON whatever the content type says: curl calls everything
// a form.
func parseBody(text []byte, mediaType string) (body, error) {
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff")))
	isObject := bytes.HasPrefix(text, []byte("{"))
	switch {
	case !isObject && web.IsForm(mediaType):
		return parseForm(text)
	case !isObject:
		// Any other JSON value counts as an object without fields.
		return body{}, web.DecodeJSON(text, new(json.RawMessage), web.Decoding{})
	}
	if b, ok := scanBody(text); ok {
		return b, nil
	}
	var b body
	err := web.DecodeJSON(text, &b, web.Decoding{})
	if api.KindOf(err) != api.KindMalformed {
		return b, err
	}
	repaired, changed := repairEscapes(text)
	if !changed || web.DecodeJSON(repaired, &b, web.Decoding{}) != nil {
		return body{}, err
	}
	return b, nil
}

// scanBody reads the bodies that clients usually send, of which there may be tens of thousands a second. It gives up, with
// false, at whatever is unusual or wrong: then the slow way decides.
func scanBody(text []byte) (b body, ok bool) {
	s := web.NewScanner(text)
	if !s.Take('{') {
		return b, false
	}
	for more := !s.Take('}'); more; {
		name, ok := s.Text()
		into := b.field(name)
		if !ok || into == nil || !s.Take(':') {
			return b, false
		}
		if value, ok := s.Text(); ok {
			*into = field{kind: fieldText, text: string(value)}
		} else if number := s.Number(); len(number) > 0 {
			*into = field{kind: fieldNumber, text: string(number)}
		} else {
			return b, false
		}
		if more = s.Take(','); !more && !s.Take('}') {
			return b, false
		}
	}
	return b, s.Done()
}

// field gives the field with a name, nil for other names and other ways of writing them.
func (b *body) field(name []byte) *field {
	switch string(name) {
	case "service":
		return &b.Service
	case "alertType":
		return &b.AlertType
	case "alertTarget":
		return &b.AlertTarget
	case "nextIn":
		return &b.NextIn
	case "message":
		return &b.Message
	case "level":
		return &b.Level
	case "alert":
		return &b.Alert
	}
	return nil
}

func parseForm(text []byte) (body, error) {
	// Go refuses semicolons, which once separated fields. To browsers and to curl they are text.
	form, err := web.DecodeForm(bytes.ReplaceAll(text, []byte(";"), []byte("%3B")))
	if err != nil {
		return body{}, err
	}
	return body{
		Service: formField(form, "service"), AlertType: formField(form, "alertType"), AlertTarget: formField(form, "alertTarget"),
		NextIn: formField(form, "nextIn"), Message: formField(form, "message"), Level: formField(form, "level"),
		Alert: formField(form, "alert"),
	}, nil
}

func formField(form url.Values, name string) field {
	values := form[name]
	if len(values) == 0 {
		return field{}
	}
	return field{kind: fieldText, text: values[len(values)-1]}
}
