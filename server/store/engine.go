package store

import (
	"context"
	"errors"
	"time"

	"watchkeeper/api"
)

// Engine is a kind of database.
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Valid reports whether e is one of the engines.
func (e Engine) Valid() bool { return e == SQLite || e == Postgres }

// engine is the seam between the statements, which are written once, and the databases that run them.
type engine interface {
	kind() Engine
	// begin opens a transaction that writes. Hot ones may use plans and connections made for many small groups.
	begin(ctx context.Context, use use) (session, error)
	// view opens a transaction that only reads, all of it as of one moment.
	view(ctx context.Context) (session, error)
	// relation gives SQL for a derived table with these columns whose values are the arguments from $first on.
	relation(first int, columns ...column) string
	// pack gives the arguments for a relation; each element of columns is a []string, []int64 or [][]byte.
	pack(columns ...any) []any
	// byIndex keeps the rest of a transaction from reading whole tables, however little is known of them.
	byIndex(ctx context.Context, s session) error
	// order queues what makes transactions commit in the order in which they draw ids of a sequence; the statements that
	// draw them are queued after it.
	order(s session, sequence string)
	// orderNow is order for a transaction that needs the ids itself: it goes before the next statement.
	orderNow(s session, sequence string)
	// insert runs a statement that inserts into the table of a sequence. After orderNow nobody else draws, so that its ids
	// are the last ones, without a gap.
	insert(ctx context.Context, s session, sequence, statement string, args ...any) (inserted, error)
	// judge tells what an error of the database means.
	judge(err error) verdict
	// prepare makes what the engine needs made ahead by time, such as partitions.
	prepare(ctx context.Context, s session, now api.Time) error
	// watch calls wake when another program may have written; it blocks until ctx ends.
	watch(ctx context.Context) error
	// drawn gives the largest id that a sequence may have given.
	drawn(ctx context.Context, s session, sequence string) (int64, error)
	// exclusive waits until no other program migrates the database, and keeps others from it until released.
	exclusive(ctx context.Context) (release func(), err error)
	// lockRows ends a query whose rows nobody else may change until the transaction ends; free ones only, or all.
	lockRows(how lock) string
	// held tells what a table holds, begins from where on its newest rows have room in so many bytes. trim takes one step
	// of a removal, shrink gives unused pages back, if it can, and reports whether there are more.
	held(ctx context.Context, s session, t keptTable) (held, error)
	begins(ctx context.Context, s session, t keptTable, bytes int64, now api.Time) (api.Time, error)
	trim(ctx context.Context, s session, t *Trimming, rows int, at *int64) (removed int64, done bool, err error)
	shrink(ctx context.Context, pages int) (more bool, err error)
	migrator() (migrator, error)
	// tables lists what the schema has, by name, but not what the migrations keep for themselves.
	tables(ctx context.Context, s session) ([]table, error)
	// counter gives the largest number that was drawn for a column, and whether numbers are drawn for it at all.
	counter(ctx context.Context, s session, table, column string) (last int64, counts bool, err error)
	// setCounter lets the numbers that are drawn for a column go on after the given one.
	setCounter(ctx context.Context, s session, table, column string, last int64) error
	// given is what an insert says so that it may give numbers that are otherwise drawn.
	given() string
	// snapshot writes the database as of one moment to a file that is not there yet. Only a database in a file can.
	snapshot(ctx context.Context, o SnapshotOptions) error
	// keepCopy keeps a copy beside the file of the database until it has been migrated to a schema, which finish says.
	keepCopy(ctx context.Context, schema int64, report func(Progress)) (finish func() error, err error)
	// inspect looks for damage in the file of the database.
	inspect(ctx context.Context) error
	size(ctx context.Context) (int64, error)
	// time gives the clock of the database.
	time(ctx context.Context) (time.Time, error)
	close() error
}

// inserted is what became of an insert.
type inserted struct {
	rows int64
	last int64 // the id drawn last
}

// use says what a writing transaction is for.
type use string

const (
	useGroup   use = "group"   // the group committers and the sweeper
	useGeneral use = "general" // everything else
)

// lock says what a query that locks rows does about rows that others hold.
type lock string

const (
	lockWait lock = "wait" // waits for them
	lockFree lock = "free" // leaves them out
)

// verdict is what an error of the database means for whoever ran the statement.
type verdict string

const (
	verdictRetry      verdict = "retry"      // rolled back for a conflict; the same again may succeed
	verdictUnique     verdict = "unique"     // breaks a unique index
	verdictContent    verdict = "content"    // the values are at fault
	verdictUnprepared verdict = "unprepared" // what prepare makes is missing
	verdictFull       verdict = "full"       // no space is left
	verdictTrouble    verdict = "trouble"    // the database is away or unwell; nothing is known of the content
	verdictNothing    verdict = "nothing"    // no error
	verdictCanceled   verdict = "canceled"   // the caller gave up
)

// session is a transaction of either engine. Placeholders are $1 to $n.
type session interface {
	exec(ctx context.Context, sql string, args ...any) (affected int64, err error)
	query(ctx context.Context, sql string, args ...any) (rows, error)
	// last queues a statement whose result nobody needs; it runs together with the commit.
	last(sql string, args ...any)
	commit(ctx context.Context) error
	// rollback ends the transaction unless commit did; it may be called always.
	rollback()
}

// limitedSession asks under a context of its own, which ends before those of its callers.
type limitedSession struct {
	session
	limit context.Context
}

func (s limitedSession) exec(_ context.Context, sql string, args ...any) (int64, error) {
	return s.session.exec(s.limit, sql, args...)
}

func (s limitedSession) query(_ context.Context, sql string, args ...any) (rows, error) {
	return s.session.query(s.limit, sql, args...)
}

// rows is the part of pgx.Rows and sql.Rows that scanning needs.
type rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close()
}

// row is what a scan function reads from.
type row interface{ Scan(dest ...any) error }

// column is a column of a relation.
type column struct {
	name string
	kind columnKind
}

type columnKind string

const (
	textColumn columnKind = "text"
	intColumn  columnKind = "bigint"
	blobColumn columnKind = "bytea"
)

func text(name string) column { return column{name, textColumn} }
func ints(name string) column { return column{name, intColumn} }
func blob(name string) column { return column{name, blobColumn} }

// errNoRow is what one gives when there is no row.
var errNoRow = errors.New("no row")

// collect reads all rows of a query.
func collect[T any](ctx context.Context, s session, scan func(row) (T, error), sql string, args ...any) ([]T, error) {
	r, err := s.query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out []T
	for r.Next() {
		v, err := scan(r)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, r.Err()
}

// one reads the first row of a query, errNoRow when there is none.
func one[T any](ctx context.Context, s session, scan func(row) (T, error), sql string, args ...any) (T, error) {
	var zero T
	r, err := s.query(ctx, sql, args...)
	if err != nil {
		return zero, err
	}
	defer r.Close()
	if !r.Next() {
		if err := r.Err(); err != nil {
			return zero, err
		}
		return zero, errNoRow
	}
	v, err := scan(r)
	if err != nil {
		return zero, err
	}
	r.Close()
	return v, r.Err()
}

// scanOne reads a row of a single column.
func scanOne[T any](r row) (T, error) {
	var v T
	err := r.Scan(&v)
	return v, err
}
