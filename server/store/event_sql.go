package store

import (
	"fmt"

	"watchkeeper/api"
)

// eventRow is a row of event.
type eventRow struct{ api.Event }

// The bits of event.flags.
const (
	eventAlert     = 1
	eventAutomatic = 2
)

const eventColumns = `event.id, event.service, event.long_service, event.message, event.level, event.level_text, event.time,
	event.received_at, event.flags`

func scanEvent(r row) (api.Event, error) {
	var (
		e     api.Event
		long  string
		flags int64
	)
	if err := r.Scan(&e.ID, &e.Service, &long, &e.Message, &e.Level, &e.LevelText, &e.Time, &e.ReceivedAt, &flags); err != nil {
		return e, fmt.Errorf("reading an event: %w", err)
	}
	if long != "" {
		e.Service = long
	}
	e.LevelName = e.Level.Name()
	e.Alert, e.Automatic = flags&eventAlert != 0, flags&eventAutomatic != 0
	return e, nil
}

// insertEvents is the statement. Both engines read the values in their order, and draw the ids as they read. To sort them
// on the way, and to give back each id, would cost as much again.
func insertEvents(e engine) string {
	return `insert into event (service, long_service, message, level, level_text, time, received_at, flags)
		select service, long_service, message, level, level_text, time, received_at, flags from ` +
		e.relation(1, text("service"), text("long_service"), text("message"), ints("level"), text("level_text"),
			ints("time"), ints("received_at"), ints("flags")) + ` i`
}

func eventValues(e engine, events []*eventRow) []any {
	return e.pack(
		each(events, func(e *eventRow) string { return nameKey(e.Service) }),
		each(events, func(e *eventRow) string {
			if nameKey(e.Service) == e.Service {
				return ""
			}
			return e.Service
		}),
		each(events, func(e *eventRow) string { return e.Message }),
		each(events, func(e *eventRow) int64 { return int64(e.Level) }),
		each(events, func(e *eventRow) string { return e.LevelText }),
		each(events, func(e *eventRow) int64 { return int64(e.Time) }),
		each(events, func(e *eventRow) int64 { return int64(e.ReceivedAt) }),
		each(events, func(e *eventRow) int64 { return eventFlags(e) }),
	)
}

func eventFlags(e *eventRow) int64 {
	var flags int64
	if e.Alert {
		flags |= eventAlert
	}
	if e.Automatic {
		flags |= eventAutomatic
	}
	return flags
}
