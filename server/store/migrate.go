package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"watchkeeper/api"
)

type migrator struct{ *goose.Provider }

func newMigrator(dialect goose.Dialect, db *sql.DB, files fs.FS, folder string) (migrator, error) {
	sub, err := fs.Sub(files, folder)
	if err != nil {
		return migrator{}, err
	}
	p, err := goose.NewProvider(dialect, db, sub, goose.WithDisableGlobalRegistry(true), goose.WithAllowOutofOrder(false))
	if err != nil {
		return migrator{}, fmt.Errorf("reading migrations: %w", err)
	}
	return migrator{p}, nil
}

// SchemaError says that the schema of the database does not fit this program.
type SchemaError struct {
	Database, Program int64
	Release           string // of the program that served the database last, where that is known
}

func (e *SchemaError) Error() string {
	if e.Database <= e.Program {
		return fmt.Sprintf("the database has schema %d and this program needs %d: run `watchkeeper migrate`, or serve without --migrate=off", e.Database, e.Program)
	}
	release := "the release that wrote it"
	if e.Release != "" {
		release = "watchkeeper " + e.Release
	}
	return fmt.Sprintf("the database has schema %d and this program knows %d: use %s, or a newer one", e.Database, e.Program, release)
}

// Schema gives the version of the schema in the database and the one that this program was made for.
func (s *Store) Schema(ctx context.Context) (database, program int64, err error) {
	m, err := s.eng.migrator()
	if err != nil {
		return 0, 0, err
	}
	defer m.close(s.eng)
	current, err := m.GetDBVersion(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("reading the schema version: %w", err)
	}
	sources := m.ListSources()
	return current, sources[len(sources)-1].Version, nil
}

// CheckSchema gives a *SchemaError unless the database has exactly the schema of this program.
func (s *Store) CheckSchema(ctx context.Context) error {
	database, program, err := s.Schema(ctx)
	if err != nil {
		return err
	}
	if database != program {
		return s.misfit(ctx, database, program)
	}
	return nil
}

// misfit says which release fits, as far as the database tells.
func (s *Store) misfit(ctx context.Context, database, program int64) error {
	e := &SchemaError{Database: database, Program: program}
	err := s.read(ctx, func(tx *Tx) (err error) {
		e.Release, err = one(ctx, tx, scanOne[string], "select version from server order by seen_at desc limit 1")
		return err
	})
	if err != nil {
		e.Release = "" // a database that is so much newer has no such table any more
	}
	return e
}

// MigrateOptions say how a database is brought up to date.
type MigrateOptions struct {
	// Copy keeps a copy of an SQLite database beside it before it is changed. It has the name of the file with .before-
	// and the number of the schema that follows; when that is reached, those of earlier migrations are removed.
	Copy   bool
	Report func(Progress) // may be nil
}

// Migrate takes the steps that the database lacks, each in a transaction, while no other program does the same, and
// gives their names. What was interrupted goes on with the step that it had come to. It refuses a database that is newer
// than the program.
func (s *Store) Migrate(ctx context.Context, o MigrateOptions) ([]string, error) {
	if o.Report == nil {
		o.Report = func(Progress) {}
	}
	o.Report(Progress{Step: "waiting for others that migrate the database"})
	release, err := s.eng.exclusive(ctx)
	if err != nil {
		return nil, fmt.Errorf("waiting for others that migrate: %w", err)
	}
	defer release()
	database, program, err := s.Schema(ctx)
	if err != nil {
		return nil, err
	}
	if database > program {
		return nil, s.misfit(ctx, database, program)
	}
	if database == program {
		return nil, s.Prepare(ctx)
	}
	finish := func() error { return nil }
	if o.Copy && database > 0 {
		if finish, err = s.eng.keepCopy(ctx, program, o.Report); err != nil {
			return nil, err
		}
	}
	done, err := s.takeSteps(ctx, database, o.Report)
	if err == nil {
		err = s.Prepare(ctx)
	}
	if err == nil {
		err = finish()
	}
	return done, err
}

// takeSteps takes all steps behind the one that the database has.
func (s *Store) takeSteps(ctx context.Context, database int64, report func(Progress)) ([]string, error) {
	m, err := s.eng.migrator()
	if err != nil {
		return nil, err
	}
	defer m.close(s.eng)
	var missing []*goose.Source
	for _, source := range m.ListSources() {
		if source.Version > database {
			missing = append(missing, source)
		}
	}
	var done []string
	for i, source := range missing {
		report(Progress{Step: "migrating the database, " + source.Path, Done: int64(i), Total: int64(len(missing))})
		if _, err := m.UpByOne(ctx); err != nil {
			return done, fmt.Errorf("migrating: %w", err)
		}
		done = append(done, source.Path)
	}
	return done, nil
}

// Prepare makes what must exist ahead of time, such as the partitions of the coming months. It may be repeated.
func (s *Store) Prepare(ctx context.Context) error {
	return s.write(ctx, useGeneral, func(tx *Tx) error { return s.eng.prepare(ctx, tx.session, tx.now) })
}

// close gives back what the migrator opened for itself; SQLite's connections belong to the engine.
func (m migrator) close(e engine) {
	if e.kind() == Postgres {
		_ = m.Close()
	}
}

var errStoreClosed = errors.New("the store is closed")

// unavailable is the answer while the database cannot be written.
func unavailable(cause error) error {
	return api.Wrap(api.KindUnavailable, cause, "the database is not available now, try again")
}
