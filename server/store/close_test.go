package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"watchkeeper/api"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

func TestCloseLeavesOneFile(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	made, err := f.Services.Create(t.Context(), api.ServiceSettings{Name: "backup"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Services.Get(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	// The last connection to be closed moves everything into the file, and removes the others.
	for _, left := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(filepath.Join(f.Options.Folder, store.StateFile+left)); !os.IsNotExist(err) {
			t.Errorf("%s is left after closing (%v)", left, err)
		}
	}
}

func TestGivingUpCostsNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for range 3 {
			if _, err := f.Services.Create(gone, api.ServiceSettings{Name: "unwanted"}); !errors.Is(err, context.Canceled) {
				t.Errorf("creating for a caller who has gone gave %v", err)
			}
			if _, err := f.Services.ByName(gone, "unwanted"); !errors.Is(err, context.Canceled) {
				t.Errorf("reading for a caller who has gone gave %v", err)
			}
		}
		if _, err := f.Services.Create(t.Context(), api.ServiceSettings{Name: "wanted"}); err != nil {
			t.Error(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
}
