package command

import (
	"context"
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"watchkeeper/server/app"
)

func (r *run) databaseOptions(c *cobra.Command) (app.DatabaseOptions, error) {
	loaded, err := r.settingsAloud(c)
	if err != nil {
		return app.DatabaseOptions{}, err
	}
	log := slog.New(slog.NewTextHandler(r.Err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return app.DatabaseOptions{Config: loaded.Config, Loaded: loaded, Log: log}, nil
}

// locked says whether a command needs what the secret of the server seals.
type locked string

const (
	lockedAway locked = "locked"
	unlocked   locked = "unlocked"
)

// withDatabase does something with the database of the server's settings.
func withDatabase(ctx context.Context, o app.DatabaseOptions, need locked, do func(*app.Database) error) (err error) {
	d, err := app.OpenDatabase(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if need == unlocked {
		if err := d.Unlock(ctx); err != nil {
			return err
		}
	}
	return do(d)
}
