package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// ErrInUse says that another program has the data folder.
var ErrInUse = errors.New("another watchkeeper uses this data folder")

// LockFolder keeps the data folder for one server at a time, until the file is closed or the program ends. It gives
// ErrInUse at once when another has it.
func LockFolder(folder string) (*os.File, error) {
	return tryLock(filepath.Join(folder, "watchkeeper.lock"))
}

// lockFile waits until no other program has the file locked.
func lockFile(ctx context.Context, path string) (*os.File, error) {
	for {
		f, err := tryLock(path)
		if !errors.Is(err, ErrInUse) {
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func tryLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock file: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrInUse
		}
		return nil, fmt.Errorf("locking %s: %w", filepath.Base(f.Name()), err)
	}
	return f, nil
}

// LockWork keeps a folder of unfinished work for this program, until the file is closed or the program ends. It gives
// ErrInUse at once when another has it. The lock is on a file in it, since in folders that several machines share a lock on
// the folder itself would hold on one of them only.
func LockWork(folder string) (*os.File, error) { return tryLock(filepath.Join(folder, "work.lock")) }
