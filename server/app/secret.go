package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"watchkeeper/server/auth"
	"watchkeeper/server/config"
	"watchkeeper/server/secret"
	"watchkeeper/server/store"
)

// secretFile is where the secret is kept unless a setting gives it.
func secretFile(c config.Config) string { return filepath.Join(c.Data, "secret.key") }

// nextSecretFile holds a secret that is about to replace the one in secretFile.
func nextSecretFile(c config.Config) string { return secretFile(c) + ".next" }

// theSecret is the secret of a server: its text, and the key that is derived from it.
type theSecret struct {
	text string
	key  *secret.Key
	// isNew says that it is kept nowhere yet: whether a database waits for another is only known once that is open.
	isNew bool
}

// readSecret gives the secret of the settings or of the data folder. The error is fs.ErrNotExist when there is none.
func readSecret(c config.Config) (theSecret, error) {
	text := c.Secret
	if text == "" {
		var err error
		if text, err = secret.Load(secretFile(c)); err != nil {
			return theSecret{}, err
		}
	}
	key, err := secret.New(text)
	return theSecret{text: text, key: key}, err
}

// readOrDraftSecret is readSecret for a server that starts, which makes a new secret where there is none.
func readOrDraftSecret(c config.Config) (theSecret, error) {
	s, err := readSecret(c)
	if !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	text := secret.NewText()
	key, err := secret.New(text)
	return theSecret{text: text, key: key, isNew: true}, err
}

// unlock binds an empty database to the secret and refuses one that is bound to another. A new secret is kept before a
// database is bound to it, and not at all where the database was bound before: it is another one that is missing.
func (s theSecret) unlock(ctx context.Context, c config.Config, settings *store.Settings) error {
	if err := s.follow(ctx, c, settings); err != nil {
		return err
	}
	if s.isNew {
		bound, err := auth.Bound(ctx, settings)
		if err != nil {
			return err
		}
		if bound {
			return fmt.Errorf("the database is sealed with a secret and there is none: set WATCHKEEPER_SECRET to the one it was first started "+
				"with, or put that secret.key back into the data folder %s", c.Data)
		}
		kept, _, err := secret.Create(secretFile(c), s.text)
		if err != nil {
			return err
		}
		if kept != s.text {
			return errors.New("another server has just made the secret of this data folder: start again")
		}
	}
	return auth.Unlock(ctx, settings, s.key)
}

// follow takes up a secret that replaced this one in the database while the file was not yet exchanged, as when a
// rotation was killed just then.
func (s theSecret) follow(ctx context.Context, c config.Config, settings *store.Settings) error {
	if c.Secret != "" || !errors.Is(auth.CheckSecret(ctx, settings, s.key), secret.ErrOtherKey) {
		return nil
	}
	for _, path := range []string{secretFile(c), nextSecretFile(c)} {
		text, err := secret.Load(path)
		if err != nil {
			continue // what is amiss is that the secret is another; the caller says so
		}
		key, err := secret.New(text)
		if err != nil || auth.CheckSecret(ctx, settings, key) != nil {
			continue
		}
		if path != secretFile(c) {
			if err := secret.Replace(secretFile(c), text); err != nil {
				return err
			}
		}
		s.key.Adopt(key)
		return nil
	}
	return nil
}
