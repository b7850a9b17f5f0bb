package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// The limits of lists.
const (
	DefaultLimit = 100
	MaxLimit     = 1000
	// maxCursor is far above the cursor of the longest key, a service name of 4000 bytes.
	maxCursor = 16 << 10
)

// Page is a part of a list. Next is the cursor of the part that follows and absent at the end.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"give it as cursor to get the next page; absent on the last one"`
}

// NewPage makes a page whose items are never null in JSON.
func NewPage[T any](items []T, next string) Page[T] {
	if items == nil {
		items = []T{}
	}
	return Page[T]{Items: items, Next: next}
}

// CutLimit gives how many items a client that asked for n gets: the default for 0, the most there are for more.
func CutLimit(n int) int {
	if n <= 0 {
		return DefaultLimit
	}
	return min(n, MaxLimit)
}

// ParseLimit reads the query parameter limit. An empty one gives the default, one above the most is cut.
func ParseLimit(s string) (int, error) {
	if s == "" {
		return DefaultLimit, nil
	}
	n, err := strconv.ParseInt(s, 10, 32)
	switch {
	case errors.Is(err, strconv.ErrRange) && n > 0:
		return MaxLimit, nil
	case err != nil || n < 1:
		return 0, Invalid("query.limit", "must be a whole number of at least 1")
	}
	return CutLimit(int(n)), nil
}

// Cursor is a place in a sorted list: behind the row with this key and id. It is opaque to clients.
type Cursor struct {
	Generation int64  `json:"g"`           // of the installation: a restored one has other rows
	Order      string `json:"o,omitempty"` // the sorting it belongs to
	Key        string `json:"k,omitempty"` // the value the list is sorted by
	ID         string `json:"i"`           // tells rows of the same key apart
}

// String gives the cursor as clients carry it.
func (c Cursor) String() string {
	b, err := json.Marshal(c)
	if err != nil {
		return "" // cannot happen: the fields are numbers and text
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParseCursor reads a cursor that must belong to this generation and sorting. What is no cursor is KindMalformed, one of
// another generation KindGone, one of another sorting KindInvalid.
func ParseCursor(s string, generation int64, order string) (Cursor, error) {
	c, ok := decodeCursor(s)
	switch {
	case !ok:
		return Cursor{}, malformed("query.cursor", "is not a cursor of this server")
	case c.Generation != generation:
		return Cursor{}, goneGeneration()
	case c.Order != order:
		return Cursor{}, Invalid("query.cursor", "belongs to another sorting of the list")
	}
	return c, nil
}

func decodeCursor(s string) (Cursor, bool) {
	if s == "" || len(s) > maxCursor {
		return Cursor{}, false
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return Cursor{}, false
	}
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.DisallowUnknownFields()
	var c Cursor
	if decoder.Decode(&c) != nil || decoder.InputOffset() != int64(len(b)) || c.ID == "" {
		return Cursor{}, false
	}
	return c, true
}

// Position is a place in a stream whose ids follow the order of commits: the id of the last row that was seen. It is
// what Last-Event-ID carries.
type Position struct {
	Generation int64
	ID         int64
}

// String gives the position as clients carry it, such as "2-1041".
func (p Position) String() string {
	return strconv.FormatInt(p.Generation, 10) + "-" + strconv.FormatInt(p.ID, 10)
}

// ParsePosition reads a position that must belong to this generation. What is none is KindMalformed, one of another
// generation KindGone.
func ParsePosition(s string, generation int64) (Position, error) {
	before, after, found := strings.Cut(s, "-")
	g, err := strconv.ParseUint(before, 10, 63)
	id, err2 := strconv.ParseUint(after, 10, 63)
	if !found || err != nil || err2 != nil {
		return Position{}, malformed("header.Last-Event-ID", "is not a position of this server")
	}
	p := Position{Generation: int64(g), ID: int64(id)}
	if p.Generation != generation {
		return Position{}, goneGeneration()
	}
	return p, nil
}

func malformed(location, reason string) *Error {
	return &Error{Kind: KindMalformed, Message: "cannot be read", Fields: []FieldError{{Location: location, Message: reason}}}
}

func goneGeneration() *Error {
	return Errorf(KindGone, "this place belongs to another generation of the installation; start again from the beginning")
}
