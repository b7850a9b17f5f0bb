package store

import (
	"context"

	"watchkeeper/api"
	"watchkeeper/server/hub"
)

// Events is the handle of the event log.
type Events struct {
	s         *Store
	insert    string
	committer *committer[*eventBatch]
}

func newEvents(s *Store) *Events {
	h := &Events{s: s, insert: insertEvents(s.eng)}
	h.committer = newCommitter(s, h.apply)
	return h
}

// Sequence is the number that a sender gave to a record, so that it can send it again without storing it twice.
type Sequence struct {
	Sender string // who sends: a token id, a host, or "password"
	Stream string
	Number uint64
}

// eventBatch is what one request adds, all of it or nothing.
type eventBatch struct {
	events   []*eventRow
	sequence *Sequence
	repeated bool
}

// Added is what became of events that were to be added.
type Added struct {
	IDs      []int64 // in the order of the events
	Repeated bool    // the sequence number was had before, so nothing was stored
}

// Add stores events, all or none, and answers after the commit. Events that ask for an alert open and close an incident
// each, in the same transaction.
func (h *Events) Add(events []api.Event, sequence *Sequence) (Added, error) {
	b := &eventBatch{sequence: sequence}
	weight := 0
	for _, e := range events {
		e.Message, e.LevelText = api.CleanText(e.Message), api.CleanText(e.LevelText)
		b.events = append(b.events, &eventRow{e})
		weight += len(e.Message) + len(e.Service) + 100
	}
	if len(events) == 0 && sequence == nil {
		return Added{}, nil
	}
	err := h.committer.submit(b, weight, h.s.now())
	if err != nil {
		return Added{}, err
	}
	return Added{IDs: each(b.events, func(e *eventRow) int64 { return e.ID }), Repeated: b.repeated}, nil
}

// maxPageBytes is how much text a page of events holds, above its first event, however many were asked for: a message
// may have a megabyte.
const maxPageBytes = 4 << 20

// After gives events with larger ids than the given one, in the order of ids: what a live tail reads. Where messages are
// long it gives fewer than asked for; only an empty page is the end.
func (h *Events) After(ctx context.Context, id int64, limit int) ([]api.Event, error) {
	return h.page(ctx, "select "+eventColumns+" from event where event.id > $1 order by event.id limit $2", id, limit)
}

// page reads events until they are enough.
func (h *Events) page(ctx context.Context, sql string, args ...any) ([]api.Event, error) {
	var out []api.Event
	err := h.s.read(ctx, func(tx *Tx) error {
		out = nil
		r, err := tx.query(ctx, sql, args...)
		if err != nil {
			return err
		}
		defer r.Close()
		for size := 0; size < maxPageBytes && r.Next(); {
			e, err := scanEvent(r)
			if err != nil {
				return err
			}
			size += len(e.Message)
			out = append(out, e)
		}
		return r.Err()
	})
	return out, err
}

// LastID gives the id of the newest event, 0 when there is none.
func (h *Events) LastID(ctx context.Context) (int64, error) {
	var id int64
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		id, err = one(ctx, tx.session, scanOne[int64], "select coalesce(max(id), 0) from event")
		return err
	})
	return id, err
}

// EventFilter is what a list of events may be narrowed to.
type EventFilter struct {
	Service  string // exact; empty for all
	MinLevel *api.Level
	From, To api.Time // inclusive; 0 for open
	Before   Mark     // the place after which the page begins
}

// Holds reports whether an event fits the filter.
func (f EventFilter) Holds(e *api.Event) bool {
	return (f.Service == "" || f.Service == e.Service) &&
		(f.MinLevel == nil || e.Level >= *f.MinLevel) &&
		(f.From == 0 || e.Time >= f.From) && (f.To == 0 || e.Time <= f.To) &&
		(f.Before == Mark{} || e.Time < f.Before.Time || e.Time == f.Before.Time && e.ID < f.Before.ID)
}

// Exact reports whether Page leaves out all that does not fit. It has no index for the events of one service, which package
// search has, nor for levels that most events have: to look for these there would be no bound on what is read.
func (f EventFilter) Exact() bool { return f.Service == "" && (f.MinLevel == nil || f.serious()) }

func (f EventFilter) serious() bool { return f.MinLevel != nil && *f.MinLevel >= api.LevelWarning }

// Page gives events newest first, by time and id; see Exact for what it leaves in. Where messages are long it gives fewer than
// asked for; only an empty page is the end.
func (h *Events) Page(ctx context.Context, f EventFilter, limit int) ([]api.Event, error) {
	where, args := f.where()
	args = append(args, limit)
	return h.page(ctx, "select "+eventColumns+" from event"+where.text()+" order by time desc, id desc limit "+placeholder(len(args)), args...)
}

func (f EventFilter) where() (conditions, []any) {
	var c conditions
	if f.serious() {
		c.literal("level >= 2") // lets the index of serious events serve
		c.add("level >= ", int64(*f.MinLevel))
	}
	if f.From > 0 {
		c.add("time >= ", int64(f.From))
	}
	if f.To > 0 {
		c.add("time <= ", int64(f.To))
	}
	if f.Before != (Mark{}) {
		c.args = append(c.args, int64(f.Before.Time), f.Before.ID)
		c.literal("(time, id) < (" + placeholder(len(c.args)-1) + ", " + placeholder(len(c.args)) + ")")
	}
	return c, c.args
}

// Span is a range of ids, both ends included.
type Span struct{ First, Last int64 }

// Within gives the events with ids in some spans to visit, in any order, until it returns false: those of one service, unless
// the name is empty. From and To of received, where they are not 0, say between which receive times all of them lie.
func (h *Events) Within(ctx context.Context, spans []Span, service string, received Window, visit func(*api.Event) bool) error {
	w := conditions{args: h.s.eng.pack(
		each(spans, func(s Span) int64 { return s.First }), each(spans, func(s Span) int64 { return s.Last }))}
	w.literal("event.id between w.first_id and w.last_id")
	// The rest is for the caller: a database that believes that another index narrows more would read all of that.
	if service != "" {
		w.add("service = ", nameKey(service))
	}
	if received.To > 0 {
		w.add("received_at >= ", int64(received.From))
		w.add("received_at <= ", int64(received.To))
	}
	return h.s.read(ctx, func(tx *Tx) error {
		if err := tx.eng.byIndex(ctx, tx.session); err != nil {
			return err
		}
		r, err := tx.query(ctx, "select "+eventColumns+" from "+tx.eng.relation(1, ints("first_id"), ints("last_id"))+
			" w cross join event"+w.text(), w.args...)
		if err != nil {
			return err
		}
		defer r.Close()
		for r.Next() {
			e, err := scanEvent(r)
			if err != nil {
				return err
			}
			if !visit(&e) {
				return nil
			}
		}
		return r.Err()
	})
}

// Window is a range of times, both ends included.
type Window struct{ From, To api.Time }

// IDs gives the least and the largest id of all events, 0 when there is none.
func (h *Events) IDs(ctx context.Context) (Span, error) {
	var s Span
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		s, err = one(ctx, tx.session, func(r row) (s Span, err error) { return s, r.Scan(&s.First, &s.Last) },
			"select coalesce((select min(id) from event), 0), coalesce((select max(id) from event), 0)")
		return err
	})
	return s, err
}

// apply stores a group of batches.
func (h *Events) apply(ctx context.Context, tx *Tx, group []*entry[*eventBatch]) error {
	var fresh []*eventRow
	for _, e := range group {
		b := e.value
		b.repeated = false
		if b.sequence != nil {
			had, err := tx.mark(ctx, *b.sequence)
			if err != nil {
				return err
			}
			if b.repeated = had; had {
				continue
			}
		}
		fresh = append(fresh, b.events...)
	}
	if len(fresh) == 0 {
		return nil
	}
	tx.wake(hub.Events)
	return tx.insertEvents(ctx, h.insert, fresh)
}
