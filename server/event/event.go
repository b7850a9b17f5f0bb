// Package event is the feature of events: it takes them and finds them again.
//
// What an event is and how it may look is in package api, how it is kept in package store. Here is what the database
// does not do: patterns, which run in linear time, and the bound on how much one search may read.
package event

import (
	"context"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/clock"
	"watchkeeper/server/store"
)

// Options is what the feature is made of.
type Options struct {
	Store *store.Store
	Clock clock.Clock
	Log   *slog.Logger
}

// maxSearches is how many searches by pattern may read at once: each may read for seconds, and must not take the
// database from those who ask for little.
const maxSearches = 2

// Events takes and finds events.
type Events struct {
	Options
	searches chan struct{} // a place for each search by pattern
}

// New makes the feature.
func New(o Options) *Events { return &Events{Options: o, searches: make(chan struct{}, maxSearches)} }

// Add stores events, all or none, after their commit. The inputs have been checked.
func (e *Events) Add(inputs []api.EventInput, sequence *store.Sequence) (store.Added, error) {
	now := api.TimeOf(e.Clock.Now())
	events := make([]api.Event, len(inputs))
	for i := range inputs {
		events[i] = inputs[i].Event(now)
	}
	return e.Store.Events.Add(events, sequence)
}

// AddOwn stores an event that Watchkeeper writes about itself; a failure is only logged, since nobody waits for it.
func (e *Events) AddOwn(level api.Level, message string) {
	now := api.TimeOf(e.Clock.Now())
	_, err := e.Store.Events.Add([]api.Event{{
		Service: OwnService, Message: message, Level: level, Time: now, ReceivedAt: now, Automatic: true,
	}}, nil)
	if err != nil {
		e.Log.Error("an event of the server itself could not be stored", "message", message, "error", err)
	}
}

// OwnService is the service under which Watchkeeper writes events about itself.
const OwnService = "watchkeeper"

// Query is what a list of events is narrowed to. Empty fields do not narrow.
type Query struct {
	Service   string         // exact
	ServiceRE *regexp.Regexp // unanchored
	Message   string         // part of the message, in any case
	MessageRE *regexp.Regexp
	MinLevel  *api.Level
	From, To  api.Time // inclusive
	After     store.Mark
	Limit     int
	Keep      func(*api.Event) bool // what else must hold, such as that the reader may see it; nil for nothing
}

// Found is a page of events, newest first.
type Found struct {
	Events []api.Event
	Next   store.Mark // where the next page begins; zero at the end
}

// The bounds of one search. When they are reached the page ends early, with a place to go on from.
const (
	maxRead  = 200_000
	maxFound = 32 << 20 // bytes of the messages of one page
	maxTime  = 3 * time.Second
	readStep = 1000
)

// List gives the newest events that fit.
func (e *Events) List(ctx context.Context, q Query) (Found, error) {
	filter := store.EventFilter{Service: q.Service, MinLevel: q.MinLevel, From: q.From, To: q.To, Before: q.After}
	fits := q.fits()
	if fits != nil {
		select {
		case e.searches <- struct{}{}:
			defer func() { <-e.searches }()
		case <-ctx.Done():
			return Found{}, ctx.Err()
		}
	}
	deadline := e.Clock.Now().Add(maxTime)
	found := Found{Events: []api.Event{}}
	for read, size := 0, 0; ; {
		step := readStep
		if fits == nil {
			step = min(step, q.Limit-len(found.Events)+1)
		}
		page, err := e.Store.Events.Page(ctx, filter, step)
		if err != nil {
			return Found{}, err
		}
		for i := range page {
			if len(found.Events) == q.Limit {
				found.Next = filter.Before
				return found, nil
			}
			filter.Before = store.Mark{Time: page[i].Time, ID: page[i].ID}
			if fits == nil || fits(&page[i]) {
				found.Events = append(found.Events, page[i])
				size += len(page[i].Message)
			}
		}
		read += len(page)
		if len(page) == 0 {
			return found, nil
		}
		if read >= maxRead || size >= maxFound || e.Clock.Now().After(deadline) {
			found.Next = filter.Before
			return found, nil
		}
	}
}

// fits gives the part of the query that the database does not do, nil when there is none.
func (q *Query) fits() func(*api.Event) bool {
	if q.ServiceRE == nil && q.MessageRE == nil && q.Message == "" && q.Keep == nil {
		return nil
	}
	part := strings.ToLower(q.Message)
	return func(e *api.Event) bool {
		return (q.Keep == nil || q.Keep(e)) &&
			(q.ServiceRE == nil || q.ServiceRE.MatchString(e.Service)) &&
			(part == "" || strings.Contains(strings.ToLower(e.Message), part)) &&
			(q.MessageRE == nil || q.MessageRE.MatchString(e.Message))
	}
}

// Fits reports whether an event fits the query, for one that follows events as they come.
func (q *Query) Fits(e *api.Event) bool {
	fits := q.fits()
	return (q.Service == "" || q.Service == e.Service) &&
		(q.MinLevel == nil || e.Level >= *q.MinLevel) &&
		(q.From == 0 || e.Time >= q.From) && (q.To == 0 || e.Time <= q.To) &&
		(fits == nil || fits(e))
}
