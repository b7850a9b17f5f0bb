package api

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrorKind says what went wrong in a way that a client can act on. The HTTP edge maps each kind to one status.
type ErrorKind string

// The kinds of errors, with the HTTP status each one becomes.
const (
	KindMalformed    ErrorKind = "malformed"    // 400: the request cannot be parsed
	KindUnauthorized ErrorKind = "unauthorized" // 401: no credential, or one that is not known
	KindForbidden    ErrorKind = "forbidden"    // 403: the credential does not reach this far
	KindNotFound     ErrorKind = "not_found"    // 404
	KindMethod       ErrorKind = "method"       // 405: the route exists, not for this method
	KindTimeout      ErrorKind = "timeout"      // 408: the request took too long to arrive
	KindConflict     ErrorKind = "conflict"     // 409: exists already, or is in a state that forbids it
	KindGone         ErrorKind = "gone"         // 410: a cursor of an older generation of this installation
	KindTooLarge     ErrorKind = "too_large"    // 413: above a limit of size
	KindMediaType    ErrorKind = "media_type"   // 415: an encoding or content type that is not understood
	KindInvalid      ErrorKind = "invalid"      // 422: parsed, and breaks a rule; Fields says which
	KindTooMany      ErrorKind = "too_many"     // 429: above a limit of rate
	KindInternal     ErrorKind = "internal"     // 500: our fault; the text never leaves the server
	KindUnavailable  ErrorKind = "unavailable"  // 503: cannot be stored now, try again after RetryAfter
)

// Valid reports whether k is one of the kinds above.
func (k ErrorKind) Valid() bool {
	switch k {
	case KindMalformed, KindUnauthorized, KindForbidden, KindNotFound, KindMethod, KindTimeout, KindConflict, KindGone,
		KindTooLarge, KindMediaType, KindInvalid, KindTooMany, KindInternal, KindUnavailable:
		return true
	}
	return false
}

// FieldError is one rule that one field breaks. Location is a path such as "body.next_in", "body[3].level" or
// "query.limit"; Value is what was sent, where showing it helps.
type FieldError struct {
	Location string `json:"location"`
	Message  string `json:"message"`
	Value    any    `json:"value,omitempty"`
}

// Error is an error with a kind and a message that a user may read. What it wraps is for the log only.
type Error struct {
	Kind       ErrorKind
	Message    string
	Fields     []FieldError
	RetryAfter time.Duration // for KindTooMany and KindUnavailable; 0 leaves the choice to the edge
	Err        error         // the cause, never shown to a client
}

// Error gives the message, the fields and the cause, for logs.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	separator := ": "
	for _, f := range e.Fields {
		b.WriteString(separator + f.Location + " " + f.Message)
		separator = "; "
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an error of a kind whose whole text may be shown to a client.
func Errorf(kind ErrorKind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes an error of a kind whose message may be shown and whose cause may not.
func Wrap(kind ErrorKind, cause error, message string) *Error {
	return &Error{Kind: kind, Message: message, Err: cause}
}

// Invalid makes a KindInvalid error for one field.
func Invalid(location, format string, args ...any) *Error {
	return &Error{
		Kind: KindInvalid, Message: "validation failed",
		Fields: []FieldError{{Location: location, Message: fmt.Sprintf(format, args...)}},
	}
}

// KindOf gives the kind of err, KindInternal for an error without one, and "" for nil.
func KindOf(err error) ErrorKind {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return KindInternal
}

// Fields gathers the rules that a value breaks, so that a client learns all of them at once.
type Fields []FieldError

// Add notes that the field at location breaks a rule.
func (f *Fields) Add(location, format string, args ...any) {
	*f = append(*f, FieldError{Location: location, Message: fmt.Sprintf(format, args...)})
}

// Err gives a KindInvalid error that lists the fields, or nil when there are none.
func (f Fields) Err() error {
	if len(f) == 0 {
		return nil
	}
	return &Error{Kind: KindInvalid, Message: "validation failed", Fields: f}
}
