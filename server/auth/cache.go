package auth

import (
	"crypto/sha256"
	"sync"
	"sync/atomic"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/hub"
)

const (
	// knownTime is under the 5 s within which a revocation reaches every server, even one that did not hear of it.
	knownTime = 4 * time.Second
	maxRight  = 20_000 // tokens in use at a time
	maxWrong  = 2_000  // apart, so that a sweep of guesses does not push out what is right
)

// cache is what was found out about credentials. Knowledge from before a change never gets in after it: whoever looks
// something up takes the epoch first and gives it back with what was found.
type cache struct {
	changed *hub.Subscription

	mu    sync.RWMutex
	epoch uint64
	own   *ownKnowledge
	right bounded
	wrong bounded
}

// ownKnowledge is about the credentials of the installation itself.
type ownKnowledge struct {
	until     time.Time
	passwords []accepted
	pingKey   [sha256.Size]byte
	hasKey    bool
}

// tokenKnowledge is about one text that may be a token. It never changes, except for used.
type tokenKnowledge struct {
	until     time.Time
	principal Principal // of a token that exists
	expires   api.Time
	refusal   error        // of one that does not
	used      atomic.Int64 // api.Time of the last use that was noted
}

func newCache(h *hub.Hub) *cache {
	return &cache{
		changed: h.Subscribe(hub.Credentials),
		right:   bounded{most: maxRight},
		wrong:   bounded{most: maxWrong},
	}
}

// listen forgets everything once credentials have changed. It asks the subscription itself, so that a request which
// comes after a revocation was answered finds the token gone, however busy the server's loops are.
func (c *cache) listen() {
	if len(c.changed.C()) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.changed.C():
	default: // another request was quicker
		return
	}
	c.epoch++
	c.own = nil
	c.right.forget()
	c.wrong.forget()
}

func (c *cache) getOwn(now time.Time) (own *ownKnowledge, epoch uint64) {
	c.listen()
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.own != nil && now.Before(c.own.until) {
		return c.own, c.epoch
	}
	return nil, c.epoch
}

func (c *cache) putOwn(epoch uint64, own *ownKnowledge) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch == c.epoch {
		c.own = own
	}
}

func (c *cache) getToken(hash [sha256.Size]byte, now time.Time) (known *tokenKnowledge, epoch uint64) {
	c.listen()
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, b := range []*bounded{&c.right, &c.wrong} {
		if known := b.get(hash); known != nil && now.Before(known.until) {
			return known, c.epoch
		}
	}
	return nil, c.epoch
}

func (c *cache) putToken(epoch uint64, hash [sha256.Size]byte, known *tokenKnowledge) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case epoch != c.epoch:
	case known.refusal != nil:
		c.wrong.put(hash, known)
	default:
		c.right.put(hash, known)
	}
}

// bounded remembers no more than most credentials: when the recent ones fill their half they become the older ones, and
// those are forgotten.
type bounded struct {
	most          int
	recent, older map[[sha256.Size]byte]*tokenKnowledge
}

func (b *bounded) get(hash [sha256.Size]byte) *tokenKnowledge {
	if known, ok := b.recent[hash]; ok {
		return known
	}
	return b.older[hash]
}

func (b *bounded) put(hash [sha256.Size]byte, known *tokenKnowledge) {
	if b.recent == nil || len(b.recent) >= b.most/2 {
		b.older, b.recent = b.recent, make(map[[sha256.Size]byte]*tokenKnowledge)
	}
	b.recent[hash] = known
}

func (b *bounded) forget() { b.recent, b.older = nil, nil }
