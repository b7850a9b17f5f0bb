package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"watchkeeper/api"
)

// Handler is what our routes are: it answers, or returns an error that has not been answered yet.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Handle makes a route of a Handler whose errors, and panics, are answered by respond.
func Handle(h Handler, respond Responder) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		defer rescue(w, r, respond)
		if err := h(w, r); err != nil {
			Respond(w, r, err, respond)
		}
	}
}

// Respond is the one place where an error becomes an answer and a line of the log. An internal error is logged with its
// text and answered without it; everything else is a refusal. Where the answer has already begun, the connection is cut
// instead, so that the client does not take a part for the whole.
func Respond(w http.ResponseWriter, r *http.Request, err error, respond Responder) {
	err = translate(r.Context(), err)
	problem := problemOf(r, err)
	if x := exchangeOf(r.Context()); x != nil {
		problem.RequestID = x.id[0]
		x.floor.record(x, err, problem)
		if x.status != 0 {
			panic(http.ErrAbortHandler)
		}
	}
	respond(w, r, problem)
}

// The waits that a client is told where the error names none.
const (
	unavailableWait = time.Second
	tooManyWait     = 10 * time.Second
)

// maxInstance bounds how much of a path an answer repeats.
const maxInstance = 1000

// translate gives errors that others made one of our kinds, where there is one.
func translate(ctx context.Context, err error) error {
	if _, ok := errors.AsType[*api.Error](err); ok {
		return err
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLargeError(tooLarge.Limit)
	}
	if abandoned(ctx, err) {
		// Nobody reads this, unless the server itself is going down and cancelled the request.
		return api.Wrap(api.KindUnavailable, err, "the request was given up; try again")
	}
	return err
}

// abandoned reports whether err only says that the client went away.
func abandoned(ctx context.Context, err error) bool {
	return errors.Is(err, context.Canceled) && ctx.Err() != nil
}

func problemOf(r *http.Request, err error) *api.Problem {
	p := api.ProblemOf(err)
	if p.RetryAfter == 0 {
		switch p.Code {
		case api.KindUnavailable:
			p.RetryAfter = unavailableWait
		case api.KindTooMany:
			p.RetryAfter = tooManyWait
		}
	}
	if path := r.URL.EscapedPath(); len(path) <= maxInstance {
		p.Instance = path
	}
	return p
}

// panicError is a panic on its way to the log.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// rescue is to be deferred; it answers a panic of the handler.
func rescue(w http.ResponseWriter, r *http.Request, respond Responder) {
	value := recover()
	if value == nil {
		return
	}
	if value == http.ErrAbortHandler {
		panic(value)
	}
	Respond(w, r, &panicError{value, debug.Stack()}, respond)
}
