package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"watchkeeper/server/store"
)

// workFolder is a folder for what is not finished. Close removes it.
type workFolder struct {
	path string
	lock *os.File
}

// Beginnings of the names of such folders.
const (
	backupWork  = ".watchkeeper-backup-"
	restoreWork = ".watchkeeper-restore-"
)

// openWork makes one beside what it is for. What programs left there that were killed is removed, since it may hold the
// whole database and its secret.
func openWork(beside, name string) (workFolder, error) {
	if err := removeLeft(beside, name); err != nil {
		return workFolder{}, err
	}
	for {
		path, err := os.MkdirTemp(beside, name+"*")
		if err != nil {
			return workFolder{}, fmt.Errorf("making a folder for the work: %w", err)
		}
		lock, err := store.LockWork(path)
		if err != nil && !gone(err) {
			return workFolder{}, errors.Join(err, os.RemoveAll(path))
		}
		if err == nil {
			if _, err = os.Stat(path); err == nil {
				return workFolder{path, lock}, nil
			}
			_ = lock.Close()
		}
		// Another program took it for one that was left, before it was locked.
	}
}

func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, store.ErrInUse)
}

func removeLeft(beside, name string) error {
	entries, err := os.ReadDir(beside)
	if err != nil {
		return fmt.Errorf("looking for a place for the work: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), name) {
			continue
		}
		path := filepath.Join(beside, e.Name())
		lock, err := store.LockWork(path)
		if err != nil {
			continue // somebody works in it, or it is of another user
		}
		err = os.RemoveAll(path)
		_ = lock.Close()
		if err != nil {
			return fmt.Errorf("removing what was left of earlier work: %w", err)
		}
	}
	return nil
}

// Close removes the folder and what is in it.
func (w workFolder) Close() error { return errors.Join(os.RemoveAll(w.path), w.lock.Close()) }
