package auth

import (
	"context"

	"watchkeeper/server/secret"
	"watchkeeper/server/store"
)

// The settings that this package keeps.
const (
	settingCheck        = "secret_check"
	settingInstallation = "installation"
	settingGeneration   = "generation"
	settingPassword     = "password"
	settingPingKey      = "ping_key"
)

// sealed is one setting whose value is sealed. The purpose is "setting:" and its name, as for every sealed setting, so
// that all of them can be sealed anew alike.
type sealed struct {
	settings *store.Settings
	key      *secret.Key
	name     string
}

func (s sealed) purpose() string { return "setting:" + s.name }

func (s sealed) get(ctx context.Context) (plain []byte, found bool, err error) {
	value, found, err := s.settings.Get(ctx, s.name)
	if err != nil || !found {
		return nil, false, err
	}
	plain, err = s.open(value)
	return plain, err == nil, err
}

func (s sealed) put(ctx context.Context, plain []byte) error {
	value, err := s.key.Seal(s.purpose(), plain)
	if err != nil {
		return err
	}
	return s.settings.Put(ctx, s.name, value)
}

// putNew keeps plain unless something is kept already. It gives what is kept then, and whether that is plain.
func (s sealed) putNew(ctx context.Context, plain []byte) (kept []byte, isNew bool, err error) {
	value, err := s.key.Seal(s.purpose(), plain)
	if err != nil {
		return nil, false, err
	}
	there, err := s.settings.PutNew(ctx, s.name, value)
	if err != nil {
		return nil, false, err
	}
	kept, err = s.open(there)
	return kept, there == value, err
}

func (s sealed) open(value string) ([]byte, error) {
	plain, err := s.key.Open(s.purpose(), value)
	return plain, explain(err)
}
