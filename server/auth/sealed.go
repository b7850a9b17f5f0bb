package auth

import (
	"context"

	"watchkeeper/api"
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

// change replaces what is kept by what next makes of it, nil when there is nothing. It does so again when somebody else
// changes it meanwhile, so that no change is lost, and records it as the action of whoever the context names.
func (s sealed) change(ctx context.Context, action api.AuditAction, next func(plain []byte) ([]byte, error)) error {
	for attempt := 1; ; attempt++ {
		old, found, err := s.settings.Get(ctx, s.name)
		if err != nil {
			return err
		}
		var plain []byte
		if found {
			if plain, err = s.open(old); err != nil {
				return err
			}
		}
		if plain, err = next(plain); err != nil {
			return err
		}
		value, err := s.key.Seal(s.purpose(), plain)
		if err != nil {
			return err
		}
		err = s.settings.Swap(ctx, store.Swap{Name: s.name, Old: old, New: value, Action: action})
		if api.KindOf(err) != api.KindConflict || attempt == changeAttempts {
			return err
		}
	}
}

// changeAttempts is how often a change is tried while others change the same.
const changeAttempts = 10

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
