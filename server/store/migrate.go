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

// Migration is a step of the schema and whether the database has taken it.
type Migration struct {
	Version int64
	Name    string
	Applied bool
}

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
}

func (e *SchemaError) Error() string {
	if e.Database > e.Program {
		return fmt.Sprintf("the database has schema %d and this program knows %d: use the release that wrote it, or a newer one", e.Database, e.Program)
	}
	return fmt.Sprintf("the database has schema %d and this program needs %d: run `watchkeeper migrate`, or serve without --migrate=off", e.Database, e.Program)
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
		return &SchemaError{Database: database, Program: program}
	}
	return nil
}

// Migrate takes the steps that the database lacks, each in a transaction, while no other program does the same, and
// gives their names. It refuses a database that is newer than the program.
func (s *Store) Migrate(ctx context.Context) ([]string, error) {
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
		return nil, &SchemaError{Database: database, Program: program}
	}
	m, err := s.eng.migrator()
	if err != nil {
		return nil, err
	}
	defer m.close(s.eng)
	results, err := m.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrating: %w", err)
	}
	var done []string
	for _, r := range results {
		done = append(done, r.Source.Path)
	}
	return done, s.Prepare(ctx)
}

// Migrations lists the steps and which of them the database has taken.
func (s *Store) Migrations(ctx context.Context) ([]Migration, error) {
	m, err := s.eng.migrator()
	if err != nil {
		return nil, err
	}
	defer m.close(s.eng)
	status, err := m.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading migrations: %w", err)
	}
	var out []Migration
	for _, st := range status {
		out = append(out, Migration{Version: st.Source.Version, Name: st.Source.Path, Applied: st.State == goose.StateApplied})
	}
	return out, nil
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
