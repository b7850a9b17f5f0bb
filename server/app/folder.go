package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/config"
	"watchkeeper/server/store"
)

// restoringFile is in the data folder while what it holds is being replaced by what a backup holds.
const restoringFile = "restore.unfinished"

// folderLock keeps the data folder for one program that needs it alone. Close gives it back.
type folderLock struct{ file *os.File }

func (l folderLock) Close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

// lockFolder makes the data folder, and keeps other servers from it where SQLite is in it. Where another has it the error
// is store.ErrInUse.
func lockFolder(c config.Config) (folderLock, error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return folderLock{}, fmt.Errorf("making the data folder (setting data): %w", err)
	}
	if c.Database != "" {
		return folderLock{}, nil
	}
	file, err := store.LockFolder(c.Data)
	return folderLock{file}, err
}

// inUse says what to do about a data folder that another has.
func inUse(c config.Config, err error, orElse string) error {
	if errors.Is(err, store.ErrInUse) {
		return api.Errorf(api.KindConflict, "a server runs on the data folder %s: stop it first%s", c.Data, orElse)
	}
	return err
}

// refuseHalfRestored is KindConflict for a folder in which a restore was interrupted: a server would begin anew in it.
func refuseHalfRestored(c config.Config) error {
	switch _, err := os.Stat(filepath.Join(c.Data, restoringFile)); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	return api.Errorf(api.KindConflict, "a restore into the data folder %s was interrupted: run it again", c.Data)
}

// alone runs something that needs the database without a server on it, which would otherwise be KindConflict. orElse is
// what may be done then beside stopping it.
func alone(ctx context.Context, o DatabaseOptions, orElse string, do func(*Database) error) (err error) {
	lock, err := lockFolder(o.Config)
	if err != nil {
		return inUse(o.Config, err, orElse)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := refuseHalfRestored(o.Config); err != nil {
		return err
	}
	d, err := openDatabase(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.refuseWhileServed(ctx, orElse); err != nil {
		return err
	}
	return do(d)
}

// refuseWhileServed looks for fresh marks of servers. The folder's lock tells of those on SQLite before.
func (d *Database) refuseWhileServed(ctx context.Context, orElse string) error {
	version, _, err := d.store.Schema(ctx)
	if err != nil || version == 0 || d.store.Engine() == store.SQLite {
		return err
	}
	servers, err := d.serving(ctx)
	if err != nil {
		return err
	}
	if len(servers) > 0 {
		return api.Errorf(api.KindConflict, "servers run on this database (%s): stop them first%s", strings.Join(servers, ", "), orElse)
	}
	return nil
}

// lookForMark is how often serving looks whether a server has marked its life anew, which each does once a second.
const lookForMark = 200 * time.Millisecond

// serving gives the names of the servers that run on the database. A fresh mark alone is none: that of a server that has
// just ended stays, and is waited for to grow old.
func (d *Database) serving(ctx context.Context) ([]string, error) {
	first, err := d.store.Servers.LastAlive(ctx)
	if err != nil {
		return nil, err
	}
	timer := d.clock.NewTimer(store.Recent + time.Second) // a mark may be in the future
	defer timer.Stop()
	for {
		last, err := d.store.Servers.LastAlive(ctx)
		if err != nil {
			return nil, err
		}
		names, err := d.store.Servers.OthersAlive(ctx)
		if err != nil || len(names) == 0 || last > first {
			return names, err
		}
		look := d.clock.NewTimer(lookForMark)
		select {
		case <-ctx.Done():
			look.Stop()
			return nil, ctx.Err()
		case <-timer.C():
			look.Stop()
			return names, nil
		case <-look.C():
		}
	}
}
