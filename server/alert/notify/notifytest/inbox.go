package notifytest

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// inbox keeps what arrived and lets tests wait for it.
type inbox[T any] struct {
	mu      sync.Mutex
	items   []T
	arrived chan struct{} // closed and replaced when something arrives
}

func newInbox[T any]() *inbox[T] { return &inbox[T]{arrived: make(chan struct{})} }

func (b *inbox[T]) add(item T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.items = append(b.items, item)
	close(b.arrived)
	b.arrived = make(chan struct{})
}

func (b *inbox[T]) all() []T {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.items)
}

// wait returns all that arrived as soon as it is n or more.
func (b *inbox[T]) wait(ctx context.Context, n int) ([]T, error) {
	for {
		b.mu.Lock()
		items, arrived := slices.Clone(b.items), b.arrived
		b.mu.Unlock()
		if len(items) >= n {
			return items, nil
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return items, fmt.Errorf("waiting for %d messages, %d came: %w", n, len(items), ctx.Err())
		}
	}
}
