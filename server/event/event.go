// Package event is the feature of events: it takes them and finds them again.
//
// What an event is and how it may look is in package api, how it is kept in package store. Here is what the database
// does not do: texts and patterns, which an index narrows that follows the commits, and the bound on how long one search
// may read.
package event

import (
	"log/slog"

	"watchkeeper/api"
	"watchkeeper/server/clock"
	"watchkeeper/server/hub"
	"watchkeeper/server/store"
)

// Options is what the feature is made of.
type Options struct {
	Store  *store.Store
	Hub    *hub.Hub
	Clock  clock.Clock
	Log    *slog.Logger
	Server string // the id of this server, by which one of several makes the index
	// Accept refuses events from outside while there is no room for them; nil never does.
	Accept func() error
}

// maxSearches is how many searches may read more than the newest events at once: each may read for as long as its
// patience, and must not take the database from those who ask for little.
const maxSearches = 2

// Events takes and finds events.
type Events struct {
	Options
	searches chan struct{} // a place for each of them
}

// New makes the feature.
func New(o Options) *Events { return &Events{Options: o, searches: make(chan struct{}, maxSearches)} }

// Add stores events, all or none, after their commit. The inputs have been checked.
func (e *Events) Add(inputs []api.EventInput, sequence *store.Sequence) (store.Added, error) {
	if e.Accept != nil {
		if err := e.Accept(); err != nil {
			return store.Added{}, err
		}
	}
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

// AlertOwn is AddOwn for what the owner is told by the default route.
func (e *Events) AlertOwn(level api.Level, message string) error {
	now := api.TimeOf(e.Clock.Now())
	_, err := e.Store.Events.Add([]api.Event{{
		Service: OwnService, Message: message, Level: level, Time: now, ReceivedAt: now, Alert: true,
	}}, nil)
	return err
}

// OwnService is the service under which Watchkeeper writes events about itself.
const OwnService = "watchkeeper"
