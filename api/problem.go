package api

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
)

// ProblemMediaType is the content type of a Problem.
const ProblemMediaType = "application/problem+json"

// Problem is how the REST interface says that a request was not done: the document of RFC 9457 with our own members
// code, errors and request_id.
type Problem struct {
	Type      string       `json:"type" doc:"about:blank: title and status say what kind of problem it is"`
	Title     string       `json:"title" doc:"the status in words"`
	Status    int          `json:"status" doc:"HTTP status"`
	Detail    string       `json:"detail,omitempty" doc:"what went wrong, for people"`
	Instance  string       `json:"instance,omitempty" doc:"the path that was asked for"`
	Code      ErrorKind    `json:"code" doc:"what went wrong, for programs"`
	Errors    []FieldError `json:"errors,omitempty" doc:"the fields that break a rule"`
	RequestID string       `json:"request_id,omitempty" doc:"the id under which the server's log knows this request"`

	// RetryAfter travels in the header of that name; 0 where there is none.
	RetryAfter time.Duration `json:"-"`
}

// hidden is all that a client learns of an internal error.
const hidden = "the server failed; its log tells more under the request id"

// ProblemOf gives what a client may see of err: never the cause of an *Error, and of an internal error nothing but that
// there was one. Instance and RequestID are for the caller to fill in.
func ProblemOf(err error) *Problem {
	var e *Error
	switch {
	case errors.As(err, &e) && e.Kind.Valid():
	case errors.Is(err, context.DeadlineExceeded):
		e = &Error{Kind: KindUnavailable, Message: "the server took too long; try again"}
	default:
		e = &Error{Kind: KindInternal}
	}
	p := &Problem{
		Type: "about:blank", Title: e.Kind.Title(), Status: e.Kind.Status(), Code: e.Kind,
		Detail: e.Message, Errors: e.Fields, RetryAfter: e.RetryAfter,
	}
	if e.Kind == KindInternal {
		p.Detail, p.Errors = hidden, nil
	}
	return p
}

// Err gives the error that the problem was made of, as far as it was told, so that a client and the server speak of the
// same kinds.
func (p *Problem) Err() *Error {
	kind := p.Code
	if !kind.Valid() {
		kind = KindOfStatus(p.Status)
	}
	message := p.Detail
	if message == "" {
		message = p.Title
	}
	if message == "" {
		message = kind.Title()
	}
	return &Error{Kind: kind, Message: message, Fields: p.Errors, RetryAfter: p.RetryAfter}
}

// ErrorOfAnswer gives the error that an answer with a status of 400 or more stands for. Where body is not a problem, as
// when a proxy answered, the status alone decides. RetryAfter is the header of that name, in seconds.
func ErrorOfAnswer(status int, retryAfter string, body []byte) *Error {
	var p Problem
	if err := json.Unmarshal(body, &p); err != nil || p.Code == "" && p.Title == "" && p.Detail == "" {
		p = Problem{Detail: "the server answered " + strconv.Itoa(status)}
	}
	p.Status = status
	if seconds, err := strconv.Atoi(strings.TrimSpace(retryAfter)); err == nil && seconds > 0 && seconds < 1<<31 {
		p.RetryAfter = time.Duration(seconds) * time.Second
	}
	return p.Err()
}

// Status gives the HTTP status of the kind, 500 for one that is not known.
func (k ErrorKind) Status() int { status, _ := k.shape(); return status }

// Title gives the words that RFC 9110 has for the status of the kind.
func (k ErrorKind) Title() string { _, title := k.shape(); return title }

func (k ErrorKind) shape() (int, string) {
	switch k {
	case KindMalformed:
		return 400, "Bad Request"
	case KindUnauthorized:
		return 401, "Unauthorized"
	case KindForbidden:
		return 403, "Forbidden"
	case KindNotFound:
		return 404, "Not Found"
	case KindMethod:
		return 405, "Method Not Allowed"
	case KindTimeout:
		return 408, "Request Timeout"
	case KindConflict:
		return 409, "Conflict"
	case KindGone:
		return 410, "Gone"
	case KindTooLarge:
		return 413, "Content Too Large"
	case KindMediaType:
		return 415, "Unsupported Media Type"
	case KindInvalid:
		return 422, "Unprocessable Content"
	case KindTooMany:
		return 429, "Too Many Requests"
	case KindUnavailable:
		return 503, "Service Unavailable"
	}
	return 500, "Internal Server Error"
}

// KindOfStatus gives the kind that a status of 400 or more stands for when nothing else tells.
func KindOfStatus(status int) ErrorKind {
	for _, k := range []ErrorKind{
		KindMalformed, KindUnauthorized, KindForbidden, KindNotFound, KindMethod, KindTimeout, KindConflict, KindGone,
		KindTooLarge, KindMediaType, KindInvalid, KindTooMany, KindUnavailable,
	} {
		if k.Status() == status {
			return k
		}
	}
	switch {
	case status == 502 || status == 504: // a proxy that cannot reach the server
		return KindUnavailable
	case status >= 400 && status < 500:
		return KindMalformed
	}
	return KindInternal
}
