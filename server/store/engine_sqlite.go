package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"watchkeeper/api"
	"watchkeeper/migrations"
)

// StateFile is the name of the SQLite file, in the data folder, that holds all state and events.
const StateFile = "watchkeeper.db"

// SearchFile is the name of the SQLite file that holds the index of texts. It has its own writer, so that nobody waits for
// the index, and can be made anew.
const SearchFile = "search.db"

// newPragmas come before all others, and to a file without content only: auto_vacuum is silently ignored once a table
// exists or the file is in WAL mode, and yet it writes, so that on a full disk no command could look at the database.
var newPragmas = []string{"auto_vacuum(incremental)"}

var (
	writerPragmas = []string{
		"busy_timeout(10000)", "journal_mode(wal)", "synchronous(full)", "foreign_keys(1)",
		"wal_autocheckpoint(4000)", "journal_size_limit(67108864)", "cache_size(-65536)", "temp_store(memory)",
	}
	// What can be made anew need not be on the disk when a transaction ends. The last of a name wins.
	indexPragmas  = append(slices.Clone(writerPragmas), "synchronous(normal)", "cache_size(-16384)")
	readerPragmas = []string{"busy_timeout(10000)", "cache_size(-16384)", "temp_store(memory)", "query_only(1)"}
)

const sqliteReaders = 6

// sqliteEngine has one connection that writes and a few that read. SQLite lets only one write at a time, so those who
// write queue here instead of in its busy loop.
type sqliteEngine struct {
	path   string
	writer *sql.DB
	reader *sql.DB
	wake   func()

	turn      turns // of the transaction that writes
	conn      *sqliteConn
	readTurns chan *sqliteConn
}

func openSQLite(ctx context.Context, path string, pragmas []string, wake func()) (*sqliteEngine, error) {
	e := &sqliteEngine{path: path, wake: wake}
	empty, err := makePrivate(e.path)
	if err != nil {
		return nil, err
	}
	if empty {
		pragmas = slices.Concat(newPragmas, pragmas)
	}
	if e.writer, err = sql.Open("sqlite", sqliteURL(e.path, pragmas)); err != nil {
		return nil, fmt.Errorf("opening %s: %w", e.path, err)
	}
	e.writer.SetMaxOpenConns(2) // the transactions', and one for migrations and looks at the file
	if err := e.writer.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening %s: %w", e.path, err), e.close())
	}
	if e.reader, err = sql.Open("sqlite", sqliteURL(e.path, readerPragmas, "mode=ro")); err != nil {
		return nil, errors.Join(err, e.close())
	}
	e.reader.SetMaxOpenConns(sqliteReaders + 2) // beside the transactions', one that watches and one that measures
	e.readTurns = make(chan *sqliteConn, sqliteReaders)
	for range sqliteReaders {
		e.readTurns <- nil // opened when first needed
	}
	return e, nil
}

// makePrivate makes the file, unless it is there, for nobody but its owner: ping URLs and targets stand in it as they are,
// and a folder that was there before us may be open to everybody. SQLite gives the files beside it the same mode. It
// reports whether the file is without content.
func makePrivate(path string) (empty bool, err error) {
	// Exclusively: closing a file that is there would give up the locks that this process has on it.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case err == nil:
		return true, f.Close()
	case errors.Is(err, fs.ErrExist):
		var info fs.FileInfo
		if info, err = os.Stat(path); err == nil {
			return info.Size() == 0, nil
		}
	}
	return false, fmt.Errorf("opening the database: %w", err)
}

func sqliteURL(path string, pragmas []string, params ...string) string {
	for _, p := range pragmas {
		params = append(params, "_pragma="+p)
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + strings.Join(params, "&")
}

func (e *sqliteEngine) kind() Engine { return SQLite }

// sqliteConn is a connection with the statements it has prepared.
type sqliteConn struct {
	*sql.Conn
	statements map[string]*sql.Stmt
}

func (c *sqliteConn) prepared(ctx context.Context, text string) (*sql.Stmt, error) {
	if s, ok := c.statements[text]; ok {
		return s, nil
	}
	// Prepared for as long as the connection lives, so not under the context of one caller.
	s, err := c.PrepareContext(context.WithoutCancel(ctx), text)
	if err != nil {
		return nil, err
	}
	c.statements[text] = s
	return s, nil
}

// Close gives the connection back to where it came from. database/sql does not end statements that were prepared on a
// connection taken out of its pool, and SQLite keeps the files open for as long as one is left.
func (c *sqliteConn) Close() error {
	return errors.Join(c.finalize(), c.Conn.Close())
}

// discard closes the connection for good: nobody knows what state it is in.
func (c *sqliteConn) discard() {
	_ = c.finalize()
	_ = c.Raw(func(any) error { return driver.ErrBadConn })
}

func (c *sqliteConn) finalize() error {
	if err := c.Raw(func(any) error { return nil }); err != nil {
		return err // closed already, and its statements must not be touched any more
	}
	var errs []error
	for _, s := range c.statements {
		errs = append(errs, s.Close())
	}
	clear(c.statements)
	return errors.Join(errs...)
}

func newSQLiteConn(ctx context.Context, db *sql.DB) (*sqliteConn, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &sqliteConn{Conn: c, statements: map[string]*sql.Stmt{}}, nil
}

func (e *sqliteEngine) begin(ctx context.Context, u use) (session, error) {
	if err := e.turn.take(ctx, u); err != nil {
		return nil, err
	}
	if e.conn == nil {
		c, err := newSQLiteConn(ctx, e.writer)
		if err != nil {
			e.turn.give()
			return nil, err
		}
		e.conn = c
	}
	s := &sqliteSession{conn: e.conn, release: func(healthy bool) {
		if !healthy {
			e.conn.discard()
			e.conn = nil
		}
		e.turn.give()
	}}
	return s, s.start(ctx, "begin immediate")
}

func (e *sqliteEngine) view(ctx context.Context) (session, error) {
	var c *sqliteConn
	select {
	case c = <-e.readTurns:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if c == nil {
		var err error
		if c, err = newSQLiteConn(ctx, e.reader); err != nil {
			e.readTurns <- nil
			return nil, err
		}
	}
	s := &sqliteSession{conn: c, release: func(healthy bool) {
		if !healthy {
			c.discard()
			c = nil
		}
		e.readTurns <- c
	}}
	return s, s.start(ctx, "begin")
}

// sqliteSession is a transaction on a connection that it has for itself.
type sqliteSession struct {
	conn    *sqliteConn
	release func(healthy bool)
	queued  []func(context.Context) error
	done    bool
}

// start runs the statement that opens the transaction and gives the connection back when that fails. A caller who gives
// up meanwhile must not cost the connection, whose cache is worth much.
func (s *sqliteSession) start(ctx context.Context, begin string) error {
	if _, err := s.exec(context.WithoutCancel(ctx), begin); err != nil {
		s.end(false)
		return err
	}
	return nil
}

func (s *sqliteSession) end(healthy bool) {
	if !s.done {
		s.done = true
		s.release(healthy)
	}
}

func (s *sqliteSession) exec(ctx context.Context, text string, args ...any) (int64, error) {
	st, err := s.conn.prepared(ctx, text)
	if err != nil {
		return 0, err
	}
	r, err := st.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (s *sqliteSession) query(ctx context.Context, text string, args ...any) (rows, error) {
	st, err := s.conn.prepared(ctx, text)
	if err != nil {
		return nil, err
	}
	r, err := st.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	return sqliteRows{r}, nil
}

func (s *sqliteSession) last(text string, args ...any) {
	s.queued = append(s.queued, func(ctx context.Context) error {
		_, err := s.exec(ctx, text, args...)
		return err
	})
}

func (s *sqliteSession) commit(ctx context.Context) error {
	for _, run := range s.queued {
		if err := run(ctx); err != nil {
			return err
		}
	}
	// Nobody's patience may interrupt a commit half way: its outcome would be unknown.
	if _, err := s.exec(context.WithoutCancel(ctx), "commit"); err != nil {
		return err
	}
	s.end(true)
	return nil
}

func (s *sqliteSession) rollback() {
	if s.done {
		return
	}
	_, err := s.exec(context.Background(), "rollback")
	// A failed statement may have rolled back by itself; then there is nothing left to do.
	s.end(err == nil || strings.Contains(err.Error(), "no transaction is active"))
}

// sqliteRows gives sql.Rows the Close of pgx.Rows; its error is also that of Err.
type sqliteRows struct{ *sql.Rows }

func (r sqliteRows) Close() { _ = r.Rows.Close() }

// relation reads a JSON array of rows: one parameter however many rows, so one prepared statement. jsonb_each parses
// each row once and not once for each column. The limit, which is none, keeps SQLite from merging the subquery into the
// statement, where it would take a column out of the JSON anew at every place that mentions it.
func (e *sqliteEngine) relation(first int, columns ...column) string {
	var b strings.Builder
	b.WriteString("(select ")
	for i, c := range columns {
		if i > 0 {
			b.WriteString(", ")
		}
		value := "value->>" + strconv.Itoa(i)
		if c.kind == blobColumn {
			value = "unhex(" + value + ")"
		}
		b.WriteString(value + " as " + c.name)
	}
	return b.String() + " from jsonb_each($" + strconv.Itoa(first) + ") limit -1)"
}

func (e *sqliteEngine) pack(columns ...any) []any {
	n := 0
	switch c := columns[0].(type) {
	case []string:
		n = len(c)
	case []int64:
		n = len(c)
	case [][]byte:
		n = len(c)
	}
	b := make([]byte, 0, n*len(columns)*16+2)
	b = append(b, '[')
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		for j, column := range columns {
			if j == 0 {
				b = append(b, '[')
			} else {
				b = append(b, ',')
			}
			switch c := column.(type) {
			case []string:
				b = appendJSON(b, c[i])
			case []int64:
				b = strconv.AppendInt(b, c[i], 10)
			case [][]byte:
				if c[i] == nil {
					b = append(b, "null"...)
				} else {
					b = append(hex.AppendEncode(append(b, '"'), c[i]), '"')
				}
			}
		}
		b = append(b, ']')
	}
	return []any{string(append(b, ']'))}
}

// byIndex has nothing to do: statements say in which order tables are read.
func (e *sqliteEngine) byIndex(context.Context, session) error { return nil }

// order has nothing to do: only one transaction writes at a time.
func (e *sqliteEngine) order(session, string) {}

func (e *sqliteEngine) orderNow(session, string) {}

func (e *sqliteEngine) insert(ctx context.Context, s session, sequence, statement string, args ...any) (i inserted, err error) {
	if i.rows, err = s.exec(ctx, statement, args...); err != nil {
		return i, err
	}
	i.last, err = e.drawn(ctx, s, sequence)
	return i, err
}

func (e *sqliteEngine) drawn(ctx context.Context, s session, sequence string) (int64, error) {
	return one(ctx, s, scanOne[int64], "select coalesce(max(seq), 0) from sqlite_sequence where name = $1", sequence)
}

// lockRows has nothing to add: whoever writes has the whole file.
func (e *sqliteEngine) lockRows(lock) string { return "" }

// exclusive takes a lock on a file beside the database.
func (e *sqliteEngine) exclusive(ctx context.Context) (func(), error) {
	f, err := lockFile(ctx, filepath.Join(filepath.Dir(e.path), "migrate.lock"))
	if err != nil {
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}

func (e *sqliteEngine) judge(err error) verdict {
	var lite *sqlite.Error
	switch {
	case err == nil:
		return verdictNothing
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return verdictCanceled
	case !errors.As(err, &lite):
		return verdictTrouble
	}
	switch code := lite.Code(); code {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return verdictUnique
	default:
		switch code & 0xff {
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
			return verdictRetry
		case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE, sqlite3.SQLITE_ERROR:
			return verdictContent
		case sqlite3.SQLITE_FULL:
			return verdictFull
		case sqlite3.SQLITE_INTERRUPT:
			return verdictCanceled
		}
		return verdictTrouble
	}
}

func (e *sqliteEngine) prepare(context.Context, session, api.Time) error { return nil }

// watch looks once a second whether another program, such as a command run beside the server, has written.
func (e *sqliteEngine) watch(ctx context.Context) error {
	c, err := newSQLiteConn(ctx, e.reader)
	if err != nil {
		return err
	}
	defer c.Close()
	const look = "pragma data_version"
	var seen int64
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		var version int64
		if err := c.QueryRowContext(ctx, look).Scan(&version); err == nil && version != seen {
			seen = version
			e.wake()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (e *sqliteEngine) migrator() (migrator, error) {
	return newMigrator(goose.DialectSQLite3, e.writer, migrations.SQLite, "sqlite")
}

func (e *sqliteEngine) size(ctx context.Context) (int64, error) {
	var n int64
	err := e.reader.QueryRowContext(ctx, "select (select page_count - freelist_count from pragma_page_count(), pragma_freelist_count()) * (select page_size from pragma_page_size())").Scan(&n)
	return n, err
}

func (e *sqliteEngine) time(ctx context.Context) (time.Time, error) {
	var ms int64
	err := e.reader.QueryRowContext(ctx, "select cast(unixepoch('subsec') * 1000 as integer)").Scan(&ms)
	return time.UnixMilli(ms), err
}

func (e *sqliteEngine) close() error {
	_ = e.turn.take(context.Background(), useGroup) // which never gives up
	defer e.turn.give()
	var errs []error
	if e.conn != nil {
		errs = append(errs, e.conn.Close())
		e.conn = nil
	}
	if e.reader != nil {
		for range cap(e.readTurns) {
			if c := <-e.readTurns; c != nil {
				errs = append(errs, c.Close())
			}
		}
		errs = append(errs, e.reader.Close())
	}
	if e.writer != nil {
		errs = append(errs, e.writer.Close())
	}
	return errors.Join(errs...)
}
