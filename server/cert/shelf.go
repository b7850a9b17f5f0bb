package cert

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/google/uuid"

	"watchkeeper/api"
	"watchkeeper/server/secret"
	"watchkeeper/server/store"
)

// shelf keeps what an ACME client keeps in the database, so that all servers share it: the account, the certificate and
// the answers to open challenges. Everything is sealed. Its locks are leases, so that those of a server that dies end.
type shelf struct {
	kept   *store.Certificates
	leases *store.Leases
	key    *secret.Key

	mu   sync.Mutex
	held map[string]*hold
}

var _ certmagic.Storage = (*shelf)(nil)

func newShelf(st *store.Store, key *secret.Key) *shelf {
	return &shelf{kept: st.Certificates, leases: st.Leases, key: key, held: map[string]*hold{}}
}

func purposeOf(key string) string { return "certificate:" + key }

// Store puts a value at a key.
func (s *shelf) Store(ctx context.Context, key string, value []byte) error {
	sealed, err := s.key.Seal(purposeOf(key), value)
	if err != nil {
		return err
	}
	return s.kept.Put(ctx, key, sealed)
}

// Load gives the value at a key; fs.ErrNotExist when there is none.
func (s *shelf) Load(ctx context.Context, key string) ([]byte, error) {
	item, err := s.get(ctx, key)
	if err != nil {
		return nil, err
	}
	return s.key.Open(purposeOf(key), item.Value)
}

func (s *shelf) get(ctx context.Context, key string) (store.CertificateItem, error) {
	item, err := s.kept.Get(ctx, key)
	if api.KindOf(err) == api.KindNotFound {
		return item, fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	}
	return item, err
}

// Delete removes a key and all below it.
func (s *shelf) Delete(ctx context.Context, key string) error { return s.kept.Delete(ctx, key) }

// Exists reports whether there is a value at a key or below it.
func (s *shelf) Exists(ctx context.Context, key string) bool {
	_, err := s.Stat(ctx, key)
	return err == nil
}

// List gives the keys below a path: all of them, or the next step of each.
func (s *shelf) List(ctx context.Context, path string, recursive bool) ([]string, error) {
	keys, err := s.kept.Keys(ctx, path)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	}
	if recursive {
		return keys, nil
	}
	prefix := strings.Trim(path, "/") + "/"
	if prefix == "/" {
		prefix = ""
	}
	var steps []string
	seen := map[string]bool{}
	for _, key := range keys {
		step, _, _ := strings.Cut(strings.TrimPrefix(key, prefix), "/")
		if !seen[step] { // in order they would not always follow each other
			seen[step] = true
			steps = append(steps, prefix+step)
		}
	}
	return steps, nil
}

// Stat tells of a value, or of a path that has values below it.
func (s *shelf) Stat(ctx context.Context, key string) (certmagic.KeyInfo, error) {
	item, err := s.get(ctx, key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		keys, listErr := s.kept.Keys(ctx, key)
		if listErr != nil || len(keys) == 0 {
			return certmagic.KeyInfo{}, errors.Join(err, listErr)
		}
		return certmagic.KeyInfo{Key: key}, nil
	case err != nil:
		return certmagic.KeyInfo{}, err
	}
	plain, err := s.key.Open(purposeOf(key), item.Value)
	return certmagic.KeyInfo{Key: key, Modified: item.UpdatedAt.Std(), Size: int64(len(plain)), IsTerminal: true}, err
}

const (
	lockLook  = 200 * time.Millisecond // how often one who waits for a lock looks
	lockRenew = store.LeaseTime / 4
	lockLeave = 5 * time.Second // what giving a lock up may take
)

// hold is a lock that this server has.
type hold struct {
	lease store.Lease
	stop  context.CancelFunc
	ended chan struct{}
}

// Lock waits until nobody else has the lock with a name, here or on another server.
func (s *shelf) Lock(ctx context.Context, name string) error {
	holder := uuid.NewString()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		lease, err := s.leases.Acquire(ctx, "certificate "+name, holder)
		if err == nil {
			s.keep(name, lease)
			return nil
		}
		if !errors.Is(err, store.ErrNotLeader) {
			return fmt.Errorf("waiting for the lock %s: %w", name, err)
		}
		timer.Reset(lockLook)
	}
}

// keep renews a lock until it is given up.
func (s *shelf) keep(name string, lease store.Lease) {
	ctx, stop := context.WithCancel(context.Background())
	h := &hold{lease, stop, make(chan struct{})}
	s.mu.Lock()
	s.held[name] = h
	s.mu.Unlock()
	go func() {
		defer close(h.ended)
		ticker := time.NewTicker(lockRenew)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				// What cannot be renewed now may be at the next tick; lost for good, the work under it is done twice at worst.
				_, _ = s.leases.Acquire(ctx, lease.Name, lease.Holder)
			}
		}
	}()
}

// Unlock gives a lock up, also when the work under it was interrupted.
func (s *shelf) Unlock(ctx context.Context, name string) error {
	s.mu.Lock()
	h := s.held[name]
	delete(s.held, name)
	s.mu.Unlock()
	if h == nil {
		return fmt.Errorf("the lock %s is not held", name)
	}
	h.stop()
	<-h.ended
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lockLeave)
	defer cancel()
	return s.leases.Release(ctx, h.lease)
}
