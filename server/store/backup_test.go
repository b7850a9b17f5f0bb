package store_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

// filled opens a store on SQLite with some megabytes in it.
func filled(t *testing.T) *storetest.Fixture {
	t.Helper()
	f := storetest.Open(t, store.SQLite)
	db, err := sql.Open("sqlite", filepath.Join(f.Options.Folder, store.StateFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `insert into event (service, long_service, message, level, level_text, time, received_at, flags)
		with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
		select 'a', '', hex(randomblob(200)), 1, '', i, i, 0 from n`); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestSnapshotIsWholeWhileOthersWrite(t *testing.T) {
	f := filled(t)
	stop, written := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for ; ; n++ {
			select {
			case <-stop:
				written <- n
				return
			default:
			}
			if _, err := f.Events.Add([]api.Event{{Service: "b", Message: "meanwhile", Time: 1}}, nil); err != nil {
				t.Error(err)
			}
		}
	}()
	folder := t.TempDir()
	reported := int64(0)
	err := f.Snapshot(t.Context(), store.SnapshotOptions{
		Path: filepath.Join(folder, store.StateFile), Report: func(p store.Progress) { reported = p.Total },
	})
	close(stop)
	n := <-written
	if err != nil {
		t.Fatal(err)
	}
	if n == 0 || reported == 0 {
		t.Errorf("%d events were written meanwhile and %d bytes announced", n, reported)
	}
	o := f.Options
	o.Folder = folder
	s := storetest.Reopen(t, o)
	if err := s.Inspect(t.Context()); err != nil {
		t.Error(err)
	}
	census, err := s.Census(t.Context())
	if rows := census["event"]; err != nil || rows < 20_000 || rows > 20_000+int64(n) {
		t.Errorf("%d events in the copy, %v", rows, err)
	}
	if info, err := os.Stat(filepath.Join(folder, store.StateFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy is open to others: %v, %v", info, err)
	}
	db, err := sql.Open("sqlite", filepath.Join(folder, store.StateFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var vacuum int
	if err := db.QueryRowContext(t.Context(), "pragma auto_vacuum").Scan(&vacuum); err != nil || vacuum != 2 {
		t.Errorf("auto_vacuum of the copy is %d, %v, want 2 as in the database", vacuum, err)
	}
}

func TestSnapshotStopsWhenTheLogGrows(t *testing.T) {
	f := filled(t)
	path := filepath.Join(t.TempDir(), "copy")
	err := f.Snapshot(t.Context(), store.SnapshotOptions{Path: path, MaxWAL: 1})
	if api.KindOf(err) != api.KindUnavailable || !strings.Contains(err.Error(), "the log of the database has") {
		t.Errorf("%v, want the log to be named", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half a copy is left: %v", err)
	}
}

func TestSnapshotEndsWithItsContext(t *testing.T) {
	f := filled(t)
	ctx, cancel := context.WithCancel(t.Context())
	path := filepath.Join(t.TempDir(), "copy")
	began := time.Now()
	err := f.Snapshot(ctx, store.SnapshotOptions{Path: path, Report: func(store.Progress) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half a copy is left: %v", err)
	}
}

func TestInspectFindsDamage(t *testing.T) {
	f := filled(t)
	if err := f.Inspect(t.Context()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), store.StateFile)
	if err := f.Snapshot(t.Context(), store.SnapshotOptions{Path: path}); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt(make([]byte, 64<<10), 4<<20); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	o := f.Options
	o.Folder = filepath.Dir(path)
	if err := storetest.Reopen(t, o).Inspect(t.Context()); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("the damage was not found: %v", err)
	}
}
