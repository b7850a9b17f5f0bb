package secret

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// loadOrCreate is what a first start does.
func loadOrCreate(path string) (text string, created bool, err error) {
	if text, err = Load(path); !errors.Is(err, fs.ErrNotExist) {
		return text, false, err
	}
	return Create(path, NewText())
}

func TestReplacedSecretIsThereAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret.key")
	first, _, err := loadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	second := NewText()
	if err := Replace(path, second); err != nil || second == first {
		t.Fatalf("the same text %v, %v", second == first, err)
	}
	got, err := Load(path)
	if err != nil || got != second {
		t.Errorf("another text than was put, or %v", err)
	}
	if kept, created, err := Create(path, first); err != nil || created || kept != second {
		t.Errorf("made although it is there: %v, %v", created, err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files in the folder, %v", len(entries), err)
	}
}

func TestSecretFileIsMadeOnce(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "secret.key")
	first, created, err := loadOrCreate(path)
	if err != nil || !created {
		t.Fatalf("made %v, %v", created, err)
	}
	if _, err := New(first); err != nil || len(first) < 43 {
		t.Errorf("%d bytes of text, %v", len(first), err)
	}
	second, created, err := loadOrCreate(path)
	if err != nil || created || second != first {
		t.Errorf("made again %v, the same text %v, %v", created, second == first, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	another, _, err := loadOrCreate(filepath.Join(folder, "another.key"))
	if err != nil || another == first {
		t.Errorf("two files have the same text, or %v", err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 2 {
		t.Errorf("%d files in the folder, want the two that were asked for; %v", len(entries), err)
	}
}

func TestProcessesThatStartTogetherAgree(t *testing.T) {
	for range 20 {
		path := filepath.Join(t.TempDir(), "secret.key")
		var all sync.WaitGroup
		var mu sync.Mutex
		texts, makers := map[string]bool{}, 0
		start := make(chan struct{})
		for range 16 {
			all.Go(func() {
				<-start
				text, created, err := loadOrCreate(path)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				texts[text] = true
				if created {
					makers++
				}
			})
		}
		close(start)
		all.Wait()
		if len(texts) != 1 || makers != 1 {
			t.Fatalf("%d texts by %d makers, want one by one", len(texts), makers)
		}
	}
}

func TestSecretFileOfOnesOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret.key")
	if err := os.WriteFile(path, []byte("a text of one's own \n\r\n"), 0o400); err != nil {
		t.Fatal(err)
	}
	text, created, err := loadOrCreate(path)
	if err != nil || created || text != "a text of one's own " {
		t.Errorf("text %q, made %v, %v", text, created, err)
	}
}

func TestSecretFilesThatAreRefused(t *testing.T) {
	const good = "sixteen bytes or more"
	tests := map[string]struct {
		prepare func(path string) error
		says    string
	}{
		"readable by all":       {holding(good, 0o644), "chmod 600 '"},
		"readable by its group": {holding(good, 0o640), "chmod 600 '"},
		"writable by all":       {holding(good, 0o602), "chmod 600 '"},
		"empty":                 {holding("", 0o600), "holds 0 bytes"},
		"cut":                   {holding("fifteen bytes..\n", 0o600), "holds 15 bytes"},
		"far too large":         {holding(strings.Repeat("x", maxFileSize+1), 0o600), "larger than"},
		"a folder":              {func(path string) error { return os.Mkdir(path, 0o700) }, "not a regular file"},
		"in no folder":          {func(path string) error { return os.Remove(filepath.Dir(path)) }, "no such file"},
		"a link to nowhere":     {func(path string) error { return os.Symlink("nowhere", path) }, "no such file"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "it's here", "secret.key")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := test.prepare(path); err != nil {
				t.Fatal(err)
			}
			text, created, err := loadOrCreate(path)
			if err == nil || !strings.Contains(err.Error(), test.says) || text != "" || created {
				t.Errorf("text %q, made %v, error %v, want one that says %q", text, created, err, test.says)
			}
			if err != nil && strings.Contains(err.Error(), "bytes..") {
				t.Errorf("the error shows what the file holds: %v", err)
			}
			if drafts, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".secret.key-*")); len(drafts) != 0 {
				t.Errorf("left behind: %v", drafts)
			}
		})
	}
}

func TestQuotedPathIsOneWord(t *testing.T) {
	if got, want := quote("/it's here"), `'/it'\''s here'`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func holding(content string, mode os.FileMode) func(path string) error {
	return func(path string) error {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return err
		}
		return os.Chmod(path, mode) // past the umask
	}
}
