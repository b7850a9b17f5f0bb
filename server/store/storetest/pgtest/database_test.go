package pgtest

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
)

func TestDatabase(t *testing.T) {
	other := Database(t)
	var url string
	t.Run("own", func(t *testing.T) {
		url = Database(t)
		must(t, execute(t.Context(), url, "create table mine (n int)"))
		if scalar[bool](t, url, "select rolsuper from pg_roles where rolname = current_user") {
			t.Error("the tests' role is a superuser")
		}
		// Left open on purpose: it must not keep the database from being dropped.
		connect(t, url)
	})
	name := scalar[string](t, other, "select current_database()")
	if strings.Contains(url, name) {
		t.Errorf("two tests share the database %s", name)
	}
	if got := scalar[int](t, other, "select count(*)::int from pg_database where datname like 'wktest%'"); got != 1 {
		t.Errorf("%d databases are left, want only our own", got)
	}
}

func TestCollationIsLinguistic(t *testing.T) {
	found, err := findBinaries(t.Context())
	must(t, err)
	want := found.major >= firstWithICU
	if got := scalar[bool](t, Start(t, Options{}).Database(t), "select 'a' < 'B'"); got != want {
		t.Errorf("text sorted by language: %v, want %v", got, want)
	}
}

func TestTemplate(t *testing.T) {
	var filled atomic.Int32
	template := NewTemplate(func(ctx context.Context, url string) error {
		filled.Add(1)
		return execute(ctx, url, "create table seed as select 3 as n")
	})
	t.Run("copies", func(t *testing.T) {
		for range 4 {
			t.Run("copy", func(t *testing.T) {
				t.Parallel()
				url := template.Database(t)
				must(t, execute(t.Context(), url, "update seed set n = n + 1"))
				if got := scalar[int](t, url, "select n from seed"); got != 4 {
					t.Errorf("n = %d, want 4: another test wrote into this copy", got)
				}
			})
		}
	})
	if got := filled.Load(); got != 1 {
		t.Errorf("filled %d times, want once", got)
	}
}

func TestExternalServer(t *testing.T) {
	server := Start(t, Options{})
	t.Setenv("TEST_DATABASE_URL", server.url(superuser, superuser))
	var process sharedServer
	home, err := process.get(t.Context())
	must(t, err)
	must(t, home.create(t.Context(), "wktest_template", "template1"))
	process.dropAtEnd("wktest_template")
	must(t, home.create(t.Context(), "wktest_copy", "wktest_template"))
	if got := scalar[string](t, home.url("wktest_copy"), "select current_database()"); got != "wktest_copy" {
		t.Errorf("connected to %s", got)
	}
	must(t, home.drop("wktest_copy"))
	must(t, process.stop())
	if got := scalar[int](t, home.admin, "select count(*)::int from pg_database where datname like 'wktest%'"); got != 0 {
		t.Errorf("%d databases are left on the user's server", got)
	}
}

func TestExternalServerRefusesOtherURLs(t *testing.T) {
	for _, raw := range []string{"host=localhost", "mysql://localhost/x", "://"} {
		if _, err := external(raw); err == nil {
			t.Errorf("external(%q) was accepted", raw)
		}
	}
}
