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
