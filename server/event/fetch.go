package event

import (
	"cmp"
	"context"
	"slices"

	"watchkeeper/api"
	"watchkeeper/server/search"
	"watchkeeper/server/store"
)

// fetch gathers ranges of ids and reads their events at once.
type fetch struct {
	*seeker
	best *best

	began    store.Mark // the upper end of the first piece that was added since the last run
	added    int        // pieces
	spans    []store.Span
	cells    int
	bytes    int64
	received store.Window
	late     bool
}

// add notes the cells of a piece.
func (f *fetch) add(p piece, left search.Cells) {
	if f.added == 0 {
		f.began, f.received = p.upper, store.Window{}
	}
	f.added++
	first := p.number * search.SegmentSize
	n := 0
	for cell := range search.SegmentSize / search.CellSize {
		if !left.Has(cell) {
			continue
		}
		n++
		at := first + int64(cell)*search.CellSize
		if last := len(f.spans) - 1; last >= 0 && f.spans[last].Last == at-1 {
			f.spans[last].Last += search.CellSize
		} else {
			f.spans = append(f.spans, store.Span{First: at, Last: at + search.CellSize - 1})
		}
	}
	f.cells += n
	if n == 0 {
		return
	}
	if p.segment == nil { // nothing is known of it
		f.bytes += fetchBytes
		f.received = store.Window{From: 0, To: 1 << 61}
		return
	}
	f.bytes += p.segment.Bytes / (search.SegmentSize / search.CellSize) * int64(n)
	if f.received == (store.Window{}) {
		f.received = store.Window{From: p.segment.MinReceived, To: p.segment.MaxReceived}
	}
	f.received.From = min(f.received.From, p.segment.MinReceived)
	f.received.To = max(f.received.To, p.segment.MaxReceived)
}

// full reports whether it is time to run.
func (f *fetch) full() bool { return f.cells >= fetchCells || f.bytes >= fetchBytes }

// run reads what was added, unless it gets late.
func (f *fetch) run(ctx context.Context) error {
	f.late = f.seeker.late(indexPart)
	for spans := f.spans; len(spans) > 0 && !f.late; {
		n := min(len(spans), fetchCells)
		seen := 0
		err := f.Store.Events.Within(ctx, spans[:n], f.Service, f.received, func(e *api.Event) bool {
			if f.fits(e) {
				f.best.add(e)
			}
			if seen++; seen%64 == 0 || len(e.Message) > 1<<16 {
				f.late = f.seeker.late(indexPart)
			}
			return !f.late
		})
		if err != nil {
			return err
		}
		spans = spans[n:]
	}
	f.spans, f.added, f.cells, f.bytes = f.spans[:0], 0, 0, 0
	return nil
}

// best keeps the newest of the events that it is given, as many as a page may hold.
type best struct {
	limit, bytes int
	events       []api.Event
	size         int
	cut          bool       // some were left out, all of them behind floor
	floor        store.Mark // the last one that was kept when some were left out
}

func (b *best) add(e *api.Event) {
	if b.cut && !before(markOf(e), b.floor) {
		return
	}
	b.events = append(b.events, *e)
	b.size += len(e.Message)
	if len(b.events) > 2*b.limit+readStep || b.size > 2*b.bytes {
		b.sort()
	}
}

// sort puts the newest first and leaves out what a page does not hold.
func (b *best) sort() {
	slices.SortFunc(b.events, func(x, y api.Event) int { return cmp.Or(cmp.Compare(y.Time, x.Time), cmp.Compare(y.ID, x.ID)) })
	b.size = 0
	for i := range b.events {
		if i == b.limit || i > 0 && b.size+len(b.events[i].Message) > b.bytes {
			clear(b.events[i:])
			b.events, b.cut = b.events[:i], true
			b.floor = b.last()
			return
		}
		b.size += len(b.events[i].Message)
	}
}

func (b *best) last() store.Mark { return markOf(&b.events[len(b.events)-1]) }

// full reports whether nothing at or behind a place can be among what a page holds.
func (b *best) full(at store.Mark) bool {
	b.sort()
	return (b.cut || len(b.events) >= b.limit) && before(b.last(), at)
}

// newerThan gives the events before a place.
func (b *best) newerThan(at store.Mark) []api.Event {
	b.sort()
	n := 0
	for n < len(b.events) && before(markOf(&b.events[n]), at) {
		n++
	}
	return b.events[:n]
}
