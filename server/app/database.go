package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/auth"
	"watchkeeper/server/clock"
	"watchkeeper/server/config"
	"watchkeeper/server/dial"
	"watchkeeper/server/hub"
	"watchkeeper/server/secret"
	"watchkeeper/server/store"
)

// DatabaseOptions is what the database of a server is opened with by somebody else than the server.
type DatabaseOptions struct {
	Config config.Config
	Loaded *config.Loaded // where the settings came from; may be nil
	Log    *slog.Logger
}

// Database is the database of a server, opened by a command that works beside the server or while none runs. It makes
// nothing that a start would make.
type Database struct {
	Tokens *auth.Tokens
	Audit  *store.Audit // can be read; checked and written after Unlock
	// Passwords and PingKey are nil until Unlock.
	Passwords *auth.Passwords
	PingKey   *auth.PingKey

	options DatabaseOptions
	store   *store.Store
	clock   *clock.System
	held    *secret.Key // nil until Unlock
}

// OpenDatabase opens a database on which a server of this release was started before. What it cannot open is
// KindUnavailable.
func OpenDatabase(ctx context.Context, o DatabaseOptions) (*Database, error) {
	if o.Config.Database == "" {
		path := filepath.Join(o.Config.Data, store.StateFile)
		switch _, err := os.Stat(path); {
		case errors.Is(err, fs.ErrNotExist):
			return nil, api.Errorf(api.KindUnavailable, "there is no database %s: name the server's data folder with --data, "+
				"or its database with WATCHKEEPER_DATABASE", path)
		case err != nil:
			return nil, api.Wrap(api.KindUnavailable, err, "the database cannot be opened; run this as the user of the server")
		}
	}
	d, err := openDatabase(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := d.checkSchema(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	d.Tokens, d.Audit = auth.NewTokens(d.store.Tokens, d.clock), d.store.Audit
	return d, nil
}

func openDatabase(ctx context.Context, o DatabaseOptions) (*Database, error) {
	d := &Database{options: o}
	clockOptions := clock.Options{Logger: o.Log}
	if o.Config.Database != "" {
		clockOptions.Reference = func(ctx context.Context) (time.Time, error) { return d.store.Clock(ctx) }
	}
	d.clock = clock.NewSystem(clockOptions)
	var err error
	d.store, err = store.Open(ctx, store.Options{
		Folder: o.Config.Data, Database: o.Config.Database, Hub: hub.New(), Clock: d.clock, Log: o.Log, Zone: o.Config.TimeZone,
	})
	if err != nil {
		return nil, api.Wrap(api.KindUnavailable, err, "the database cannot be opened")
	}
	if err := d.clock.Sync(ctx); err != nil {
		return nil, errors.Join(api.Wrap(api.KindUnavailable, err, "the time of the database cannot be read"), d.Close())
	}
	return d, nil
}

func (d *Database) checkSchema(ctx context.Context) error {
	version, _, err := d.store.Schema(ctx)
	switch {
	case err != nil:
		return api.Wrap(api.KindUnavailable, err, "the database cannot be read")
	case version == 0:
		return api.Errorf(api.KindUnavailable, "no server was started on this database yet; start one with: watchkeeper serve")
	}
	if err := d.store.CheckSchema(ctx); err != nil {
		return api.Errorf(api.KindUnavailable, "%s", err)
	}
	return nil
}

// Close gives the connections back.
func (d *Database) Close() error { return d.store.Close() }

// Unlock opens what the secret seals. A secret that is missing or another is KindUnavailable.
func (d *Database) Unlock(ctx context.Context) error {
	held, err := d.secret(ctx)
	if err != nil {
		return api.Errorf(api.KindUnavailable, "%s", err)
	}
	key := held.key
	d.held = key
	d.store.Audit.Unlock(key)
	override := auth.Override{Value: d.options.Config.Password}
	if d.options.Loaded != nil && override.Value != "" {
		override.Source = d.options.Loaded.Source("password").String()
	}
	d.Passwords, err = auth.NewPasswords(auth.PasswordOptions{
		Settings: d.store.Settings, Key: key, Clock: d.clock, Override: override,
	})
	d.PingKey = auth.NewPingKey(d.store.Settings, key)
	return err
}

// secret gives the secret, which only a start of the server makes, after checking that it is that of the database.
func (d *Database) secret(ctx context.Context) (theSecret, error) {
	s, err := readSecret(d.options.Config)
	if errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("without the secret of the server this cannot be read: set WATCHKEEPER_SECRET as it is set "+
			"for the server, or name the data folder that holds its secret.key with --data (%w)", err)
	}
	if err == nil {
		err = auth.CheckSecret(ctx, d.store.Settings, s.key)
	}
	if err == nil {
		err = s.settle(d.options.Config)
	}
	return s, err
}

// MigrateOptions say how a database is brought up to date: see there.
type MigrateOptions = store.MigrateOptions

// Migrate brings the database up to date while no server runs on it, making it where there is none, and gives the steps
// that it took. While a server runs it is KindConflict.
func Migrate(ctx context.Context, o DatabaseOptions, how MigrateOptions) (steps []string, err error) {
	err = alone(ctx, o, ", or restart, which migrates too", func(d *Database) (err error) {
		steps, err = d.store.Migrate(ctx, how)
		return err
	})
	return steps, err
}

// InstallDialer makes all connections of the process that libraries begin by themselves those of the guarded dialer. It
// belongs at the very start of a process that serves; restore puts back what was there.
func InstallDialer(c config.Config) (restore func()) {
	return dial.New(dialPolicy(c)).InstallDefault()
}
