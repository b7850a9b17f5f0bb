package event

import (
	"context"
	"errors"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/clock"
	"watchkeeper/server/hub"
	"watchkeeper/server/search"
	"watchkeeper/server/store"
)

// Indexer makes the index of texts follow the events. A segment is made once, when all its ids have been drawn; the
// events behind the last whole one are few enough to be read by whoever searches.
type Indexer struct {
	*Events
	builder *search.Builder // nil while there is nothing to do: it is large
	floor   int64           // every segment below is in the index, or will never be needed
}

// NewIndexer makes the loop.
func NewIndexer(e *Events) *Indexer { return &Indexer{Events: e} }

const (
	indexLease = "search"
	indexEvery = time.Second
	indexRound = 32   // segments that are made before the leader looks whether it still is one
	indexStep  = 1024 // ids that are read at once
	retryIndex = 10 * time.Second
)

// Run follows the events until ctx ends.
func (x *Indexer) Run(ctx context.Context) error {
	woken := x.Hub.Subscribe(hub.Events)
	defer woken.Close()
	for failing := false; ; {
		more, err := x.Round(ctx)
		wait := indexEvery
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			if !failing {
				x.Log.Error("indexing events failed, trying on", "error", err)
			}
			wait = retryIndex
		case more:
			wait = 0
		}
		failing = err != nil
		if wait == 0 {
			continue
		}
		if err := clock.Sleep(ctx, x.Clock, wait); err != nil {
			return nil
		}
		if failing {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-woken.C():
		}
	}
}

// Round makes some of the segments that are missing, the newest first, and forgets one whose events are gone. It reports
// whether there is more to do.
func (x *Indexer) Round(ctx context.Context) (more bool, err error) {
	ids, err := x.Store.Events.IDs(ctx)
	if err != nil {
		return false, err
	}
	missing, err := x.missing(ctx, ids)
	if err != nil {
		return false, err
	}
	if ids.Last == 0 { // no event is left, so no segment is needed
		ids.First = 1 << 62
	}
	gone, err := x.Store.Search.Outdated(ctx, ids.First)
	if err != nil || len(missing) == 0 && !gone {
		x.builder = nil
		return false, err
	}
	if _, err := x.Store.Leases.Acquire(ctx, indexLease, x.Server); err != nil {
		if errors.Is(err, store.ErrNotLeader) {
			return false, nil
		}
		return false, err
	}
	if gone {
		if gone, err = x.Store.Search.Forget(ctx, ids.First, search.Buckets); err != nil {
			return false, err
		}
	}
	for _, number := range missing[:min(len(missing), indexRound)] {
		began := x.Clock.Now()
		if err := x.make(ctx, number); err != nil {
			return false, err
		}
		// Whoever sends or reads events comes first.
		if err := clock.Sleep(ctx, x.Clock, x.Clock.Now().Sub(began)/4); err != nil {
			return false, err
		}
	}
	return gone || len(missing) > indexRound, nil
}

// missing gives the numbers of the segments that are to be made, the newest first.
func (x *Indexer) missing(ctx context.Context, ids store.Span) ([]int64, error) {
	if ids.Last == 0 {
		return nil, nil
	}
	first, end := ids.First/search.SegmentSize, (ids.Last+1)/search.SegmentSize
	x.floor = max(x.floor, first)
	if x.floor >= end {
		return nil, nil
	}
	segments, err := x.Store.Search.Segments(ctx, x.floor)
	if err != nil {
		return nil, err
	}
	have := make(map[int64]bool, len(segments))
	for _, s := range segments {
		have[s.Number] = true
	}
	for have[x.floor] {
		x.floor++
	}
	var out []int64
	for number := end - 1; number >= x.floor; number-- {
		if !have[number] {
			out = append(out, number)
		}
	}
	return out, nil
}

// make makes a segment and saves it.
func (x *Indexer) make(ctx context.Context, number int64) error {
	if x.builder == nil {
		x.builder = &search.Builder{}
	}
	x.builder.Reset()
	first := number * search.SegmentSize
	s := store.Segment{Number: number, FirstID: first, LastID: first + search.SegmentSize - 1}
	empty := true
	for at := first; at < first+search.SegmentSize; at += indexStep {
		err := x.Store.Events.Within(ctx, []store.Span{{First: at, Last: at + indexStep - 1}}, "", store.Window{},
			func(e *api.Event) bool {
				x.builder.Add(int(e.ID-first), e.Service, e.Message)
				if empty {
					s.MinTime, s.MaxTime, s.MinReceived, s.MaxReceived = e.Time, e.Time, e.ReceivedAt, e.ReceivedAt
					empty = false
				}
				s.MinTime, s.MaxTime = min(s.MinTime, e.Time), max(s.MaxTime, e.Time)
				s.MinReceived, s.MaxReceived = min(s.MinReceived, e.ReceivedAt), max(s.MaxReceived, e.ReceivedAt)
				s.Bytes += int64(len(e.Service) + len(e.Message))
				return true
			})
		if err != nil {
			return err
		}
	}
	return x.Store.Search.Save(ctx, s, x.builder.Parts())
}
