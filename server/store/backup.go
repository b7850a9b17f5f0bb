package store

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"watchkeeper/api"
)

// Progress is how far a long piece of work has come, in a unit of its own; Total is 0 where nobody knows.
type Progress struct {
	Step        string
	Done, Total int64
}

// String gives the step and how much of it is done.
func (p Progress) String() string {
	if p.Total == 0 {
		return p.Step
	}
	return fmt.Sprintf("%s, %d %%", p.Step, p.Done*100/p.Total)
}

// SnapshotOptions say where a copy of the database goes and what it may cost.
type SnapshotOptions struct {
	Path string // a file that does not exist, in a folder that does
	// MaxWAL ends the copy when the log beside the database has grown to more bytes than this: while the copy is read
	// nothing of it can be given back. 0 means 4 GiB.
	MaxWAL int64
	// Report is called now and then; it may be nil.
	Report func(Progress)
}

const defaultMaxWAL = 4 << 30

// Snapshot writes the database as of one moment to a file, while others go on writing. On PostgreSQL it is KindInvalid:
// that has tools of its own for this.
func (s *Store) Snapshot(ctx context.Context, o SnapshotOptions) error {
	if o.MaxWAL == 0 {
		o.MaxWAL = defaultMaxWAL
	}
	if o.Report == nil {
		o.Report = func(Progress) {}
	}
	err := s.eng.snapshot(ctx, o)
	if err != nil {
		return errors.Join(err, removeIfThere(o.Path))
	}
	return nil
}

// Inspect looks for damage in the database; the error says what was found.
func (s *Store) Inspect(ctx context.Context) error { return s.eng.inspect(ctx) }

// FreeSpace gives the bytes that may still be written to the disk of a folder.
func FreeSpace(folder string) (int64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(folder, &stat); err != nil {
		return 0, fmt.Errorf("asking for the free space of %s: %w", folder, err)
	}
	return int64(stat.Bavail) * int64(stat.Bsize), nil //nolint:unconvert // the types differ between systems
}

// RequireSpace is KindUnavailable unless the disk of a folder has so many bytes left.
func RequireSpace(folder string, bytes int64) error {
	free, err := FreeSpace(folder)
	if err == nil && free < bytes {
		err = api.Errorf(api.KindUnavailable, "the disk of %s has %d MiB free and %d MiB are needed", folder, free>>20, bytes>>20+1)
	}
	return err
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
