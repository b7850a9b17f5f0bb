package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest/pgtest"
)

// The databases that are measured.
const (
	engineSQLite   = "sqlite"
	enginePostgres = "postgres"
)

// engine is a kind of database, with its data sets at hand.
type engine struct {
	name     string
	sets     string         // folder of the data sets
	work     string         // folder of this run, on a disk that keeps what was synced
	postgres *pgtest.Server // nil for SQLite
	opened   int
}

// openEngine makes the data sets unless an earlier run did.
func openEngine(ctx context.Context, name, cache, work string) (*engine, error) {
	e := &engine{name: name, work: work}
	var err error
	if e.sets, err = dataSets(ctx, name, cache, work); err != nil || name == engineSQLite {
		return e, err
	}
	// As an installation has it: every commit is synced.
	e.postgres, err = pgtest.New(ctx, pgtest.Options{Durability: pgtest.Durable, Data: e.sets})
	return e, err
}

func (e *engine) close() error {
	if e.postgres == nil {
		return nil
	}
	return e.postgres.Close()
}

// database is a data set for one server to use up.
type database struct {
	engine *engine
	folder string // the server's data folder
	name   string // in PostgreSQL
	at     int64  // until when the data were used, by the clock of their server
}

// open gives a fresh copy of a data set.
func (e *engine) open(ctx context.Context, set dataSet) (*database, error) {
	e.opened++
	d := &database{engine: e, at: made, name: fmt.Sprintf("%s_%d", set.name, e.opened)}
	d.folder = filepath.Join(e.work, e.name+"_"+d.name)
	if err := os.Mkdir(d.folder, 0o700); err != nil {
		return nil, err
	}
	if e.postgres != nil {
		return d, e.postgres.Create(ctx, d.name, set.name)
	}
	return d, copyFile(filepath.Join(e.sets, set.name+".db"), filepath.Join(d.folder, store.StateFile))
}

func (d *database) url() string {
	if d.engine.postgres == nil {
		return ""
	}
	return d.engine.postgres.URL(d.name)
}

// remove gives the space back.
func (d *database) remove() error {
	err := os.RemoveAll(d.folder)
	if p := d.engine.postgres; p != nil {
		err = errors.Join(err, p.Drop(d.name))
	}
	return err
}

// look opens the database beside its server, to see what that has committed.
func (d *database) look() (*sql.DB, error) {
	if url := d.url(); url != "" {
		return sql.Open("pgx", url)
	}
	return openFile(filepath.Join(d.folder, store.StateFile), "mode=ro", "_pragma=busy_timeout(10000)")
}

func openFile(path string, params ...string) (*sql.DB, error) {
	return sql.Open("sqlite", "file:"+path+"?"+strings.Join(params, "&"))
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	// What is left to be written would disturb what is measured next.
	return errors.Join(err, out.Sync(), out.Close())
}
