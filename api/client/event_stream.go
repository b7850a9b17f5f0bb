package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"math/rand/v2"
	"mime"
	"net/http"
	"time"

	"watchkeeper/api"
)

// Follow says which events are followed.
type Follow struct {
	EventFilter        // From and To do not count
	After       string // the Position behind which to begin; empty begins with what comes from now on
	// Broken is told, by the goroutine that follows, why a connection ended and how long it will be until the next try.
	// It may be nil.
	Broken func(cause error, wait time.Duration)
}

// Followed is an event as it came, and its place in the stream.
type Followed struct {
	api.Event
	Position string // to go on from later, with Follow.After
}

// patience says how a stream is kept up.
type patience struct {
	first, most time.Duration // between tries
	answer      time.Duration // until the answer begins
	silence     time.Duration // of a stream that does not even say that it lives, until it is given up
}

// The server says that it lives every 15 s.
var usualPatience = patience{first: time.Second, most: 30 * time.Second, answer: 30 * time.Second, silence: 50 * time.Second}

// Why a connection ends.
var (
	errSilent  = errors.New("the stream fell silent")
	errEnded   = errors.New("the server ended the stream")
	errEnough  = errors.New("the reader wants no more")
	errForeign = errors.New("no stream of events")
)

// FollowEvents gives events in the order in which they were stored, as they come, until ctx ends. A connection that
// breaks is made anew, from the last event that came, as often as it takes. What the server refuses for good is the last
// thing given, and so is the error of ctx.
func (c *Client) FollowEvents(ctx context.Context, o Follow) iter.Seq2[Followed, error] {
	return func(yield func(Followed, error) bool) {
		f := follower{client: c, follow: o, after: o.After, first: c.patience.first, next: c.patience.first}
		for {
			err := f.connect(ctx, func(e Followed) bool { return yield(e, nil) })
			if errors.Is(err, errEnough) {
				return
			}
			if ctx.Err() == nil && passing(err) {
				err = f.wait(ctx, err)
			}
			if err != nil {
				yield(Followed{}, err)
				return
			}
		}
	}
}

// passing reports whether what ended a connection may be over at the next try.
func passing(err error) bool {
	switch {
	case errors.Is(err, errForeign):
		return false
	case errors.Is(err, errSilent), errors.Is(err, errEnded):
		return true
	}
	switch api.KindOf(err) {
	case api.KindUnavailable, api.KindTimeout, api.KindTooMany, api.KindInternal:
		return true
	}
	return false
}

// follower is where following stands.
type follower struct {
	client      *Client
	follow      Follow
	after       string        // the position of the last event that came
	first, next time.Duration // the waits after a connection that worked, and after the present one
}

// connect gives the events of one connection, and why it ended.
func (f *follower) connect(ctx context.Context, give func(Followed) bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(f.client.patience.answer, func() { cancel(errSilent) })
	defer silence.Stop()

	answer, err := f.client.send(ctx, f.request())
	if err != nil {
		return whyEnded(ctx, err)
	}
	defer answer.Body.Close()
	if media, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type")); err != nil || media != "text/event-stream" {
		return api.Wrap(api.KindInternal, errForeign, "the answer of "+f.client.URL()+" is not that of a Watchkeeper")
	}
	d := newDecoder(&alive{answer.Body, func() {
		silence.Reset(f.client.patience.silence)
		f.next = f.first
	}})
	d.resume(f.after)
	err = f.read(d, give)
	f.after = d.lastID
	if d.retry > 0 {
		f.first = min(d.retry, f.client.patience.most)
		f.next = f.first
	}
	return whyEnded(ctx, err)
}

func (f *follower) request() call {
	narrowed := f.follow.EventFilter
	narrowed.From, narrowed.To = 0, 0
	request := call{
		method: http.MethodGet, path: eventsPath + "/stream", query: narrowed.query(),
		header: http.Header{"Accept": {"text/event-stream"}},
	}
	if f.after != "" {
		request.header.Set("Last-Event-ID", f.after)
	}
	return request
}

// read gives the events of a stream until it ends.
func (f *follower) read(d *decoder, give func(Followed) bool) error {
	for {
		m, err := d.next()
		switch {
		case errors.Is(err, io.EOF):
			return errEnded
		case err != nil:
			return api.Wrap(api.KindUnavailable, err, "the stream broke")
		case m.event != "" && m.event != "message":
			continue // of a kind that a later server sends
		}
		f.client.onAnswer(m.data)
		e := Followed{Position: d.lastID}
		if err := json.Unmarshal(m.data, &e.Event); err != nil {
			return api.Wrap(api.KindInternal, errors.Join(errForeign, err), "a message of the stream is no event")
		}
		if !give(e) {
			return errEnough
		}
	}
}

// whyEnded gives the reason for which a connection was cut, where it was, instead of what that looks like from within.
func whyEnded(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, errEnough) {
		return cause
	}
	return err
}

// wait lets time pass before the next try, longer each time, never the same for two clients.
func (f *follower) wait(ctx context.Context, cause error) error {
	d := f.next/2 + rand.N(f.next/2+1)
	f.next = min(2*f.next, f.client.patience.most)
	var refusal *api.Error
	if errors.As(cause, &refusal) {
		d = max(d, min(refusal.RetryAfter, f.client.patience.most))
	}
	if f.follow.Broken != nil {
		f.follow.Broken(cause, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// alive tells of every sign of life of a stream.
type alive struct {
	io.Reader
	heard func()
}

func (a *alive) Read(b []byte) (int, error) {
	n, err := a.Reader.Read(b)
	if n > 0 {
		a.heard()
	}
	return n, err
}
