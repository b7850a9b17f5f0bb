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

// LoadOrCreate gives the text of the secret in a file. A file that does not exist is made, readable by its owner only,
// with a new random text, and is on the disk when this returns; processes that start at the same time all get the text
// of the one that was first. A file that others may read or write is refused with the command that repairs it, and so
// is one that holds less than a secret: making another in its place would lose whatever the first has sealed.
func LoadOrCreate(path string) (text string, created bool, err error) {
	text, err = load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return text, false, err
	}
	created, err = create(path)
	if err != nil {
		return "", false, err
	}
	text, err = load(path)
	return text, created, err
}

func load(path string) (string, error) {
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

// create makes the file whole or not at all: it is written and synced under another name and then linked to its own,
// which fails if somebody else was first. It reports whether this process made it.
func create(path string) (created bool, err error) {
	folder := filepath.Dir(path)
	draft, err := os.CreateTemp(folder, "."+filepath.Base(path)+"-*")
	if err != nil {
		return false, fmt.Errorf("making the secret file: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(draft.Name())) }()
	if err := write(draft); err != nil {
		return false, fmt.Errorf("writing the secret file: %w", err)
	}
	err = os.Link(draft.Name(), path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return false, fmt.Errorf("making the secret file: %w", err)
	}
	created = err == nil
	// Also for the one who was second: the first may not have come to it yet.
	if err := syncFolder(folder); err != nil {
		return false, fmt.Errorf("making the secret file last: %w", err)
	}
	return created, nil
}

func write(file *os.File) error {
	random := make([]byte, randomSize)
	if _, err := rand.Read(random); err != nil {
		return errors.Join(err, file.Close())
	}
	_, err := file.WriteString(encoding.EncodeToString(random) + "\n")
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
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
