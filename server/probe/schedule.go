package probe

import (
	"container/heap"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

// schedule says which probe runs when. It keeps no time and runs nothing itself. Not for several goroutines.
//
// Probes whose last run failed run in a lane of their own: a dead target takes its whole time limit, and however many are
// dead, those that answer do not wait for them.
type schedule struct {
	entries map[string]*entry // by the id of the service
	queue   queue
	lanes   [2]lane
}

// laneSize is how many runs of a lane are under way at once.
const laneSize = 512

const (
	answering = iota // the lane of those that answered last
	failing
)

// lane is a bound on runs, and those that wait for a place, in the order of their moments.
type lane struct {
	free    int
	waiting []*entry
}

// entry is a probe of a service.
type entry struct {
	store.Probed
	next     api.Time // when it runs next
	index    int      // in the queue, -1 outside
	running  bool     // or waiting for a place
	gone     bool     // not to be probed any more
	changed  bool     // its settings are others than those of the run under way
	lane     int      // whose place it has while it runs
	started  api.Time // the latest run
	notified notice
}

// notice is what was last said of a certificate.
type notice struct {
	expires api.Time
	days    int
}

func newSchedule(size int) *schedule {
	return &schedule{entries: map[string]*entry{}, lanes: [2]lane{{free: size}, {free: size}}}
}

// load takes what is to be probed now. A probe that is known goes on as it was, unless it was changed.
func (s *schedule) load(list []store.Probed, now api.Time) {
	listed := make(map[string]bool, len(list))
	for _, p := range list {
		listed[p.ID] = true
		e := s.entries[p.ID]
		if e != nil && e.Probe.Same(p.Probe) {
			e.Name = p.Name
			continue
		}
		if e == nil {
			e = &entry{index: -1}
			s.entries[p.ID] = e
		}
		e.Probed, e.changed = p, true
		if !e.running {
			s.plan(e, api.ProbeNext(p.ID, p.Probe.Interval, p.RanAt, now))
		}
	}
	for id, e := range s.entries {
		if !listed[id] {
			delete(s.entries, id)
			e.gone = true
			if e.index >= 0 {
				heap.Remove(&s.queue, e.index)
			}
		}
	}
}

// clear forgets all that is not running.
func (s *schedule) clear() {
	for _, e := range s.entries {
		e.gone, e.index = true, -1
	}
	s.entries, s.queue = map[string]*entry{}, nil
	for i := range s.lanes {
		s.lanes[i].waiting = nil
	}
}

func (s *schedule) plan(e *entry, at api.Time) {
	e.next = at
	if e.index >= 0 {
		heap.Fix(&s.queue, e.index)
		return
	}
	heap.Push(&s.queue, e)
}

// due gives the probes that are to start now, and takes a place for each.
func (s *schedule) due(now api.Time) []*entry {
	for len(s.queue) > 0 && s.queue[0].next <= now {
		e := heap.Pop(&s.queue).(*entry)
		e.running, e.lane = true, answering
		if e.Failures > 0 {
			e.lane = failing
		}
		l := &s.lanes[e.lane]
		l.waiting = append(l.waiting, e)
	}
	var start []*entry
	for i := range s.lanes {
		l := &s.lanes[i]
		n := 0
		for ; n < len(l.waiting) && l.free > 0; n++ {
			if l.waiting[n].gone {
				continue
			}
			l.free--
			l.waiting[n].started, l.waiting[n].changed = now, false
			start = append(start, l.waiting[n])
		}
		l.waiting = l.waiting[n:]
	}
	return start
}

// done gives back the place of a run that has ended, and plans the next one. Failures is how often it failed in a row by
// now.
func (s *schedule) done(e *entry, failures int, now api.Time) {
	s.lanes[e.lane].free++
	e.running = false
	switch {
	case e.gone:
		return
	case e.changed:
		s.plan(e, now)
		return
	}
	first := failures == 1 && e.Failures == 0
	e.Failures, e.RanAt = failures, e.started
	next := api.ProbeNext(e.ID, e.Probe.Interval, e.started, now)
	if first {
		next = min(next, api.ProbeRetry(e.Probe.Interval, now))
	}
	s.plan(e, next)
}

// next gives when something is due, 0 when nothing is.
func (s *schedule) next() api.Time {
	if len(s.queue) == 0 {
		return 0
	}
	return s.queue[0].next
}

// queue is a heap of entries by their moments.
type queue []*entry

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].next < q[j].next }
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

// Push adds an entry, for container/heap.
func (q *queue) Push(x any) {
	e := x.(*entry)
	e.index = len(*q)
	*q = append(*q, e)
}

// Pop removes the last entry, for container/heap.
func (q *queue) Pop() any {
	old := *q
	e := old[len(old)-1]
	old[len(old)-1] = nil
	e.index = -1
	*q = old[:len(old)-1]
	return e
}
