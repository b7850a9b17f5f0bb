package probe

import (
	"container/heap"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

func target(id string, interval api.Seconds) store.Probed {
	return store.Probed{ID: id, Name: id, Probe: &api.Probe{ProbeSettings: api.ProbeSettings{
		Kind: api.ProbeTCP, Address: id + ":1", Interval: interval,
	}.WithDefaults()}}
}

// ending is a run that is under way.
type ending struct {
	at api.Time
	*entry
}

type endings []ending

func (e endings) Len() int           { return len(e) }
func (e endings) Less(i, j int) bool { return e[i].at < e[j].at }
func (e endings) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *endings) Push(x any)        { *e = append(*e, x.(ending)) }
func (e *endings) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// TestDeadTargetsDelayNobody lets any 50 and more of a thousand targets take their whole time limit, and checks that the
// others run at their own moments, once in each interval.
func TestDeadTargetsDelayNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const probes, interval = 1000, 60
		dead := rapid.IntRange(50, 400).Draw(t, "dead")
		died := time.Duration(rapid.Int64Range(0, int64(2*time.Minute)).Draw(t, "died"))
		begin := api.Time(1_780_000_000_000)
		s := newSchedule(laneSize)
		var list []store.Probed
		for i := range probes {
			list = append(list, target(fmt.Sprintf("0194b9c2-7d3e-7c41-9a55-%012d", i), interval))
		}
		s.load(list, begin)
		ran := map[string]api.Time{}
		var underway endings
		for now := begin; now < begin.Add(6*time.Minute); {
			for len(underway) > 0 && underway[0].at <= now {
				e := heap.Pop(&underway).(ending)
				failures := 0
				if isDead(e.entry, dead) && now >= begin.Add(died) {
					failures = e.Failures + 1
				}
				s.done(e.entry, failures, now)
			}
			for _, e := range s.due(now) {
				late := now.Sub(e.next)
				took := 20 * time.Millisecond
				if isDead(e, dead) && now >= begin.Add(died) {
					took = e.Probe.TimeLimit()
				} else if late > 0 {
					t.Fatalf("%s runs %v late while %d of %d are dead", e.ID, late, dead, probes)
				}
				if last := ran[e.ID]; last > 0 && !isDead(e, dead) && now.Sub(last) > interval*time.Second {
					t.Fatalf("%s runs after %v", e.ID, now.Sub(last))
				}
				ran[e.ID] = now
				heap.Push(&underway, ending{now.Add(took), e})
			}
			next := s.next()
			if len(underway) > 0 && (next == 0 || underway[0].at < next) {
				next = underway[0].at
			}
			now = next
		}
		if len(ran) != probes {
			t.Fatalf("%d ran of %d", len(ran), probes)
		}
	})
}

func isDead(e *entry, dead int) bool {
	var n int
	_, _ = fmt.Sscanf(e.ID[len(e.ID)-12:], "%d", &n)
	return n < dead
}

func TestLanesAreBounded(t *testing.T) {
	begin := api.Time(1_780_000_000_000)
	s := newSchedule(3)
	var list []store.Probed
	for i := range 10 {
		list = append(list, target(fmt.Sprint(i), 60))
	}
	s.load(list, begin)
	now := begin.Add(time.Minute)
	started := s.due(now)
	same(t, "runs at once", len(started), 3)
	same(t, "more while none has ended", len(s.due(now)), 0)
	s.done(started[0], 1, now)
	same(t, "after one has ended", len(s.due(now)), 1)

	// What waits is forgotten when this server leads no more, and what runs gives its place back.
	s.clear()
	for _, e := range started[1:] {
		s.done(e, 0, now)
	}
	s.load(list, now)
	same(t, "moment of the first", s.next() >= now, true)
	same(t, "runs of the next term", len(s.due(now.Add(time.Minute))), 2) // one is still under way
}

func TestScheduleFollowsChanges(t *testing.T) {
	begin := api.Time(1_780_000_000_000)
	s := newSchedule(10)
	one, two := target("one", 60), target("two", 60)
	s.load([]store.Probed{one, two}, begin)
	now := begin.Add(time.Minute)
	started := s.due(now)
	same(t, "started", len(started), 2)
	if started[0].ID != "one" {
		started[0], started[1] = started[1], started[0]
	}
	changed := target("one", 3600)
	s.load([]store.Probed{changed}, now)
	s.done(started[0], 1, now)
	s.done(started[1], 0, now)
	again := s.due(now)
	same(t, "what was changed while it ran, runs again at once", len(again), 1)
	same(t, "with its new settings", again[0].Probe.Interval, api.Seconds(3600))
	same(t, "nothing else is planned", s.next(), api.Time(0))
	s.done(again[0], 1, now)
	if wait := s.next().Sub(now); wait > 15*time.Second {
		t.Errorf("after the first failure it runs again in %v", wait)
	}
	now = s.next()
	s.done(s.due(now)[0], 2, now)
	if wait := s.next().Sub(now); wait < 15*time.Second && wait != api.ProbeNext("one", 3600, now, now).Sub(now) {
		t.Errorf("after the second failure it runs again in %v", wait)
	}
	s.load([]store.Probed{changed}, now)
	same(t, "reading the same again", s.next(), api.ProbeNext("one", 3600, now, now))
	s.load(nil, now)
	same(t, "without probes", s.next(), api.Time(0))
}
