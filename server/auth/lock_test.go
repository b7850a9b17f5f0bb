package auth_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"watchkeeper/api"
	"watchkeeper/server/auth"
	"watchkeeper/server/secret"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

func TestDatabaseIsBoundToOneSecret(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		first, other := newKey(t, "the secret of the first start"), newKey(t, "another, by mistake")
		if err := auth.CheckSecret(t.Context(), f.Settings, other); api.KindOf(err) != api.KindNotFound {
			t.Fatalf("a command before the first start: %v", err)
		}
		for range 2 {
			if err := auth.Unlock(t.Context(), f.Settings, first); err != nil {
				t.Fatal(err)
			}
		}
		if err := auth.CheckSecret(t.Context(), f.Settings, first); err != nil {
			t.Error(err)
		}
		for name, check := range map[string]func() error{
			"Unlock":      func() error { return auth.Unlock(t.Context(), f.Settings, other) },
			"CheckSecret": func() error { return auth.CheckSecret(t.Context(), f.Settings, other) },
		} {
			err := check()
			if !errors.Is(err, secret.ErrOtherKey) {
				t.Errorf("%s with another secret: %v", name, err)
				continue
			}
			for _, want := range []string{"WATCHKEEPER_SECRET", "secret.key", first.ID(), other.ID()} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%s does not name %s: %v", name, want, err)
				}
			}
		}
	})
}

func TestServersWithDifferentSecretsDoNotBothStart(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		g := another(t, f)
		var started sync.WaitGroup
		errs := make([]error, 2)
		keys := []*secret.Key{newKey(t, "the secret of one"), newKey(t, "the secret of the other")}
		for i, settings := range []*store.Settings{f.Settings, g.Settings} {
			started.Go(func() { errs[i] = auth.Unlock(t.Context(), settings, keys[i]) })
		}
		started.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Errorf("one must start and one must not: %v; %v", errs[0], errs[1])
		}
	})
}

func TestDamagedCheckValue(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	if err := f.Settings.Put(t.Context(), "secret_check", "nonsense"); err != nil {
		t.Fatal(err)
	}
	err := auth.Unlock(t.Context(), f.Settings, newKey(t, "a secret of all servers"))
	if !errors.Is(err, secret.ErrBroken) || !strings.Contains(err.Error(), "backup") {
		t.Errorf("unlocked with %v", err)
	}
}

func TestServersAgreeOnTheInstallation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		g := another(t, f)
		var opened sync.WaitGroup
		got := make([]auth.Installation, 8)
		for i := range got {
			settings := []*store.Settings{f.Settings, g.Settings}[i%2]
			opened.Go(func() {
				var err error
				if got[i], err = auth.OpenInstallation(t.Context(), settings); err != nil {
					t.Error(err)
				}
			})
		}
		opened.Wait()
		for _, i := range got {
			if i != got[0] || len(i.ID) != 36 || i.Generation != 1 {
				t.Errorf("installation %+v, the first one has %+v", i, got[0])
			}
		}
	})
}

func TestGenerationRisesByRestore(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	before, err := auth.OpenInstallation(t.Context(), f.Settings)
	if err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]int64{"2": 2, "0": 0, "x": 0} { // 0 means refused
		if err := f.Settings.Put(t.Context(), "generation", value); err != nil {
			t.Fatal(err)
		}
		got, err := auth.OpenInstallation(t.Context(), f.Settings)
		if got.Generation != want || (err == nil) != (want > 0) || err == nil && got.ID != before.ID {
			t.Errorf("generation %q: %+v, %v", value, got, err)
		}
	}
}
