package hub_test

import (
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchkeeper/server/hub"
)

func TestTopicsAreValidAndDistinct(t *testing.T) {
	seen := map[hub.Topic]bool{}
	for _, topic := range hub.Topics() {
		if !topic.Valid() || seen[topic] {
			t.Errorf("topic %q: valid %v, listed before %v", topic, topic.Valid(), seen[topic])
		}
		seen[topic] = true
	}
	if len(seen) != 13 {
		t.Errorf("%d topics, want 13", len(seen))
	}
	for _, topic := range []hub.Topic{"", "Services", "services ", "nothing"} {
		if topic.Valid() {
			t.Errorf("topic %q is valid", topic)
		}
	}
}

// Each topic must have a bit of its own: a wake of one must reach exactly those who asked for it.
func TestWakeReachesOnlyThoseWhoAsked(t *testing.T) {
	for _, woken := range hub.Topics() {
		h := hub.New()
		subscriptions := map[hub.Topic]*hub.Subscription{}
		for _, topic := range hub.Topics() {
			subscriptions[topic] = h.Subscribe(topic)
		}
		h.Wake(woken)
		for topic, s := range subscriptions {
			if got, want := received(s.C()), topic == woken; got != want {
				t.Errorf("wake %s: subscription of %s woken %v, want %v", woken, topic, got, want)
			}
		}
	}
}

func TestWakesAreOne(t *testing.T) {
	h := hub.New()
	s := h.Subscribe(hub.Services, hub.Changes)
	for range 100 {
		h.Wake(hub.Services)
		h.WakeLocal(hub.Changes, hub.Events)
	}
	if !received(s.C()) {
		t.Error("not woken")
	}
	if received(s.C()) {
		t.Error("woken twice for wakes that came before the first look")
	}
	h.Wake(hub.Changes)
	if !received(s.C()) {
		t.Error("not woken again after the first look")
	}
}

func TestUnknownTopics(t *testing.T) {
	h := hub.New()
	s, g := h.Subscribe(hub.Topics()...), h.Gather()
	h.Wake("of the next release")
	h.WakeLocal("of the next release")
	if received(s.C()) || received(g.C()) {
		t.Error("an unknown topic woke somebody")
	}
	defer func() {
		if recover() == nil {
			t.Error("subscribing to a topic that does not exist went through")
		}
	}()
	h.Subscribe(hub.Events, "no such topic")
}

func TestClosedSubscriptionIsNotWoken(t *testing.T) {
	h := hub.New()
	closed, open := h.Subscribe(hub.Events), h.Subscribe(hub.Events)
	closed.Close()
	closed.Close()
	h.Wake(hub.Events)
	if received(closed.C()) {
		t.Error("a closed subscription was woken")
	}
	if !received(open.C()) {
		t.Error("closing one subscription silenced another")
	}
}

func TestGatheringTakesLocalWakesOnce(t *testing.T) {
	h := hub.New()
	g := h.Gather()
	h.WakeLocal(hub.Topics()...)
	if received(g.C()) || g.Take() != nil {
		t.Error("a wake of another server would be sent back")
	}
	h.Wake(hub.Services)
	h.Wake(hub.Channels, hub.Services)
	if !received(g.C()) || received(g.C()) {
		t.Error("want exactly one signal for what was gathered")
	}
	if diff := cmp.Diff([]hub.Topic{hub.Services, hub.Channels}, g.Take()); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
	if got := g.Take(); got != nil {
		t.Errorf("taken again: %v", got)
	}
	h.Wake(hub.Services)
	if !received(g.C()) {
		t.Error("no signal after a take")
	}
	g.Close()
	g.Close()
	g.Take()
	h.Wake(hub.Events)
	if received(g.C()) || g.Take() != nil {
		t.Error("a closed gathering still gathers")
	}
}

// The use that the PostgreSQL engine makes of it: a burst of commits becomes one announcement every 20 ms.
func TestGatheredAnnouncements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := hub.New(), hub.New()
		g, far := here.Gather(), there.Subscribe(hub.Services)
		stop := make(chan struct{})
		announcements := 0
		var sender sync.WaitGroup
		sender.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-g.C():
					time.Sleep(20 * time.Millisecond)
					there.WakeLocal(g.Take()...)
					announcements++
				}
			}
		})
		for range 100 {
			here.Wake(hub.Services, hub.Changes)
			time.Sleep(time.Millisecond)
		}
		synctest.Wait()
		if !received(far.C()) {
			t.Error("the other server heard nothing")
		}
		time.Sleep(time.Second)
		close(stop)
		sender.Wait()
		if announcements < 4 || announcements > 6 {
			t.Errorf("%d announcements for 100 ms of commits, want about 5", announcements)
		}
	})
}

// No wake may go missing: whatever was written before a wake is seen by a reader that looks at its start and after
// every wake, also while others come and go.
func TestNoWakeIsLost(t *testing.T) {
	const writers, writes = 4, 5000
	h := hub.New()
	var stored atomic.Int64
	var readers, others sync.WaitGroup
	for range 3 {
		s := h.Subscribe(hub.Deadlines, hub.Events)
		readers.Go(func() {
			defer s.Close()
			for stored.Load() < writers*writes && waited(t, s.C()) {
			}
		})
	}
	g := h.Gather()
	readers.Go(func() {
		defer g.Close()
		for stored.Load() < writers*writes && waited(t, g.C()) {
			g.Take()
		}
	})
	for range writers {
		others.Go(func() {
			for range writes {
				stored.Add(1)
				h.Wake(hub.Events)
			}
		})
	}
	others.Go(func() {
		for range 500 {
			h.Subscribe(hub.Events).Close()
			h.Gather().Close()
		}
	})
	others.Wait()
	readers.Wait()
}

func TestWakeDoesNotAllocate(t *testing.T) {
	h := hub.New()
	h.Subscribe(hub.Services)
	h.Gather()
	if n := testing.AllocsPerRun(1000, func() { h.Wake(hub.Services, hub.Changes) }); n != 0 {
		t.Errorf("%v allocations per wake", n)
	}
}

func BenchmarkWake(b *testing.B) {
	for _, listeners := range []int{0, 1, 10, 1000} {
		b.Run(strconv.Itoa(listeners), func(b *testing.B) {
			h := hub.New()
			subscriptions := make([]*hub.Subscription, listeners)
			for i := range subscriptions {
				subscriptions[i] = h.Subscribe(hub.Services)
			}
			h.Gather()
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					h.Wake(hub.Services, hub.Changes)
				}
			})
			if !slices.ContainsFunc(subscriptions, func(s *hub.Subscription) bool { return received(s.C()) }) &&
				listeners > 0 {
				b.Error("nobody was woken")
			}
		})
	}
}

func received(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func waited(t *testing.T, c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	case <-time.After(30 * time.Second):
		t.Error("a wake went missing")
		return false
	}
}
