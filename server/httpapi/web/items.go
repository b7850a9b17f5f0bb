package web

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"

	"watchkeeper/api"
)

const (
	mediaTypeForm = "application/x-www-form-urlencoded"
	// maxFormFields is far above every form of ours.
	maxFormFields = 100
)

// LineLimits bounds a text of one JSON object per line.
type LineLimits struct {
	Bytes int // of one line
	Lines int // that are not blank
}

// EachLine calls f with every line that is not blank, without its line break, and the number of such lines before it. It
// stops at the first error. A line or a text that is too long is KindTooLarge.
func EachLine(data []byte, limits LineLimits, f func(index int, line []byte) error) error {
	index := 0
	for line := range bytes.Lines(bytes.TrimPrefix(data, []byte("\ufeff"))) {
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0:
			continue
		case index >= limits.Lines:
			return tooManyItems(limits.Lines)
		case len(line) > limits.Bytes:
			return &api.Error{
				Kind: api.KindTooLarge, Message: fmt.Sprintf("a line is longer than %d bytes", limits.Bytes),
				Fields: []api.FieldError{{Location: itemAt(index), Message: "is too long"}},
			}
		}
		if err := f(index, line); err != nil {
			return err
		}
		index++
	}
	return nil
}

// ItemDecoding says how a body of one or many items is read.
type ItemDecoding struct {
	MediaType string // of the body; lines of JSON are told by it
	Unknown   UnknownFields
	MaxItems  int
	MaxLine   int // bytes of one line, where the items come in lines
}

// DecodeItems reads one object, a list of objects, or lines of objects (application/x-ndjson, application/jsonl). Errors
// are those of DecodeJSON with the index of the item, as in "body[3].level"; those of several lines are gathered. A body
// without items gives none.
func DecodeItems[T any](data []byte, d ItemDecoding) ([]T, error) {
	switch {
	case isLines(d.MediaType):
		return decodeLines[T](data, d)
	case isList(bytes.TrimPrefix(data, []byte("\ufeff"))):
		var items []T
		if err := DecodeJSON(data, &items, Decoding{Unknown: d.Unknown, MaxItems: d.MaxItems}); err != nil {
			return nil, err
		}
		return items, nil
	}
	var item T
	if err := DecodeJSON(data, &item, Decoding{Unknown: d.Unknown}); err != nil {
		return nil, err
	}
	return []T{item}, nil
}

func decodeLines[T any](data []byte, d ItemDecoding) ([]T, error) {
	var items []T
	var wrong api.Fields
	err := EachLine(data, LineLimits{Bytes: d.MaxLine, Lines: d.MaxItems}, func(i int, line []byte) error {
		var item T
		err := DecodeJSON(line, &item, Decoding{At: itemAt(i), Unknown: d.Unknown})
		items = append(items, item)
		if known, ok := errors.AsType[*api.Error](err); ok && known.Kind == api.KindInvalid && len(wrong) < maxFieldErrors {
			wrong = append(wrong, known.Fields...)
			return nil
		}
		return err
	})
	if err == nil {
		err = wrong.Err()
	}
	if err != nil {
		return nil, err
	}
	return items, nil
}

func itemAt(index int) string { return fmt.Sprintf("body[%d]", index) }

func isLines(mediaType string) bool {
	switch mediaType {
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", "application/jsonlines":
		return true
	}
	return false
}

// RequireItems is RequireJSON for bodies that DecodeItems reads.
func RequireItems(mediaType string) error {
	if mediaType == "" || mediaType == mediaTypeForm || isJSON(mediaType) || isLines(mediaType) {
		return nil
	}
	return api.Errorf(api.KindMediaType, "the content type must be application/json or application/x-ndjson")
}

// DecodeForm reads a body of form fields. What cannot be read is KindMalformed.
func DecodeForm(data []byte) (url.Values, error) {
	if bytes.Count(data, []byte{'&'}) >= maxFormFields {
		return nil, malformed("body", fmt.Sprintf("has more than %d fields", maxFormFields))
	}
	values, err := url.ParseQuery(string(data))
	if err != nil {
		return nil, malformed("body", "is not a form: "+err.Error())
	}
	return values, nil
}

// IsForm reports whether a body says that it is a form.
func IsForm(mediaType string) bool { return mediaType == mediaTypeForm }
