package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pressly/goose/v3"

	"watchkeeper/api"
)

func (e *sqliteEngine) tables(ctx context.Context, s session) ([]table, error) {
	rows, err := collect(ctx, s, scanCatalogueRow, `select t.name, c.name, case c.type when 'INTEGER' then 'bigint' when 'TEXT' then 'text'
			when 'BLOB' then 'bytea' else c.type end, c.pk
		from sqlite_schema t join pragma_table_info(t.name) c
		where t.type = 'table' and t.sql not like 'create virtual%' and t.name not like 'sqlite\_%' escape '\' and t.name <> $1
		order by t.name, c.cid`, goose.DefaultTablename)
	return groupColumns(rows), err
}

func (e *sqliteEngine) counter(ctx context.Context, s session, table, column string) (last int64, counts bool, err error) {
	last, err = one(ctx, s, scanOne[int64], `select coalesce((select seq from sqlite_sequence where name = t.name), 0)
		from sqlite_schema t join pragma_table_info(t.name) c where t.type = 'table' and t.name = $1 and c.name = $2 and c.pk = 1
		and t.sql like '%autoincrement%'`, table, column)
	if errors.Is(err, errNoRow) {
		return 0, false, nil
	}
	return last, err == nil, err
}

func (e *sqliteEngine) setCounter(ctx context.Context, s session, table, _ string, last int64) error {
	n, err := s.exec(ctx, "update sqlite_sequence set seq = $2 where name = $1", table, last)
	if err == nil && n == 0 {
		_, err = s.exec(ctx, "insert into sqlite_sequence (name, seq) values ($1, $2)", table, last)
	}
	return err
}

func (e *sqliteEngine) given() string { return "" }

// snapshot reads the database in one transaction of a connection of its own, so that nobody who writes has to wait. The
// copy has no gaps of deleted rows, and its indexes are copied, not made anew.
func (e *sqliteEngine) snapshot(ctx context.Context, o SnapshotOptions) (err error) {
	size, err := e.size(ctx)
	if err != nil {
		return err
	}
	if err := RequireSpace(filepath.Dir(o.Path), size); err != nil {
		return err
	}
	if _, err := makePrivate(o.Path); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", sqliteURL(e.path, []string{"busy_timeout(10000)", "cache_size(-16384)"}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		e.watchSnapshot(ctx, o, size, cancel)
	}()
	_, err = db.ExecContext(ctx, "vacuum into $1", o.Path)
	if cause := context.Cause(ctx); cause != nil {
		err = cause // the statement only says that it was interrupted
	}
	cancel(nil)
	<-watched
	if err != nil {
		return fmt.Errorf("copying the database: %w", err)
	}
	return syncFile(o.Path)
}

const watchSnapshotEvery = 100 * time.Millisecond

// watchSnapshot tells how far the copy is, and ends it when the log beside the database grows too large: nothing of it
// can be given back while the copy is read.
func (e *sqliteEngine) watchSnapshot(ctx context.Context, o SnapshotOptions, size int64, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(watchSnapshotEvery)
	defer tick.Stop()
	for {
		if log := fileSize(e.path + "-wal"); log > o.MaxWAL {
			cancel(api.Errorf(api.KindUnavailable, "so much was written meanwhile that the log of the database has %d MiB: try when "+
				"less is going on", log>>20))
			return
		}
		o.Report(Progress{Step: "copying the database", Done: min(fileSize(o.Path), size), Total: size})
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// keepCopy goes on with the copy of a migration that was interrupted: the database is no longer what it was before.
func (e *sqliteEngine) keepCopy(ctx context.Context, schema int64, report func(Progress)) (finish func() error, err error) {
	kept := e.path + ".before-" + strconv.FormatInt(schema, 10)
	underWay := kept + ".unfinished"
	if _, err := os.Stat(underWay); errors.Is(err, os.ErrNotExist) {
		draft := kept + ".copying"
		if err := removeIfThere(draft); err != nil {
			return nil, err
		}
		if err := e.snapshot(ctx, SnapshotOptions{Path: draft, MaxWAL: defaultMaxWAL, Report: report}); err != nil {
			return nil, errors.Join(fmt.Errorf("before a migration the database is copied: %w", err), removeIfThere(draft))
		}
		if err := os.Rename(draft, underWay); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	return func() error {
		earlier, err := filepath.Glob(e.path + ".before-*")
		if err != nil {
			return err
		}
		for _, path := range earlier {
			if path != underWay {
				err = errors.Join(err, removeIfThere(path))
			}
		}
		return errors.Join(err, os.Rename(underWay, kept))
	}, nil
}

func (e *sqliteEngine) inspect(ctx context.Context) error {
	rows, err := e.reader.QueryContext(ctx, "pragma integrity_check(10)")
	if err != nil {
		return fmt.Errorf("checking the database: %w", err)
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return fmt.Errorf("checking the database: %w", err)
		}
		if line != "ok" {
			found = append(found, line)
		}
	}
	if len(found) > 0 {
		return api.Errorf(api.KindInternal, "the database is damaged: %s", strings.Join(found, "; "))
	}
	return rows.Err()
}

// fileSize gives the bytes of a file, 0 for none.
func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// syncFile puts a file and its name on the disk.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing %s to the disk: %w", path, err)
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
