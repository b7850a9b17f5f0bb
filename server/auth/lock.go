package auth

import (
	"context"
	"errors"
	"fmt"

	"watchkeeper/api"
	"watchkeeper/server/secret"
	"watchkeeper/server/store"
)

// Unlock binds an empty database to the secret, and refuses one that is bound to another. Servers that start at the same
// time with different secrets do not both pass.
func Unlock(ctx context.Context, settings *store.Settings, key *secret.Key) error {
	check, err := settings.PutNew(ctx, settingCheck, key.CheckValue())
	if err != nil {
		return fmt.Errorf("binding the database to the secret: %w", err)
	}
	return explain(key.Verify(check))
}

// Bound reports whether the database is bound to a secret, whichever.
func Bound(ctx context.Context, settings *store.Settings) (bool, error) {
	_, found, err := settings.Get(ctx, settingCheck)
	if err != nil {
		err = fmt.Errorf("looking for the database's secret: %w", err)
	}
	return found, err
}

// CheckSecret refuses a secret that the database is not bound to. It changes nothing, so that a command with mistaken
// settings does not bind a database that no server was started on; that one is KindNotFound.
func CheckSecret(ctx context.Context, settings *store.Settings, key *secret.Key) error {
	check, found, err := settings.Get(ctx, settingCheck)
	if err != nil {
		return fmt.Errorf("looking for the database's secret: %w", err)
	}
	if !found {
		return api.Errorf(api.KindNotFound, "no server was started on this database yet; start one with: watchkeeper serve")
	}
	return explain(key.Verify(check))
}

// explain says what to do about an error of the secret's key.
func explain(err error) error {
	switch {
	case errors.Is(err, secret.ErrOtherKey):
		return fmt.Errorf("the database is sealed with another secret than the one given; set WATCHKEEPER_SECRET to "+
			"the one it was first started with, or put that secret.key back into the data folder: %w", err)
	case errors.Is(err, secret.ErrBroken):
		return fmt.Errorf("what the database keeps sealed is damaged; restore it from a backup: %w", err)
	}
	return err
}
