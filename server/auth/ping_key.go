package auth

import (
	"context"
	"crypto/sha256"
	"fmt"

	"watchkeeper/api"
	"watchkeeper/server/secret"
	"watchkeeper/server/store"
)

// PingKey is the key of the installation in ping URLs that name a service by its slug: 22 characters of a-z and 0-9.
type PingKey struct{ kept sealed }

// NewPingKey gives the ping key of the database that the settings are of.
func NewPingKey(settings *store.Settings, key *secret.Key) *PingKey {
	return &PingKey{sealed{settings: settings, key: key, name: settingPingKey}}
}

// Ensure makes a ping key when the database has none.
func (p *PingKey) Ensure(ctx context.Context) error {
	if _, _, err := p.kept.putNew(ctx, []byte(newPingKey())); err != nil {
		return fmt.Errorf("keeping the ping key: %w", err)
	}
	return nil
}

// Show gives the key; KindNotFound when none was made yet.
func (p *PingKey) Show(ctx context.Context) (string, error) {
	key, found, err := p.kept.get(ctx)
	if err != nil {
		return "", fmt.Errorf("reading the ping key: %w", err)
	}
	if !found {
		return "", api.Errorf(api.KindNotFound, "the database has no ping key; the first start of a server makes it")
	}
	return string(key), nil
}

// Rotate replaces the key and gives the new one. URLs with the old one end at once.
func (p *PingKey) Rotate(ctx context.Context) (string, error) {
	key := newPingKey()
	err := p.kept.change(ctx, api.AuditPingKeyRotate, func([]byte) ([]byte, error) { return []byte(key), nil })
	if err != nil {
		return "", fmt.Errorf("keeping the ping key: %w", err)
	}
	return key, nil
}

// hash gives the hash of the key, and false when there is none.
func (p *PingKey) hash(ctx context.Context) (hash [sha256.Size]byte, found bool, err error) {
	key, err := p.Show(ctx)
	switch {
	case api.KindOf(err) == api.KindNotFound:
		return hash, false, nil
	case err != nil:
		return hash, false, err
	}
	return hashOf(key), true, nil
}
