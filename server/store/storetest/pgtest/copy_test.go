package pgtest

import (
	"path/filepath"
	"syscall"
	"testing"
)

func TestSave(t *testing.T) {
	saved := filepath.Join(t.TempDir(), "saved")
	first := Start(t, Options{})
	must(t, first.Create(t.Context(), "mine", "template1"))
	must(t, execute(t.Context(), first.URL("mine"), "create table seed as select 3 as n"))
	must(t, first.Save(t.Context(), saved))
	must(t, execute(t.Context(), first.URL("mine"), "update seed set n = 4"))

	second := Start(t, Options{Data: saved, Durability: Durable})
	if got := scalar[string](t, second.URL("mine"), "show fsync"); got != "on" {
		t.Errorf("fsync is %s in a durable copy of a fast server", got)
	}
	if got := scalar[int](t, second.URL("mine"), "select n from seed"); got != 3 {
		t.Errorf("n = %d, want 3 as it was saved", got)
	}
	if got := scalar[int](t, first.URL("mine"), "select n from seed"); got != 4 {
		t.Errorf("n = %d in the first server, which goes on, want 4", got)
	}
	must(t, second.Drop("mine"))
	pid, err := second.PID()
	must(t, err)
	if err := syscall.Kill(pid, 0); err != nil {
		t.Errorf("process %d: %v", pid, err)
	}
}

func TestSavedByAnother(t *testing.T) {
	if _, err := New(t.Context(), Options{Data: t.TempDir()}); err == nil {
		t.Error("a folder without PostgreSQL's data was taken")
	}
}
