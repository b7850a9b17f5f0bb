package hub

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// Hub wakes those who wait for topics. Use New; all methods may be called from any goroutine.
type Hub struct {
	listeners atomic.Pointer[listeners]
	change    sync.Mutex // held while listeners is replaced
}

// listeners is never altered, only replaced, so that a wake reads it without a lock.
type listeners struct {
	subscriptions []*Subscription
	gatherings    []*Gathering
	wanted        set // the topics that any subscription wants
}

// New gives a hub that nobody listens to yet.
func New() *Hub {
	h := &Hub{}
	h.listeners.Store(&listeners{})
	return h
}

// Wake tells everybody who waits for one of the topics that there is something new, here and, through a Gathering, on
// the other servers. Call it after the commit, never before: whoever is woken reads at once. It never blocks, and
// topics that are not known are left out.
func (h *Hub) Wake(topics ...Topic) {
	woken := setOf(topics)
	l := h.listeners.Load()
	for _, g := range l.gatherings {
		g.add(woken)
	}
	l.wake(woken)
}

// WakeLocal is Wake for what another server announced: it reaches the subscriptions of this server and no Gathering,
// else two servers would wake each other for ever.
func (h *Hub) WakeLocal(topics ...Topic) {
	h.listeners.Load().wake(setOf(topics))
}

func (l *listeners) wake(woken set) {
	if woken&l.wanted == 0 {
		return
	}
	for _, s := range l.subscriptions {
		if s.wanted&woken != 0 {
			signal(s.c)
		}
	}
}

// signal leaves one wake in c. One that is already there will be read after now, and so stands for this one too.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Subscription is somebody who waits for topics.
type Subscription struct {
	hub    *Hub
	c      chan struct{}
	wanted set
}

// Subscribe begins to wait for the topics. What was committed before may have woken nobody, so subscribe first and then
// look once. A topic that does not exist is a mistake in the program and panics, for it would be waited for in vain.
func (h *Hub) Subscribe(topics ...Topic) *Subscription {
	for _, t := range topics {
		if !t.Valid() {
			panic(fmt.Sprintf("hub: no topic %q", t))
		}
	}
	s := &Subscription{hub: h, c: make(chan struct{}, 1), wanted: setOf(topics)}
	h.replace(func(l *listeners) { l.subscriptions = append(l.subscriptions, s) })
	return s
}

// C receives once after one or more wakes. It is never closed.
func (s *Subscription) C() <-chan struct{} { return s.c }

// Close ends the subscription; a wake that was on its way may still arrive. It may be called more than once.
func (s *Subscription) Close() {
	s.hub.replace(func(l *listeners) { l.subscriptions = without(l.subscriptions, s) })
}

// Gathering collects what was woken on this server, for one who passes it on to the other servers now and then instead
// of at every wake.
type Gathering struct {
	hub   *Hub
	c     chan struct{}
	woken atomic.Uint32 // a set
}

// Gather begins to collect the topics that Wake, not WakeLocal, is called with.
func (h *Hub) Gather() *Gathering {
	g := &Gathering{hub: h, c: make(chan struct{}, 1)}
	h.replace(func(l *listeners) { l.gatherings = append(l.gatherings, g) })
	return g
}

// C receives when there is something to take after there was nothing. It is never closed.
func (g *Gathering) C() <-chan struct{} { return g.c }

// Take gives the topics that were woken since the last call, each once, and forgets them. It gives nil when there are
// none, which can happen after C received, too.
func (g *Gathering) Take() []Topic { return set(g.woken.Swap(0)).topics() }

// Close ends the gathering. It may be called more than once.
func (g *Gathering) Close() {
	g.hub.replace(func(l *listeners) { l.gatherings = without(l.gatherings, g) })
}

func (g *Gathering) add(woken set) {
	// Reading first keeps committers from fighting over the line for what is known already. Whoever set these bits has
	// also signalled, and Take, which has yet to come, happens after the commit that this wake speaks of.
	if set(g.woken.Load())&woken == woken {
		return
	}
	if g.woken.Or(uint32(woken)) == 0 {
		signal(g.c)
	}
}

func (h *Hub) replace(edit func(*listeners)) {
	h.change.Lock()
	defer h.change.Unlock()
	old := h.listeners.Load()
	next := &listeners{
		subscriptions: slices.Clone(old.subscriptions),
		gatherings:    slices.Clone(old.gatherings),
	}
	edit(next)
	for _, s := range next.subscriptions {
		next.wanted |= s.wanted
	}
	h.listeners.Store(next)
}

func without[T comparable](list []T, gone T) []T {
	return slices.DeleteFunc(list, func(one T) bool { return one == gone })
}
