package auth

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/clock"
	"watchkeeper/server/store"
)

const (
	usedStep        = time.Minute // how exact the last use is
	writeUsageEvery = 10 * time.Second
	lastWriteTime   = time.Second // for what is left when the server stops
)

// usage gathers which tokens were used, so that no request waits for it to be written.
type usage struct {
	tokens *store.Tokens
	clock  clock.Clock
	log    *slog.Logger

	mu      sync.Mutex
	waiting map[string]struct{} // ids
	failing bool
}

func newUsage(tokens *store.Tokens, c clock.Clock, log *slog.Logger) *usage {
	return &usage{tokens: tokens, clock: c, log: log, waiting: make(map[string]struct{})}
}

// note has a use written, unless one of the same minute is known of.
func (u *usage) note(known *tokenKnowledge, now api.Time) {
	last := known.used.Load()
	if now.Sub(api.Time(last)) <= usedStep || !known.used.CompareAndSwap(last, int64(now)) {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.waiting[known.principal.TokenID] = struct{}{}
}

func (u *usage) run(ctx context.Context) error {
	for clock.Sleep(ctx, u.clock, writeUsageEvery) == nil {
		u.write(ctx)
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWriteTime)
	defer cancel()
	u.write(last)
	return nil
}

// write puts down what waits. What fails waits for the next time.
func (u *usage) write(ctx context.Context) {
	u.mu.Lock()
	ids := u.waiting
	u.waiting = make(map[string]struct{})
	u.mu.Unlock()
	var trouble error
	for id := range ids {
		if trouble == nil {
			trouble = u.tokens.Used(ctx, id)
		}
		if trouble == nil {
			delete(ids, id)
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for id := range ids {
		u.waiting[id] = struct{}{}
	}
	if failing := trouble != nil; failing != u.failing {
		u.failing = failing
		if failing {
			u.log.Warn("the last use of tokens cannot be written", "error", trouble)
		} else {
			u.log.Info("the last use of tokens can be written again")
		}
	}
}
