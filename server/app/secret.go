package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/auth"
	"watchkeeper/server/clock"
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
	return withKey(c, text)
}

// withKey derives the key. One that the data folder keeps is followed to the secret that replaces it there.
func withKey(c config.Config, text string) (theSecret, error) {
	key, err := secret.New(text)
	if err != nil {
		return theSecret{}, err
	}
	if c.Secret == "" {
		key.Follow(func(id string) *secret.Key {
			found, _ := findSecret(c, id)
			return found.key
		})
	}
	return theSecret{text: text, key: key}, nil
}

// findSecret gives the secret in the data folder whose key has an id, and the file that holds it.
func findSecret(c config.Config, id string) (theSecret, string) {
	for _, path := range []string{secretFile(c), nextSecretFile(c)} {
		text, err := secret.Load(path)
		if err != nil {
			continue // what is amiss is that the secret is another; whoever asks says so
		}
		if key, err := secret.New(text); err == nil && key.ID() == id {
			return theSecret{text: text, key: key}, path
		}
	}
	return theSecret{}, ""
}

// settle ends a rotation that was killed after it had changed the database and before it had exchanged the file.
func (s *theSecret) settle(c config.Config) error {
	if c.Secret != "" {
		return nil
	}
	found, path := findSecret(c, s.key.ID())
	if path == "" {
		return nil
	}
	s.text = found.text
	if path == secretFile(c) {
		return nil
	}
	if err := secret.Replace(secretFile(c), s.text); err != nil {
		return err
	}
	return removeFile(path)
}

func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// readOrDraftSecret is readSecret for a server that starts, which makes a new secret where there is none.
func readOrDraftSecret(c config.Config) (theSecret, error) {
	s, err := readSecret(c)
	if !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	s, err = withKey(c, secret.NewText())
	s.isNew = true
	return s, err
}

// unlock binds an empty database to the secret and refuses one that is bound to another. A new secret is kept before a
// database is bound to it, and not at all where the database was bound before: it is another one that is missing.
func (s *theSecret) unlock(ctx context.Context, c config.Config, settings *store.Settings) error {
	if s.isNew {
		if err := s.keep(ctx, c, settings); err != nil {
			return err
		}
	}
	if err := auth.Unlock(ctx, settings, s.key); err != nil {
		return err
	}
	return s.settle(c)
}

func (s *theSecret) keep(ctx context.Context, c config.Config, settings *store.Settings) error {
	bound, err := auth.Bound(ctx, settings)
	if err != nil {
		return err
	}
	if bound {
		return fmt.Errorf("the database is sealed with a secret and there is none: set WATCHKEEPER_SECRET to the one it was first started "+
			"with, or put that secret.key back into the data folder %s", c.Data)
	}
	kept, _, err := secret.Create(secretFile(c), s.text)
	if err == nil && kept != s.text {
		err = errors.New("another server has just made the secret of this data folder: start again")
	}
	return err
}

// RotateOptions say which secret replaces the present one.
type RotateOptions struct {
	DatabaseOptions
	Text string // empty: a random one, which the data folder keeps
}

// Rotation is what a rotation of the secret did.
type Rotation struct {
	Sealed int  // values that were sealed anew
	Kept   bool // the new secret is in the data folder; else it is to be set where the former one is set
}

// ServersAlive gives the names of servers that run on the database, as far as it tells of them.
func (d *Database) ServersAlive(ctx context.Context) ([]string, error) {
	return d.store.Servers.OthersAlive(ctx)
}

// RotateSecret replaces the secret and seals everything anew. A server that keeps its secret in the same data folder goes
// on with the new one at once. Whenever this is killed, what is in the data folder opens the database.
func RotateSecret(ctx context.Context, o RotateOptions) (out Rotation, err error) {
	err = withUnlocked(ctx, o.DatabaseOptions, func(d *Database) error {
		release, err := d.store.Exclusive(ctx)
		if err != nil {
			return err
		}
		defer release()
		if out.Kept = o.Config.Secret == ""; o.Text == "" {
			o.Text = secret.NewText()
		}
		next, err := secret.New(o.Text)
		if err != nil {
			return api.Invalid("secret", "%s", err)
		}
		if out.Kept {
			if err := secret.Replace(nextSecretFile(o.Config), o.Text); err != nil {
				return err
			}
		}
		if out.Sealed, err = auth.Reseal(ctx, d.store, d.held, next); err != nil {
			return err
		}
		if out.Kept {
			if err := (&theSecret{key: next}).settle(o.Config); err != nil {
				return err
			}
		}
		return d.resealLate(ctx, next, &out)
	})
	return out, err
}

// lateSeal is how long a server that was not stopped may seal something with the former secret: until it hears of the new
// one at the latest.
const lateSeal = 1500 * time.Millisecond

// resealLate seals anew what servers sealed while they had not yet heard of the new secret.
func (d *Database) resealLate(ctx context.Context, next *secret.Key, out *Rotation) error {
	alive, err := d.ServersAlive(ctx)
	if err != nil || len(alive) == 0 {
		return err
	}
	if err := clock.Sleep(ctx, d.clock, lateSeal); err != nil {
		return err
	}
	n, err := auth.Reseal(ctx, d.store, d.held, next)
	out.Sealed += n
	return err
}

// withUnlocked opens a database for something that needs its secret.
func withUnlocked(ctx context.Context, o DatabaseOptions, do func(*Database) error) (err error) {
	d, err := OpenDatabase(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.Unlock(ctx); err != nil {
		return err
	}
	return do(d)
}
