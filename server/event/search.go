package event

import (
	"cmp"
	"context"
	"slices"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/search"
	"watchkeeper/server/store"
)

// seeker is one search under way. It looks at the newest events one by one first, which finds what is common and needs no
// index; then at those that the index leaves, newest segments first; and, where that takes too long to get anywhere, goes
// on one by one. Whenever it ends, all events before the place in filter.Before have been looked at.
type seeker struct {
	*Events
	Query
	matches  func(*api.Event) bool // nil when the filter is all
	filter   store.EventFilter
	deadline time.Time
	found    Found
	read     int // events
	size     int // bytes of what was found
}

func (e *Events) newSearch(q Query) *seeker {
	s := &seeker{Events: e, Query: q, matches: q.matches(), found: Found{Events: []api.Event{}}, filter: q.filter()}
	s.filter.Before = q.After
	return s
}

// exact reports whether the database leaves out all that does not fit.
func (s *seeker) exact() bool { return s.matches == nil && s.filter.Exact() }

// fits reports whether an event is to be found, and was not looked at.
func (s *seeker) fits(e *api.Event) bool {
	return s.filter.Holds(e) && (s.matches == nil || s.matches(e))
}

// run goes on behind the newest.
func (s *seeker) run(ctx context.Context) (Found, error) {
	s.found.Next, s.found.Early = store.Mark{}, false
	if need := s.need(); need.Narrows() {
		if ended, err := s.narrow(ctx, need); err != nil || ended {
			return s.found, err
		}
	}
	_, err := s.walk(ctx, maxRead)
	return s.found, err
}

// late reports whether a part of the patience is used up.
func (s *seeker) late(part float64) bool {
	left := time.Duration(float64(s.patience()) * (1 - part))
	return s.Clock.Now().Add(left).After(s.deadline)
}

// walk looks at events one by one, newest first, until the page is full, there are no more, or it is time to end; only
// in the last case, and after most, it has not ended the page.
func (s *seeker) walk(ctx context.Context, most int) (ended bool, err error) {
	for most += s.read; ; {
		step := readStep
		if s.exact() {
			step = min(step, s.Limit-len(s.found.Events)+1)
		}
		page, err := s.Store.Events.Page(ctx, s.filter, step)
		if err != nil {
			return false, err
		}
		for i := range page {
			if len(s.found.Events) == s.Limit {
				s.found.Next = s.filter.Before
				return true, nil
			}
			fits := s.fits(&page[i])
			s.filter.Before = markOf(&page[i])
			if fits {
				s.found.Events = append(s.found.Events, page[i])
				s.size += len(page[i].Message)
			}
		}
		s.read += len(page)
		switch {
		case len(page) == 0:
			return true, nil
		case s.size >= maxFound:
			s.found.Next = s.filter.Before
			return true, nil
		case s.read >= most, s.late(1):
			s.found.Next, s.found.Early = s.filter.Before, true
			return false, nil
		}
	}
}

func markOf(e *api.Event) store.Mark { return store.Mark{Time: e.Time, ID: e.ID} }

// piece is a segment of ids that a search has to look at. No event in it comes before upper.
type piece struct {
	number  int64
	segment *store.Segment // nil when it is not in the index, and then has to be read whole
	upper   store.Mark
}

const (
	maxUnindexed = 16  // segments that are worth reading whole; with more, going one by one gets as far
	indexPart    = 0.6 // of the patience, for what the index leaves
	firstChunk   = 4   // segments that are asked for at once, and more each time
	maxChunk     = 64
	fetchCells   = 256 // cells that are read at once
	fetchBytes   = 4 << 20
)

// pieces gives what there is to look at behind filter.Before, in the order in which it is looked at.
func (s *seeker) pieces(ctx context.Context) ([]piece, error) {
	ids, err := s.Store.Events.IDs(ctx)
	if err != nil || ids.Last == 0 {
		return nil, err
	}
	segments, err := s.Store.Search.Segments(ctx, ids.First/search.SegmentSize)
	if err != nil {
		return nil, err
	}
	var out []piece
	for number, i := ids.First/search.SegmentSize, 0; number <= ids.Last/search.SegmentSize; number++ {
		p := piece{number: number, upper: s.filter.Before}
		for i < len(segments) && segments[i].Number < number {
			i++
		}
		if i < len(segments) && segments[i].Number == number {
			p.segment = &segments[i]
			if p.segment.MaxTime < s.From || p.segment.MinTime > s.filter.Before.Time || s.To > 0 && p.segment.MinTime > s.To {
				continue
			}
			if last := (store.Mark{Time: p.segment.MaxTime, ID: p.segment.LastID}); before(s.filter.Before, last) {
				p.upper = last
			}
		}
		out = append(out, p)
	}
	slices.SortStableFunc(out, func(a, b piece) int {
		return cmp.Or(cmp.Compare(b.upper.Time, a.upper.Time), cmp.Compare(b.upper.ID, a.upper.ID))
	})
	return out, nil
}

// before reports whether a is newer than b, and so comes before it in a list.
func before(a, b store.Mark) bool { return a.Time > b.Time || a.Time == b.Time && a.ID > b.ID }

// narrow looks at what the index leaves. It reports whether the page has ended; otherwise filter.Before is where to go on.
func (s *seeker) narrow(ctx context.Context, need search.Need) (ended bool, err error) {
	pieces, err := s.pieces(ctx)
	if err != nil {
		s.Log.Warn("the index of texts cannot be read; searching without it", "error", err)
		return false, ctx.Err()
	}
	unindexed := 0
	for _, p := range pieces {
		if p.segment == nil {
			unindexed++
		}
	}
	if unindexed > maxUnindexed {
		return false, nil
	}
	best := &best{limit: s.Limit - len(s.found.Events), bytes: maxFound}
	f := fetch{seeker: s, best: best}
	for size := firstChunk; len(pieces) > 0; size = min(2*size, maxChunk) {
		chunk := pieces[:min(size, len(pieces))]
		left, err := s.cells(ctx, need, chunk)
		if err != nil {
			s.Log.Warn("the index of texts cannot be read; searching without it", "error", err)
			return false, ctx.Err()
		}
		for i, p := range chunk {
			f.add(p, left[i])
			if i < len(chunk)-1 && !f.full() {
				continue
			}
			if err := f.run(ctx); err != nil {
				return false, err
			}
			rest := pieces[i+1:]
			switch {
			case f.late && !best.full(f.began): // what was not read begins with the first piece of this fetch
				s.take(best.newerThan(f.began))
				if on := (store.Mark{Time: f.began.Time, ID: f.began.ID + 1}); before(s.filter.Before, on) {
					s.filter.Before = on
				}
				return false, nil
			case f.late, len(rest) > 0 && best.full(rest[0].upper):
				s.take(best.events)
				s.found.Next = best.last()
				return true, nil
			case len(rest) == 0:
				if best.sort(); best.cut {
					s.found.Next = best.last()
				}
				s.take(best.events)
				return true, nil
			}
		}
		pieces = pieces[len(chunk):]
	}
	return true, nil
}

// take adds events to the page.
func (s *seeker) take(events []api.Event) {
	s.found.Events = append(s.found.Events, events...)
	for i := range events {
		s.size += len(events[i].Message)
	}
}

// cells gives for each piece the cells that may hold what is needed.
func (s *seeker) cells(ctx context.Context, need search.Need, pieces []piece) ([]search.Cells, error) {
	slots := need.Slots()
	var buckets []int
	for _, slot := range slots {
		buckets = append(buckets, slot.Bucket())
	}
	buckets = slices.Compact(buckets)
	var numbers []int64
	for _, p := range pieces {
		if p.segment != nil {
			numbers = append(numbers, p.number)
		}
	}
	type key struct {
		number int64
		slot   search.Slot
	}
	have := map[key]search.Cells{}
	err := s.Store.Search.Parts(ctx, numbers, buckets, func(number int64, bucket int, data []byte) {
		for _, slot := range slots {
			if slot.Bucket() != bucket {
				continue
			}
			set, ok := search.Lookup(data, slot)
			if !ok {
				set = search.AllCells()
				s.Log.Warn("a part of the index of texts is damaged", "segment", number, "part", bucket)
			}
			have[key{number, slot}] = set
		}
	})
	out := make([]search.Cells, len(pieces))
	for i, p := range pieces {
		out[i] = search.AllCells()
		if p.segment != nil {
			out[i] = need.Cells(func(slot search.Slot) search.Cells { return have[key{p.number, slot}] })
		}
	}
	return out, err
}
