package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"watchkeeper/api"
	"watchkeeper/server/auth"
	"watchkeeper/server/backup"
	"watchkeeper/server/store"
)

// Progress is how far a long piece of work has come.
type Progress = store.Progress

// Manifest says what a backup is of.
type Manifest = backup.Manifest

// BackupOptions say what is backed up and where to.
type BackupOptions struct {
	DatabaseOptions
	Version       string
	Path          string    // the file to make or replace
	Out           io.Writer // where the archive goes if there is no Path
	WithoutSecret bool
	Report        func(Progress) // may be nil
	MaxWAL        int64          // see store.SnapshotOptions
}

// Backup writes a backup of a server that may run meanwhile, reads it again as a check, and gives what it is of.
func Backup(ctx context.Context, o BackupOptions) (m Manifest, err error) {
	if o.Report == nil {
		o.Report = func(Progress) {}
	}
	d, err := OpenDatabase(ctx, o.DatabaseOptions)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	beside := o.Config.Data
	if o.Path != "" {
		beside = filepath.Dir(o.Path)
	}
	work, err := openWork(beside, backupWork)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, work.Close()) }()
	contents, m, err := d.gather(ctx, o, work.path)
	if err != nil {
		return m, err
	}
	pack := func(w io.Writer) error {
		return backup.Write(ctx, w, &m, contents, reporting(o.Report, "packing"))
	}
	if o.Path == "" {
		err = pack(o.Out)
		return m, err
	}
	err = backup.WriteFile(o.Path, work.path, func(w io.Writer) error {
		if err := pack(w); err != nil {
			return err
		}
		file, ok := w.(io.ReadSeeker)
		if !ok {
			return errors.New("the file cannot be read again")
		}
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		_, err := CheckBackup(ctx, file, o.Report)
		return err
	})
	return m, err
}

// reporting makes a report of one step of the work.
func reporting(report func(Progress), name string) func(done, total int64) {
	return func(done, total int64) { report(Progress{Step: name, Done: done, Total: total}) }
}

// gather copies what belongs into the backup into a folder or into memory.
func (d *Database) gather(ctx context.Context, o BackupOptions, work string) ([]backup.Content, Manifest, error) {
	m := Manifest{Version: o.Version, Engine: string(d.store.Engine()), Created: api.TimeOf(d.clock.Now())}
	var contents []backup.Content
	if !o.WithoutSecret {
		held, err := d.secret(ctx)
		if err != nil {
			return nil, m, api.Errorf(api.KindUnavailable, "%s\nA backup without the secret: --without-secret", err)
		}
		contents = append(contents, backup.Content{Name: backup.SecretFile, Text: []byte(held.text + "\n")})
		if o.Loaded != nil && o.Loaded.File != "" {
			contents = append(contents, backup.Content{Name: backup.ConfigFile, Path: o.Loaded.File})
		}
	}
	contents = append(contents, backup.Content{Name: backup.SettingsFile, Text: d.shownSettings()})
	if d.store.Engine() == store.Postgres {
		return contents, m, d.describe(ctx, d.store, &m)
	}
	path := filepath.Join(work, store.StateFile)
	if err := d.copyState(ctx, o, path); err != nil {
		return nil, m, err
	}
	o.Report(Progress{Step: "checking the copy"})
	if err := withCopy(ctx, d.options, work, func(copied *store.Store) error {
		if err := copied.Inspect(ctx); err != nil {
			return err
		}
		return d.describe(ctx, copied, &m)
	}); err != nil {
		return nil, m, err
	}
	return append(contents, backup.Content{Name: backup.StateFile, Path: path}), m, nil
}

// copyState copies the database, if there is room for the copy and for the archive, which is smaller.
func (d *Database) copyState(ctx context.Context, o BackupOptions, path string) error {
	size, err := d.store.Size(ctx)
	if err != nil {
		return err
	}
	if err := store.RequireSpace(filepath.Dir(path), size+size/2); err != nil {
		return err
	}
	return d.store.Snapshot(ctx, store.SnapshotOptions{Path: path, MaxWAL: o.MaxWAL, Report: o.Report})
}

// describe fills in what the manifest says of a database.
func (d *Database) describe(ctx context.Context, s *store.Store, m *Manifest) error {
	var err error
	if m.Schema, _, err = s.Schema(ctx); err != nil {
		return err
	}
	if m.Rows, err = s.Census(ctx); err != nil {
		return err
	}
	install, err := auth.OpenInstallation(ctx, s.Settings)
	m.Installation, m.Generation = install.ID, install.Generation
	return err
}

// withCopy opens the SQLite database in a folder that is nobody's yet.
func withCopy(ctx context.Context, o DatabaseOptions, folder string, do func(*store.Store) error) (err error) {
	o.Config.Data, o.Config.Database = folder, ""
	d, err := openDatabase(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return do(d.store)
}

// shownSettings is what each setting is and where that came from, for whoever sets the server up again elsewhere.
func (d *Database) shownSettings() []byte {
	var b strings.Builder
	if d.options.Loaded == nil {
		return nil
	}
	for _, s := range d.options.Loaded.Explain() {
		fmt.Fprintf(&b, "%s = %s\t# %s\n", s.Key, s.Value, s.Source)
	}
	return []byte(b.String())
}

// CheckBackup reads a backup from its beginning to its end and compares everything with its manifest.
func CheckBackup(ctx context.Context, r io.Reader, report func(Progress)) (Manifest, error) {
	a, err := backup.Open(r)
	if err != nil {
		return Manifest{}, err
	}
	defer a.Close()
	return a.Manifest, a.Extract(ctx, "", reporting(report, "checking the backup"))
}

// DumpLine is the command that copies a PostgreSQL database; it asks for the password where one is needed.
func DumpLine(database string) string {
	if u, err := url.Parse(database); err == nil && u.User != nil {
		u.User = url.User(u.User.Username())
		database = u.String()
	}
	return "pg_dump --format=custom --file=watchkeeper.dump '" + strings.ReplaceAll(database, "'", `'\''`) + "'"
}
