package store_test

import (
	"bytes"
	"database/sql"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

func TestFilesAreForTheirOwnerOnly(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	folder := f.Options.Folder
	if _, err := f.Services.Create(t.Context(), api.ServiceSettings{Name: "backup"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{store.StateFile, store.StateFile + "-wal", store.StateFile + "-shm"} {
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v", name, info.Mode())
		}
	}
}

func TestEveryRequestFailsButOneLineAMinuteSaysSo(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	var log bytes.Buffer
	o := f.Options
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	s := storetest.Reopen(t, o)
	damage(t, filepath.Join(o.Folder, store.StateFile))
	fail := func(times int) {
		for range times {
			if _, err := s.Events.Add([]api.Event{{Service: "a", Message: "b", Time: api.TimeOf(f.Clock.Now())}}, nil); err == nil {
				t.Fatal("an event was stored in a table that is gone")
			}
		}
	}
	fail(20)
	if n := strings.Count(log.String(), "storing failed"); n != 1 {
		t.Errorf("%d lines for 20 failures: %s", n, log.String())
	}
	f.Clock.Advance(time.Minute)
	fail(5)
	if n := strings.Count(log.String(), "storing failed"); n != 2 || !strings.Contains(log.String(), "groups=20") {
		t.Errorf("%d lines a minute later: %s", n, log.String())
	}
}

// A command has to open the database of a server whose disk is full, for one to read the password.
func TestOpeningWritesNothing(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	db, err := sql.Open("sqlite", filepath.Join(f.Options.Folder, store.StateFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "begin immediate"); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), f.Options)
	if err != nil {
		t.Fatalf("while nothing can be written, the database cannot be opened: %v", err)
	}
	defer s.Close()
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// damage takes the table of events away, behind the store's back.
func damage(t *testing.T, path string) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "drop table event"); err != nil {
		t.Fatal(err)
	}
}
