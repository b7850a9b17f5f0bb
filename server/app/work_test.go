package app

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWorkThatWasLeftIsRemovedAndThatOfOthersIsNot(t *testing.T) {
	beside := t.TempDir()
	left, other := filepath.Join(beside, backupWork+"left"), filepath.Join(beside, restoreWork+"other")
	for _, folder := range []string{left, other} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "secret.key"), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first, err := openWork(beside, backupWork)
	if err != nil {
		t.Fatal(err)
	}
	second, err := openWork(beside, backupWork)
	if err != nil {
		t.Fatal(err)
	}
	is := func(path string, want bool) {
		t.Helper()
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: %v, want it to be there: %v", path, err, want)
		}
	}
	is(left, false)
	is(other, true)
	is(first.path, true)
	is(second.path, true)
	for _, w := range []workFolder{first, second} {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		is(w.path, false)
	}
}
