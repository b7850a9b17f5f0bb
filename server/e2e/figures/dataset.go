package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"watchkeeper/migrations"
	"watchkeeper/server/clock"
	"watchkeeper/server/hub"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest/pgtest"
)

// dataSet is what a database holds before anything is measured.
type dataSet struct {
	name     string
	services int
}

var (
	emptySet = dataSet{"empty", 0}
	smallSet = dataSet{"small", 20_000}
	largeSet = dataSet{"large", 1_000_000}
)

// made is the moment at which all data sets were made, in milliseconds since 1970. Servers begin to live then, so that a
// data set from the cache does not look as if nobody had watched for days.
const made = 1_767_225_600_000

const (
	// Where all services want their alerts to go: a channel, whose target is a server of this program.
	alertType, alertTarget = "figures", "anybody"
	// nextIn is what services promise, in seconds: when all of a million pulse once in 200 s, as many deadlines come due
	// for another look as in an installation that is three times as patient as it needs to be.
	nextIn = 600
)

// fill makes services as they are in the midst of life: pulsed within the last 200 s, due 600 s later, with the moment at
// which the row is looked at next anywhere before that. Both engines understand it.
const fill = `
insert into service (id, name_key, name, slug, description, tags, host, next_in, cron, time_zone, grace, max_run, min_run,
	finish_within, alerts, manual_resume, created_at, updated_at, state, state_since, first_pulse, last_pulse, last_start,
	last_duration, expected, deadline, judge_at, stated_next_in, open_runs, alert_type, alert_target, plain)
with recursive numbers(n) as (select cast(0 as bigint) union all select n + 1 from numbers where n + 1 < %[1]d),
named as (
	select n, '01900000-0000-7000-8000-' || substr(cast(1000000000000 + n as text), 2) as id,
		'service-' || substr(cast(10000000 + n as text), 2) as name,
		%[2]d - n * 7919 %% 200000 as pulsed, %[2]d + 1000 + n * 104729 %% 390000 as judged
	from numbers)
select id, name, name, name, '', '[]', '', 0, '', '', 0, 0, 0,
	0, '[]', 0, %[2]d - 86400000, %[2]d - 86400000, 'up', %[2]d - 86400000, %[2]d - 86400000, pulsed, 0,
	0, pulsed + %[3]d000, pulsed + %[3]d000, judged, %[3]d, '[]', '%[4]s', '%[5]s', 1
from named order by n`

// dataSets gives the folder with the data sets of an engine, which are made when the schema has changed since they were.
func dataSets(ctx context.Context, engine, cache, work string) (string, error) {
	key, err := dataSetKey(ctx, engine)
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, "data-"+engine+"-"+key)
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	outdated, err := filepath.Glob(filepath.Join(cache, "data-"+engine+"-*"))
	if err != nil {
		return "", err
	}
	for _, old := range outdated {
		if err := os.RemoveAll(old); err != nil {
			return "", err
		}
	}
	fmt.Printf("making the data sets for %s, once\n", engine)
	fresh := filepath.Join(work, "data-"+engine)
	if engine == enginePostgres {
		err = makePostgresSets(ctx, fresh)
	} else {
		err = makeSQLiteSets(ctx, fresh)
	}
	if err != nil {
		return "", fmt.Errorf("making data sets: %w", err)
	}
	// Under its final name a data set is always whole.
	return folder, os.Rename(fresh, folder)
}

// dataSetKey changes with everything that data sets are made of.
func dataSetKey(ctx context.Context, engine string) (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, []any{fill, made, nextIn, alertType, alertTarget, smallSet, largeSet})
	files := migrations.SQLite
	if engine == enginePostgres {
		major, err := pgtest.Major(ctx)
		if err != nil {
			return "", err
		}
		files = migrations.Postgres
		fmt.Fprint(hash, major)
	}
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := files.ReadFile(path)
		hash.Write(content)
		return err
	})
	return fmt.Sprintf("%x", hash.Sum(nil)[:6]), err
}

func makeSQLiteSets(ctx context.Context, folder string) error {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	for _, set := range []dataSet{emptySet, smallSet, largeSet} {
		if err := migrate(ctx, folder, ""); err != nil {
			return err
		}
		file := filepath.Join(folder, store.StateFile)
		db, err := openFile(file, "_pragma=synchronous(off)")
		if err != nil {
			return err
		}
		// The last sentence moves everything into the file itself and leaves none beside it.
		if err := errors.Join(fillWith(ctx, db, set, "pragma journal_mode(delete)"), db.Close()); err != nil {
			return err
		}
		if err := os.Rename(file, filepath.Join(folder, set.name+".db")); err != nil {
			return err
		}
	}
	return nil
}

func makePostgresSets(ctx context.Context, folder string) (err error) {
	server, err := pgtest.New(ctx, pgtest.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	for _, set := range []dataSet{emptySet, smallSet, largeSet} {
		if err := server.Create(ctx, set.name, "template1"); err != nil {
			return err
		}
		if err := migrate(ctx, "", server.URL(set.name)); err != nil {
			return err
		}
		db, err := sql.Open("pgx", server.URL(set.name))
		if err != nil {
			return err
		}
		if err := errors.Join(fillWith(ctx, db, set, "vacuum analyze service"), db.Close()); err != nil {
			return err
		}
	}
	return server.Save(ctx, folder)
}

// migrate makes an empty database with our schema, as of the moment at which data sets are made.
func migrate(ctx context.Context, folder, url string) error {
	s, err := store.Open(ctx, store.Options{
		Folder: folder, Database: url, Hub: hub.New(), Clock: clock.NewManual(time.UnixMilli(made)), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	_, err = s.Migrate(ctx, store.MigrateOptions{})
	return errors.Join(err, s.Close())
}

func fillWith(ctx context.Context, db *sql.DB, set dataSet, after string) error {
	if set.services > 0 {
		if _, err := db.ExecContext(ctx, fmt.Sprintf(fill, set.services, made, nextIn, alertType, alertTarget)); err != nil {
			return err
		}
	}
	_, err := db.ExecContext(ctx, after)
	return err
}
