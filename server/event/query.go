package event

import (
	"context"
	"regexp"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/search"
	"watchkeeper/server/store"
)

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
	Patience  time.Duration         // how long the search may take; 0 for the usual
}

// Found is a page of events, newest first.
type Found struct {
	Events []api.Event
	Next   store.Mark // where the next page begins; zero at the end
	// Early says that the page ended because the search took long; everything before Next was looked at.
	Early bool
}

// The bounds of one search. When they are reached the page ends early, with a place to go on from.
const (
	maxRead  = 200_000
	maxFound = 32 << 20 // bytes of the messages of one page
	patience = 500 * time.Millisecond
	readStep = 1000
)

// List gives the newest events that fit. What is not found among the newest of all waits for a place to search.
func (e *Events) List(ctx context.Context, q Query) (Found, error) {
	s := e.newSearch(q)
	s.deadline = e.Clock.Now().Add(s.patience())
	if s.exact() {
		_, err := s.walk(ctx, maxRead)
		return s.found, err
	}
	ended, err := s.walk(ctx, readStep)
	if len(s.found.Events) == s.Limit {
		s.found.Early = false
		return s.found, err
	}
	if err != nil || ended || s.late(1) {
		return s.found, err
	}
	began := e.Clock.Now()
	select {
	case e.searches <- struct{}{}:
		defer func() { <-e.searches }()
	case <-ctx.Done():
		return Found{}, ctx.Err()
	}
	s.deadline = s.deadline.Add(e.Clock.Now().Sub(began)) // waiting is not searching
	return s.run(ctx)
}

// filter gives the part of the query that the store knows.
func (q *Query) filter() store.EventFilter {
	return store.EventFilter{Service: q.Service, MinLevel: q.MinLevel, From: q.From, To: q.To}
}

// matches gives the rest of the query, nil when there is none.
func (q *Query) matches() func(*api.Event) bool {
	if q.ServiceRE == nil && q.MessageRE == nil && q.Message == "" && q.Keep == nil {
		return nil
	}
	part := search.Fold(q.Message)
	return func(e *api.Event) bool {
		return (q.Keep == nil || q.Keep(e)) &&
			(q.ServiceRE == nil || q.ServiceRE.MatchString(e.Service)) &&
			(part == "" || search.Contains(e.Message, part)) &&
			(q.MessageRE == nil || q.MessageRE.MatchString(e.Message))
	}
}

// need gives what every event that fits has in it, as the index knows it.
func (q *Query) need() search.Need {
	var needs []search.Need
	if q.Service != "" { // first, as what narrows most
		needs = append(needs, search.OfName(q.Service))
	}
	if q.ServiceRE != nil {
		needs = append(needs, search.OfPattern(search.Service, q.ServiceRE))
	}
	if q.MessageRE != nil {
		needs = append(needs, search.OfPattern(search.Message, q.MessageRE))
	}
	if q.Message != "" {
		needs = append(needs, search.OfText(search.Message, q.Message))
	}
	return search.All(needs...)
}

func (q *Query) patience() time.Duration {
	if q.Patience > 0 {
		return q.Patience
	}
	return patience
}

// Fits reports whether an event fits the query, for one that follows events as they come.
func (q *Query) Fits(e *api.Event) bool {
	matches := q.matches()
	return q.filter().Holds(e) && (matches == nil || matches(e))
}
