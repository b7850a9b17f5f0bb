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

// withDatabase does something with the database of the server's settings, for which nothing sealed is needed.
func withDatabase(ctx context.Context, o app.DatabaseOptions, do func(*app.Database) error) (err error) {
	d, err := app.OpenDatabase(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return do(d)
}

// withSecrets is withDatabase for what needs something that the secret of the server seals.
func withSecrets(ctx context.Context, o app.DatabaseOptions, do func(*app.Database) error) error {
	return withDatabase(ctx, o, func(d *app.Database) error {
		if err := d.Unlock(ctx); err != nil {
			return err
		}
		return do(d)
	})
}
