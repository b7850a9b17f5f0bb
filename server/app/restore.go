package app

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/auth"
	"watchkeeper/server/backup"
	"watchkeeper/server/store"
)

// RestoreOptions say what is restored and where to.
type RestoreOptions struct {
	DatabaseOptions
	Backup io.Reader
	// Agree is asked before anything is changed, with what the restore is going to do; an error ends it. It may be nil.
	Agree  func(RestorePlan) error
	Report func(Progress) // may be nil
}

// RestorePlan is what a restore is going to do. The backup has been checked.
type RestorePlan struct {
	Backup   Manifest
	Folder   string
	Replaces []string // files of the data folder, by name, that are moved aside
}

// Restoration is what a restore did.
type Restoration struct {
	store.Restored
	Backup     Manifest
	Generation int64
	Aside      string // the folder that holds what was replaced; empty where there was nothing
}

// restoredFiles are the beginnings of the names of files that belong to what is replaced: a database with its log, what
// is derived from it, and what is sealed with its secret.
var restoredFiles = []string{store.StateFile, "metrics.db", store.SearchFile, "server.sealed", "ca.pem"}

// Restore puts what a backup holds into the data folder, in place of what is there, which is moved aside. Everything that
// may fail is done beside it before.
func Restore(ctx context.Context, o RestoreOptions) (out Restoration, err error) {
	if o.Report == nil {
		o.Report = func(Progress) {}
	}
	archive, err := backup.Open(o.Backup)
	if err != nil {
		return out, err
	}
	defer archive.Close()
	out.Backup = archive.Manifest
	switch {
	case archive.Manifest.Engine != string(store.SQLite):
		return out, api.Errorf(api.KindInvalid, "this backup is of a PostgreSQL database and holds its secret and settings only: restore the "+
			"database with pg_restore, then run: watchkeeper restore --mark")
	case o.Config.Database != "":
		return out, api.Errorf(api.KindInvalid, "this backup holds an SQLite database: restore it into a data folder with --data, and move it to "+
			"PostgreSQL with: watchkeeper copy --to URL")
	}
	lock, err := lockFolder(o.Config)
	if err != nil {
		return out, inUse(o.Config, err, "")
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	work, err := openWork(o.Config.Data, restoreWork)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, work.Close()) }()
	err = o.run(ctx, archive, work.path, &out)
	return out, err
}

func (o RestoreOptions) run(ctx context.Context, archive *backup.Archive, work string, out *Restoration) error {
	var size int64
	for _, f := range archive.Manifest.Files {
		size += f.Size
	}
	if err := store.RequireSpace(work, size); err != nil {
		return err
	}
	if err := archive.Extract(ctx, work, reporting(o.Report, "unpacking")); err != nil {
		return err
	}
	present, generation, err := o.present(ctx)
	if err != nil {
		return err
	}
	if err := withCopy(ctx, o.DatabaseOptions, work, func(s *store.Store) error {
		return o.ready(ctx, s, archive.Manifest, work, generation, out)
	}); err != nil {
		return err
	}
	switch {
	case !archive.Manifest.Has(backup.SecretFile):
	case o.Config.Secret != "": // which is the same, or checkSecret would have refused it
		if err := os.Remove(filepath.Join(work, backup.SecretFile)); err != nil {
			return err
		}
	default:
		present = append(present, existing(o.Config.Data, backup.SecretFile)...)
	}
	if o.Agree != nil {
		if err := o.Agree(RestorePlan{Backup: archive.Manifest, Folder: o.Config.Data, Replaces: present}); err != nil {
			return err
		}
	}
	out.Aside, err = exchange(o.Config.Data, work, present)
	return err
}

// ready checks the database that came out of the backup, brings it up to date and applies the rules to it.
func (o RestoreOptions) ready(ctx context.Context, s *store.Store, m Manifest, work string, generation int64, out *Restoration) error {
	o.Report(Progress{Step: "checking the database"})
	if err := s.Inspect(ctx); err != nil {
		return err
	}
	counts, err := s.Census(ctx)
	if err != nil {
		return err
	}
	if names := counts.Differences(m.Rows); names != "" {
		return api.Errorf(api.KindInvalid, "the tables %s do not have as many rows as the backup says", names)
	}
	held, err := o.secretOf(ctx, s, m, work)
	if err != nil {
		return err
	}
	o.Report(Progress{Step: "bringing the database up to date"})
	if _, err := s.Migrate(ctx, store.MigrateOptions{}); err != nil {
		return schemaRefusal(err)
	}
	s.Audit.Unlock(held.key)
	out.Restored, out.Generation, err = mark(ctx, s, generation)
	return err
}

// secretOf gives the secret with which the database was sealed. One that could not be opened afterwards is refused.
func (o RestoreOptions) secretOf(ctx context.Context, s *store.Store, m Manifest, work string) (theSecret, error) {
	c := o.Config
	if c.Secret == "" && m.Has(backup.SecretFile) {
		c.Data = work
	}
	held, err := readSecret(c)
	if err == nil {
		err = auth.CheckSecret(ctx, s.Settings, held.key)
	}
	if err != nil {
		return held, api.Errorf(api.KindConflict, "the backup cannot be used without the secret that sealed it: %s", err)
	}
	return held, nil
}

// present gives the files that are there and must give way, and the generation of the database among them, 0 where there
// is none that can be read.
func (o RestoreOptions) present(ctx context.Context) (names []string, generation int64, err error) {
	for _, prefix := range restoredFiles {
		names = append(names, existing(o.Config.Data, prefix)...)
	}
	if len(existing(o.Config.Data, store.StateFile)) == 0 {
		return names, 0, nil
	}
	// What is there may be the very damage that the backup is to heal.
	err = withCopy(ctx, o.DatabaseOptions, o.Config.Data, func(s *store.Store) error {
		install, err := auth.OpenInstallation(ctx, s.Settings)
		generation = install.Generation
		return err
	})
	if err != nil {
		return names, 0, ctx.Err()
	}
	for _, prefix := range restoredFiles { // opening it may have made or removed files beside it
		names = append(names, existing(o.Config.Data, prefix)...)
	}
	slices.Sort(names)
	return slices.Compact(names), generation, nil
}

// mark applies the rules for a restored database.
func mark(ctx context.Context, s *store.Store, atLeast int64) (store.Restored, int64, error) {
	install, err := auth.OpenInstallation(ctx, s.Settings)
	if err != nil {
		return store.Restored{}, 0, err
	}
	now, err := s.Clock(ctx)
	if err != nil {
		return store.Restored{}, 0, err
	}
	next := install.Next(atLeast, now)
	restored, err := s.MarkRestored(ctx, next.Settings())
	return restored, next.Generation, err
}

// MarkRestored applies the rules of a restore to a database that was restored by other means.
func MarkRestored(ctx context.Context, o DatabaseOptions) (out Restoration, err error) {
	err = alone(ctx, o, "", func(d *Database) error {
		if version, _, err := d.store.Schema(ctx); err != nil || version == 0 {
			return errors.Join(err, d.checkSchema(ctx))
		}
		if _, err := d.store.Migrate(ctx, store.MigrateOptions{}); err != nil {
			return schemaRefusal(err)
		}
		if err := d.Unlock(ctx); err != nil {
			return err
		}
		out.Restored, out.Generation, err = mark(ctx, d.store, 0)
		return err
	})
	return out, err
}

// schemaRefusal lets a schema that is newer than the program be refused as such.
func schemaRefusal(err error) error {
	if errors.As(err, new(*store.SchemaError)) {
		return api.Errorf(api.KindUnavailable, "%s", err)
	}
	return err
}

func existing(folder, prefix string) []string {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names
}

// exchange moves files of the folder aside and those of work into their place, or leaves everything as it was. While it
// does so a file says that it is not done, so that after a crash no server begins with half of it.
func exchange(folder, work string, replaced []string) (aside string, err error) {
	unfinished := filepath.Join(folder, restoringFile)
	if err := backup.WriteFile(unfinished, work, func(io.Writer) error { return nil }); err != nil {
		return "", err
	}
	var moved []renamed
	defer func() {
		if err == nil {
			err = errors.Join(backup.SyncFolder(folder), os.Remove(unfinished), backup.SyncFolder(folder))
			return
		}
		for _, m := range slices.Backward(moved) {
			err = errors.Join(err, os.Rename(m.to, m.from))
		}
		err = errors.Join(err, os.Remove(unfinished))
	}()
	if len(replaced) > 0 {
		aside = filepath.Join(folder, "replaced-"+time.Now().UTC().Format("20060102T150405.000Z"))
		if err := os.Mkdir(aside, 0o700); err != nil {
			return "", err
		}
	}
	moves := each(replaced, func(name string) renamed { return renamed{filepath.Join(folder, name), filepath.Join(aside, name)} })
	for _, prefix := range []string{store.StateFile, backup.SecretFile} {
		moves = append(moves, each(existing(work, prefix), func(name string) renamed {
			return renamed{filepath.Join(work, name), filepath.Join(folder, name)}
		})...)
	}
	for _, m := range moves {
		if err := os.Rename(m.from, m.to); err != nil {
			return "", err
		}
		moved = append(moved, m)
	}
	return aside, nil
}

type renamed struct{ from, to string }

func each[T, V any](list []T, value func(T) V) []V {
	out := make([]V, len(list))
	for i, v := range list {
		out[i] = value(v)
	}
	return out
}
