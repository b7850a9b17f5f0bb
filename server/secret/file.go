package secret

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	randomSize  = 32
	maxFileSize = 64 << 10
)

// Load gives the text of the secret in a file. The error is fs.ErrNotExist where there is none. A file that others may
// read or write is refused with the command that repairs it, and so is one that holds less than a secret: another in its
// place would lose whatever the first has sealed.
func Load(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("opening the secret file: %w", err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return "", fmt.Errorf("looking at the secret file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("the secret file %s is not a regular file", path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return "", fmt.Errorf("the secret file %s may be used by others than its owner (mode %#o); "+
			"run: chmod 600 %s", path, mode, quote(path))
	}
	content, err := io.ReadAll(io.LimitReader(file, maxFileSize+1))
	if err != nil {
		return "", fmt.Errorf("reading the secret file: %w", err)
	}
	if len(content) > maxFileSize {
		return "", fmt.Errorf("the secret file %s is larger than %d bytes", path, maxFileSize)
	}
	text := strings.TrimRight(string(content), "\r\n")
	if len(text) < MinLength {
		return "", fmt.Errorf("the secret file %s holds %d bytes, a secret has at least %d; "+
			"restore the file, or remove it if nothing was sealed with it yet", path, len(text), MinLength)
	}
	return text, nil
}

// NewText makes the random text of a new secret.
func NewText() string {
	random := make([]byte, randomSize)
	_, _ = rand.Read(random) // never fails
	return encoding.EncodeToString(random)
}

// Create puts the text of a secret into a file that does not exist, readable by its owner only, and it is on the disk when
// this returns. Of processes that do so at the same time all get the text of the one that was first.
func Create(path, text string) (kept string, created bool, err error) {
	if created, err = create(path, text); err != nil {
		return "", false, err
	}
	kept, err = Load(path)
	return kept, created, err
}

// Replace puts the text of a secret into a file in place of what may be there: at every moment one or the other is.
func Replace(path, text string) error {
	draft, err := writeDraft(path, text)
	if err != nil {
		return err
	}
	if err := os.Rename(draft, path); err != nil {
		return errors.Join(fmt.Errorf("replacing the secret file: %w", err), os.Remove(draft))
	}
	return syncFolder(filepath.Dir(path))
}

// create makes the file whole or not at all: it is written and synced under another name and then linked to its own,
// which fails if somebody else was first. It reports whether this process made it.
func create(path, text string) (created bool, err error) {
	draft, err := writeDraft(path, text)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, os.Remove(draft)) }()
	err = os.Link(draft, path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return false, fmt.Errorf("making the secret file: %w", err)
	}
	created = err == nil
	// Also for the one who was second: the first may not have come to it yet.
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return false, fmt.Errorf("making the secret file last: %w", err)
	}
	return created, nil
}

// writeDraft puts the text into a file of another name in the same folder, and onto the disk.
func writeDraft(path, text string) (name string, err error) {
	draft, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return "", fmt.Errorf("making the secret file: %w", err)
	}
	_, err = draft.WriteString(text + "\n")
	if err == nil {
		err = draft.Sync()
	}
	if err = errors.Join(err, draft.Close()); err != nil {
		return "", errors.Join(fmt.Errorf("writing the secret file: %w", err), os.Remove(draft.Name()))
	}
	return draft.Name(), nil
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// quote makes path one word of a shell's line.
func quote(path string) string {
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
