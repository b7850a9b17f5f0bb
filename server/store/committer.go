package store

import (
	"context"
	"sync"
	"time"

	"watchkeeper/api"
)

const (
	groupLimit     = 512     // entries of a group
	groupWeight    = 4 << 20 // bytes of a group, unless one entry alone is larger
	queueLimit     = 16_384  // entries that may wait
	queueWeight    = 96 << 20
	groupPatience  = 15 * time.Second // how long a group may take
	retryAfterFull = time.Second
	complainEvery  = time.Minute
)

// entry is a request that waits for its group.
type entry[T any] struct {
	value  T
	weight int
	since  api.Time // when it was received
	err    error
	done   chan struct{}
}

// committer turns many requests into few transactions. It never lingers: a group is whatever waits when the one before
// has gone. Two at once would be smaller ones, each of which costs as much as a large one. Each caller is answered after the
// commit of its group.
type committer[T any] struct {
	store *Store
	// apply does the work of a group inside the transaction. It may run again with the same entries, so it sets their
	// results anew each time; the error of one entry goes into entry.err and lets the others pass.
	apply func(ctx context.Context, tx *Tx, group []*entry[T]) error

	mu       sync.Mutex
	filled   *sync.Cond
	waiting  []*entry[T]
	weight   int
	underway *entry[T] // the first entry of the group that is being written
	closed   bool
	failures failures
	worker   sync.WaitGroup
}

// failures is what the log was told of groups that failed, and what it was not.
type failures struct {
	told   api.Time
	cause  string
	groups int // since then, for the same cause
}

func newCommitter[T any](s *Store, apply func(context.Context, *Tx, []*entry[T]) error) *committer[T] {
	c := &committer[T]{store: s, apply: apply}
	c.filled = sync.NewCond(&c.mu)
	c.worker.Go(c.work)
	return c
}

// submit queues a request and waits for the outcome of its group. The caller may have given up meanwhile; the request
// is written all the same, since nobody can tell how far it is.
func (c *committer[T]) submit(value T, weight int, since api.Time) error {
	e := &entry[T]{value: value, weight: weight, since: since, done: make(chan struct{})}
	c.mu.Lock()
	switch {
	case c.closed:
		c.mu.Unlock()
		return unavailable(errStoreClosed)
	case len(c.waiting) >= queueLimit, c.weight > 0 && c.weight+weight > queueWeight:
		c.mu.Unlock()
		return &api.Error{Kind: api.KindUnavailable, Message: "too many requests wait to be stored, try again", RetryAfter: retryAfterFull}
	}
	c.waiting = append(c.waiting, e)
	c.weight += weight
	c.mu.Unlock()
	c.filled.Signal()
	<-e.done
	return e.err
}

// oldest gives when the oldest request that is not yet committed was received; 0 when there is none. A silence that
// began after that moment cannot be told apart from a pulse that is still on its way.
func (c *committer[T]) oldest() api.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	var oldest api.Time
	if len(c.waiting) > 0 {
		oldest = c.waiting[0].since
	}
	if c.underway != nil && (oldest == 0 || c.underway.since < oldest) {
		oldest = c.underway.since
	}
	return oldest
}

// close refuses new requests, waits for those that were taken, and ends.
func (c *committer[T]) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.filled.Broadcast()
	c.worker.Wait()
}

func (c *committer[T]) work() {
	for {
		group := c.take()
		if group == nil {
			return
		}
		c.commit(group)
		c.mu.Lock()
		c.underway = nil
		c.mu.Unlock()
		for _, e := range group {
			close(e.done)
		}
	}
}

// take waits for requests and gives as many as fit into a group; nil when the committer is closed and empty.
func (c *committer[T]) take() []*entry[T] {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.waiting) == 0 {
		if c.closed {
			return nil
		}
		c.filled.Wait()
	}
	n, weight := 0, 0
	for n < len(c.waiting) && n < groupLimit && (n == 0 || weight+c.waiting[n].weight <= groupWeight) {
		weight += c.waiting[n].weight
		n++
	}
	group := make([]*entry[T], n)
	copy(group, c.waiting)
	rest := copy(c.waiting, c.waiting[n:])
	clear(c.waiting[rest:])
	c.waiting = c.waiting[:rest]
	c.weight -= weight
	c.underway = group[0]
	return group
}

// commit writes a group. One that fails for its content is halved until the culprit fails alone.
func (c *committer[T]) commit(group []*entry[T]) {
	ctx, cancel := context.WithTimeout(context.Background(), groupPatience)
	defer cancel()
	err := c.store.tryWrite(ctx, useGroup, func(tx *Tx) error {
		for _, e := range group {
			e.err = nil
		}
		return c.apply(ctx, tx, group)
	})
	if err == nil {
		return
	}
	if v := c.store.eng.judge(err); len(group) > 1 && (v == verdictContent || v == verdictUnique) {
		c.commit(group[:len(group)/2])
		c.commit(group[len(group)/2:])
		return
	}
	outward := c.store.outward(err)
	if c.store.eng.judge(err) == verdictCanceled {
		outward = unavailable(err)
	}
	c.complain(len(group), err)
	for _, e := range group {
		e.err = outward
	}
}

// complain writes a line for the first failure of a cause and then one a minute: on a full disk every request fails, and
// the log often is on the same disk.
func (c *committer[T]) complain(requests int, err error) {
	now := c.store.now()
	c.mu.Lock()
	f := &c.failures
	f.groups++
	if f.cause == err.Error() && now >= f.told && now.Sub(f.told) < complainEvery {
		c.mu.Unlock()
		return
	}
	groups := 1
	if f.cause == err.Error() {
		groups = f.groups
	}
	*f = failures{told: now, cause: err.Error()}
	c.mu.Unlock()
	c.store.log.Error("storing failed", "requests", requests, "groups", groups, "error", err)
}
