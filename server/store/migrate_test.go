package store_test

import (
	"database/sql"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"watchkeeper/migrations"
	"watchkeeper/server/clock"
	"watchkeeper/server/hub"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

func TestNewerSchemaNamesTheReleaseThatFits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		f.Servers.Register(store.Presence{ID: "newer", Name: "newer", Version: "7.8.9"})
		if _, err := f.Servers.Beat(t.Context()); err != nil {
			t.Fatal(err)
		}
		db := behind(t, f)
		if _, err := db.ExecContext(t.Context(), "insert into goose_db_version (version_id, is_applied) values (99999, true)"); err != nil {
			t.Fatal(err)
		}
		for name, check := range map[string]func() error{
			"migrating": func() error { _, err := f.Migrate(t.Context(), store.MigrateOptions{Copy: true}); return err },
			"checking":  func() error { return f.CheckSchema(t.Context()) },
		} {
			err := check()
			var misfit *store.SchemaError
			if !errors.As(err, &misfit) || misfit.Database != 99999 || !strings.Contains(err.Error(), "use watchkeeper 7.8.9, or a newer one") {
				t.Errorf("%s: %v", name, err)
			}
		}
		// A database that is so new that nothing in it is known is refused all the same.
		if _, err := db.ExecContext(t.Context(), "drop table server"); err != nil {
			t.Fatal(err)
		}
		if err := f.CheckSchema(t.Context()); err == nil || !strings.Contains(err.Error(), "use the release that wrote it, or a newer one") {
			t.Errorf("without a name: %v", err)
		}
	})
}

// first makes a database file with the first schema only.
func first(t *testing.T) (folder string, open func() *store.Store) {
	t.Helper()
	folder = t.TempDir()
	db, err := sql.Open("sqlite", filepath.Join(folder, store.StateFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	files, err := fs.Sub(migrations.SQLite, "sqlite")
	if err != nil {
		t.Fatal(err)
	}
	steps, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err == nil {
		_, err = steps.UpTo(t.Context(), 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	return folder, func() *store.Store {
		return storetest.Reopen(t, store.Options{
			Folder: folder, Hub: hub.New(), Clock: clock.NewManual(storetest.Start), Log: slog.New(slog.DiscardHandler), Zone: time.UTC,
		})
	}
}

// schemaOf gives the number of the last step that a file of SQLite has taken.
func schemaOf(t *testing.T, path string) (n int64) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), "select max(version_id) from goose_db_version").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func copies(t *testing.T, folder string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, store.StateFile+".*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestCopyIsKeptBeforeAMigration(t *testing.T) {
	folder, open := first(t)
	earlier := filepath.Join(folder, store.StateFile+".before-1")
	if err := os.WriteFile(earlier, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open()
	var reported []string
	done, err := s.Migrate(t.Context(), store.MigrateOptions{Copy: true, Report: func(p store.Progress) {
		if !slices.Contains(reported, p.Step) {
			reported = append(reported, p.Step)
		}
	}})
	if err != nil || len(done) == 0 || slices.Contains(done, "00001_spine.sql") {
		t.Fatalf("steps %v, %v", done, err)
	}
	want := []string{"waiting for others that migrate the database", "copying the database"}
	for _, step := range done {
		want = append(want, "migrating the database, "+step)
	}
	if !slices.Equal(reported, want) {
		t.Errorf("reported %q, want %q", reported, want)
	}
	found := copies(t, folder)
	if len(found) != 1 || found[0] == earlier || strings.HasSuffix(found[0], ".unfinished") {
		t.Fatalf("copies %v", found)
	}
	if n := schemaOf(t, found[0]); n != 1 {
		t.Errorf("the copy has schema %d, want 1", n)
	}
	if info, err := os.Stat(found[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy is open to others: %v, %v", info, err)
	}
	if done, err := s.Migrate(t.Context(), store.MigrateOptions{Copy: true}); err != nil || len(done) > 0 {
		t.Errorf("migrated again: %v, %v", done, err)
	}
}

// A migration that was interrupted has changed the database already, so the copy that was made before it is the one to
// keep.
func TestInterruptedMigrationKeepsItsFirstCopy(t *testing.T) {
	folder, open := first(t)
	s := open()
	_, program, err := s.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(folder, store.StateFile) + ".before-" + strconv.FormatInt(program, 10)
	if err := os.WriteFile(kept+".unfinished", []byte("the first copy"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(kept+".copying", []byte("half a copy of an attempt before"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Migrate(t.Context(), store.MigrateOptions{Copy: true}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(kept); err != nil || string(text) != "the first copy" || len(copies(t, folder)) != 1 {
		t.Errorf("kept %q, %v; copies %v", text, err, copies(t, folder))
	}
}
