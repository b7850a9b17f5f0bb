// Package storetest is the conformance suite of the store: what every engine must do alike. The tests of package store
// run it on each engine; other tests borrow its Open. Nothing that ships imports it.
package storetest

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/clock"
	"watchkeeper/server/hub"
	"watchkeeper/server/secret"
	"watchkeeper/server/store"
)

// Start is the moment at which the clocks of tests begin.
var Start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Engines are all engines. There is no way to leave one out.
var Engines = []store.Engine{store.SQLite, store.Postgres}

// Fixture is a store on an empty database with the present schema, and what it was made with.
type Fixture struct {
	*store.Store
	Clock   *clock.Manual
	Hub     *hub.Hub
	Options store.Options // opens another store on the same database
}

// Each runs a test once on each engine.
func Each(t *testing.T, test func(t *testing.T, f *Fixture)) {
	t.Helper()
	for _, engine := range Engines {
		t.Run(string(engine), func(t *testing.T) { test(t, Open(t, engine)) })
	}
}

// Open gives a store on an engine; it is closed when the test ends.
func Open(tb testing.TB, engine store.Engine) *Fixture {
	tb.Helper()
	f := &Fixture{Clock: clock.NewManual(Start), Hub: hub.New()}
	f.Options = blank(tb, engine)
	f.Options.Hub, f.Options.Clock, f.Options.Log, f.Options.Zone = f.Hub, f.Clock, slog.New(slog.DiscardHandler), time.UTC
	f.Store = Reopen(tb, f.Options)
	return f
}

// Reopen opens one more store on a database that is there.
func Reopen(tb testing.TB, o store.Options) *store.Store {
	tb.Helper()
	s, err := store.Open(context.Background(), o)
	if err != nil {
		tb.Fatal(err)
	}
	key, err := secret.New("a secret that is long enough")
	if err != nil {
		tb.Fatal(err)
	}
	s.Audit.Unlock(key)
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("closing the store: %v", err)
		}
	})
	return s
}

// MarkAlive lets it look, behind the store's back, as if another server had been alive from now until a moment, so that a
// test may let hours pass at once that are no absence.
func (f *Fixture) MarkAlive(tb testing.TB, until api.Time) {
	tb.Helper()
	driver, source := "pgx", f.Options.Database
	if f.Engine() == store.SQLite {
		driver, source = "sqlite", filepath.Join(f.Options.Folder, store.StateFile)+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(tb.Context(), `insert into server (id, name, version, started_at, seen_at) values ('watcher', 'watcher', '', $1, $1)
		on conflict (id) do update set seen_at = excluded.seen_at`, int64(until)); err != nil {
		tb.Fatal(err)
	}
}
