package storetest

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"watchkeeper/server/clock"
	"watchkeeper/server/hub"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest/pgtest"
)

// An empty database with the present schema is made once per test process and copied for each test: the migrations take
// longer than most tests do. What migrating does is for the tests of Migrate, which begin with databases of their own.
var (
	postgresTemplate = pgtest.NewTemplate(func(ctx context.Context, url string) error { return migrate(ctx, store.Options{Database: url}) })
	sqliteTemplate   = sync.OnceValues(migratedFile)
)

// blank gives the options of a store on an empty database with the present schema.
func blank(tb testing.TB, engine store.Engine) store.Options {
	tb.Helper()
	o := store.Options{Folder: tb.TempDir()}
	if engine == store.Postgres {
		o.Database = postgresTemplate.Database(tb)
		return o
	}
	content, err := sqliteTemplate()
	if err == nil {
		err = os.WriteFile(filepath.Join(o.Folder, store.StateFile), content, 0o600)
	}
	if err != nil {
		tb.Fatalf("making an empty database: %v", err)
	}
	return o
}

// migratedFile gives the content of SQLite's file. Closed, a database is one file.
func migratedFile() ([]byte, error) {
	folder, err := os.MkdirTemp("", "storetest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	if err := migrate(context.Background(), store.Options{Folder: folder}); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(folder, store.StateFile))
}

// migrate makes the present schema, at the moment at which the clocks of tests begin.
func migrate(ctx context.Context, o store.Options) error {
	o.Hub, o.Clock, o.Log, o.Zone = hub.New(), clock.NewManual(Start), slog.New(slog.DiscardHandler), time.UTC
	s, err := store.Open(ctx, o)
	if err != nil {
		return err
	}
	_, err = s.Migrate(ctx, store.MigrateOptions{})
	return errors.Join(err, s.Close())
}
