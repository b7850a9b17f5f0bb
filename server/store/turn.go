package store

import (
	"context"
	"slices"
	"sync"
)

// turns lets one at a time write to a file. Groups of requests that somebody waits for go before all else, but while
// others wait no more than groupsInRow of them.
type turns struct {
	mu     sync.Mutex
	taken  bool
	groups []chan struct{} // who waits, in the order in which they came; closed when it is their turn
	others []chan struct{}
	row    int // groups that went before others that waited
}

const groupsInRow = 4

// take waits for a turn, or until ctx ends. Every turn must be given back.
func (t *turns) take(ctx context.Context, u use) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.mu.Lock()
	if !t.taken {
		t.taken = true
		t.mu.Unlock()
		return nil
	}
	mine, queue := make(chan struct{}), &t.others
	if u == useGroup {
		queue = &t.groups
	}
	*queue = append(*queue, mine)
	t.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(*queue, mine); i >= 0 {
		*queue = slices.Delete(*queue, i, i+1)
	} else {
		t.pass() // it came at the same moment
	}
	return ctx.Err()
}

// give ends a turn.
func (t *turns) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pass()
}

func (t *turns) pass() {
	queue := &t.others
	switch {
	case len(t.groups) > 0 && (len(t.others) == 0 || t.row < groupsInRow):
		queue = &t.groups
		if t.row++; len(t.others) == 0 {
			t.row = 0
		}
	case len(t.others) > 0:
		t.row = 0
	default:
		t.taken = false
		return
	}
	next := (*queue)[0]
	*queue = slices.Delete(*queue, 0, 1)
	close(next)
}
