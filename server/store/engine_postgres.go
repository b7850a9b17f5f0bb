package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"watchkeeper/api"
	"watchkeeper/migrations"
	"watchkeeper/server/hub"
)

const (
	postgresGroupConns   = 6
	postgresGeneralConns = 10
	notifyChannel        = "watchkeeper"
	notifyEvery          = 20 * time.Millisecond
	lookEvery            = time.Second
)

// postgresEngine has two pools: one for the many small groups, whose plans must not be made anew for each set of
// arrays, and one for everything else, whose filters deserve a plan of their own.
type postgresEngine struct {
	groups  *pgxpool.Pool
	general *pgxpool.Pool
	hub     *hub.Hub
	wake    func()
}

func openPostgres(ctx context.Context, url string, h *hub.Hub, wake func()) (*postgresEngine, error) {
	e := &postgresEngine{hub: h, wake: wake}
	var err error
	if e.groups, err = openPool(ctx, url, postgresGroupConns, "force_generic_plan"); err != nil {
		return nil, err
	}
	if e.general, err = openPool(ctx, url, postgresGeneralConns, "auto"); err != nil {
		e.groups.Close()
		return nil, err
	}
	return e, nil
}

// ErrDatabaseURL says that waiting for the database is of no use. What is wrong with the URL is not said, since a password
// may stand in it.
var ErrDatabaseURL = errors.New("the database URL cannot be read: it must look like postgres://user:password@host:5432/name")

func openPool(ctx context.Context, url string, conns int32, plans string) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, ErrDatabaseURL
	}
	if !strings.Contains(url, "pool_max_conns") {
		c.MaxConns = conns
	}
	p := c.ConnConfig.RuntimeParams
	p["plan_cache_mode"] = plans
	p["timezone"] = "UTC"
	p["jit"] = "off" // it takes longer to compile a search in many ranges of ids than to run it
	if p["application_name"] == "" {
		p["application_name"] = "watchkeeper"
	}
	if c.ConnConfig.ConnectTimeout == 0 {
		c.ConnConfig.ConnectTimeout = 10 * time.Second
	}
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("reaching the database: %w", err)
	}
	return pool, nil
}

func (e *postgresEngine) kind() Engine { return Postgres }

func (e *postgresEngine) begin(ctx context.Context, u use) (session, error) {
	pool := e.general
	if u == useGroup {
		pool = e.groups
	}
	return e.open(ctx, pool, "begin")
}

func (e *postgresEngine) view(ctx context.Context) (session, error) {
	return e.open(ctx, e.general, "begin isolation level repeatable read read only")
}

func (e *postgresEngine) open(ctx context.Context, pool *pgxpool.Pool, begin string) (session, error) {
	c, err := pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	s := &postgresSession{conn: c}
	s.ahead.Queue(begin)
	return s, nil
}

// postgresSession is a transaction that spares round trips: begin goes out with the first statement, and the
// statements whose results nobody needs go out with the one that follows them, or with the commit.
type postgresSession struct {
	conn   *pgxpool.Conn
	ahead  pgx.Batch // what goes out before the next statement
	queued pgx.Batch // what goes out before the commit
	begun  bool
	done   bool
}

func (s *postgresSession) exec(ctx context.Context, sql string, args ...any) (int64, error) {
	r, err := s.query(ctx, sql, args...)
	if err != nil {
		return 0, err
	}
	r.Close()
	return r.(*postgresRows).CommandTag().RowsAffected(), r.Err()
}

func (s *postgresSession) query(ctx context.Context, sql string, args ...any) (rows, error) {
	if s.ahead.Len() == 0 {
		r, err := s.conn.Query(ctx, sql, args...)
		return &postgresRows{Rows: r}, err
	}
	b := s.ahead
	b.Queue(sql, args...)
	s.ahead, s.begun = pgx.Batch{}, true
	results := s.conn.SendBatch(ctx, &b)
	for range b.Len() - 1 {
		if _, err := results.Exec(); err != nil {
			return nil, errors.Join(err, results.Close())
		}
	}
	r, err := results.Query()
	if err != nil {
		return nil, errors.Join(err, results.Close())
	}
	return &postgresRows{Rows: r, batch: results}, nil
}

func (s *postgresSession) last(sql string, args ...any) { s.queued.Queue(sql, args...) }

func (s *postgresSession) commit(ctx context.Context) error {
	if !s.begun && s.queued.Len() == 0 {
		s.end()
		return nil
	}
	b := s.ahead
	b.QueuedQueries = append(b.QueuedQueries, s.queued.QueuedQueries...)
	b.Queue("commit")
	n := b.Len()
	// Nobody's patience may interrupt a commit half way: its outcome would be unknown.
	results := s.conn.SendBatch(context.WithoutCancel(ctx), &b)
	for range n {
		if _, err := results.Exec(); err != nil {
			return errors.Join(err, results.Close())
		}
	}
	if err := results.Close(); err != nil {
		return err
	}
	s.end()
	return nil
}

func (s *postgresSession) rollback() {
	if s.done {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if !s.conn.Conn().IsClosed() && s.conn.Conn().PgConn().TxStatus() != 'I' {
		if _, err := s.conn.Exec(ctx, "rollback"); err != nil {
			_ = s.conn.Conn().Close(ctx) // the pool drops a closed connection
		}
	}
	s.end()
}

func (s *postgresSession) end() {
	if !s.done {
		s.done = true
		s.conn.Release()
	}
}

// postgresRows also closes the batch that the query came in.
type postgresRows struct {
	pgx.Rows
	batch pgx.BatchResults
	err   error
}

func (r *postgresRows) Close() {
	r.Rows.Close()
	if r.batch != nil {
		r.err = r.batch.Close()
		r.batch = nil
	}
}

func (r *postgresRows) Err() error {
	if err := r.Rows.Err(); err != nil {
		return err
	}
	return r.err
}

func (e *postgresEngine) relation(first int, columns ...column) string {
	arrays, names := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		arrays[i] = "$" + strconv.Itoa(first+i) + "::" + string(c.kind) + "[]"
		names[i] = c.name
	}
	return "(select * from unnest(" + strings.Join(arrays, ", ") + ") as u(" + strings.Join(names, ", ") + "))"
}

func (e *postgresEngine) pack(columns ...any) []any { return columns }

func (e *postgresEngine) byIndex(ctx context.Context, s session) error {
	_, err := s.exec(ctx, "set local enable_seqscan = off")
	return err
}

// order takes a lock that ends with the transaction, so that ids drawn after it follow the order of commits.
func (e *postgresEngine) order(s session, sequence string) {
	s.last(orderLock, "watchkeeper "+sequence)
}

func (e *postgresEngine) orderNow(s session, sequence string) {
	s.(*postgresSession).ahead.Queue(orderLock, "watchkeeper "+sequence)
}

func (e *postgresEngine) insert(ctx context.Context, s session, sequence, statement string, args ...any) (inserted, error) {
	var first int64
	i, err := one(ctx, s, func(r row) (i inserted, err error) { return i, r.Scan(&i.rows, &first, &i.last) },
		"with row as ("+statement+" returning id) select count(*), coalesce(min(id), 1), coalesce(max(id), 0) from row", args...)
	if err == nil && i.last-first+1 != i.rows {
		return i, fmt.Errorf("the numbers of table %s have gaps: its sequence must not have a cache", sequence)
	}
	return i, err
}

const orderLock = "select pg_advisory_xact_lock(hashtext($1))"

func (e *postgresEngine) drawn(ctx context.Context, s session, sequence string) (int64, error) {
	return one(ctx, s, scanOne[int64], "select last_value from "+sequence+"_id")
}

func (e *postgresEngine) lockRows(how lock) string {
	if how == lockFree {
		return " for update skip locked"
	}
	return " for update"
}

// exclusive takes a lock that belongs to a connection, so that it ends with the program at the latest.
func (e *postgresEngine) exclusive(ctx context.Context) (func(), error) {
	c, err := e.general.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := c.Exec(ctx, "select pg_advisory_lock(hashtext('watchkeeper migrate'))"); err != nil {
		c.Release()
		return nil, err
	}
	return func() {
		// A session that is closed has no locks; should this fail, closing does it.
		if _, err := c.Exec(context.WithoutCancel(ctx), "select pg_advisory_unlock(hashtext('watchkeeper migrate'))"); err != nil {
			_ = c.Conn().Close(context.WithoutCancel(ctx))
		}
		c.Release()
	}, nil
}

func (e *postgresEngine) judge(err error) verdict {
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return verdictNothing
	case errors.As(err, &pg):
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return verdictCanceled
	default:
		return verdictTrouble
	}
	switch {
	case pg.Code == "40001", pg.Code == "40P01", pg.Code == "55P03":
		return verdictRetry
	case pg.Code == "23514" && strings.Contains(pg.Message, "no partition"):
		return verdictUnprepared
	case pg.Code == "23505":
		return verdictUnique
	case pg.Code == "53100":
		return verdictFull
	case pg.Code == "57014":
		return verdictCanceled
	case strings.HasPrefix(pg.Code, "22"), strings.HasPrefix(pg.Code, "23"), strings.HasPrefix(pg.Code, "54"):
		return verdictContent
	}
	return verdictTrouble
}

// watch forwards the wake-ups of this server to the others, gathered, listens for theirs, and looks once a second for
// what a server that died never announced.
func (e *postgresEngine) watch(ctx context.Context) error {
	for ctx.Err() == nil {
		e.listen(ctx)
		e.wake()
		select {
		case <-ctx.Done():
		case <-time.After(lookEvery):
		}
	}
	return nil
}

// listen exchanges wake-ups with the other servers until ctx ends or a connection breaks.
func (e *postgresEngine) listen(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	own := uuid.NewString()
	announced := make(chan struct{})
	go func() {
		defer close(announced)
		defer cancel()
		e.announce(ctx, own)
	}()
	defer func() { <-announced }()
	defer cancel()
	c, err := e.general.Acquire(ctx)
	if err != nil {
		return
	}
	defer c.Release()
	if _, err := c.Exec(ctx, "listen "+notifyChannel); err != nil {
		return
	}
	defer func() {
		if !c.Conn().IsClosed() {
			_, _ = c.Exec(context.WithoutCancel(ctx), "unlisten *")
		}
	}()
	for ctx.Err() == nil {
		wait, stop := context.WithTimeout(ctx, lookEvery)
		n, err := c.Conn().WaitForNotification(wait)
		stop()
		switch {
		case err == nil:
			if from, topics, _ := strings.Cut(n.Payload, " "); from != own {
				e.hub.WakeLocal(topicsOf(topics)...)
			}
		case pgconn.Timeout(err):
			e.wake()
		default:
			return
		}
	}
}

// announce tells the other servers what was woken here, gathered, because a NOTIFY inside each commit would make the
// commits wait for one another.
func (e *postgresEngine) announce(ctx context.Context, own string) {
	woken := e.hub.Gather()
	defer woken.Close()
	for {
		select {
		case <-ctx.Done():
			return
		case <-woken.C():
		}
		topics := woken.Take()
		if len(topics) == 0 {
			continue
		}
		names := make([]string, len(topics))
		for i, t := range topics {
			names[i] = string(t)
		}
		if _, err := e.general.Exec(ctx, "select pg_notify($1, $2)", notifyChannel, own+" "+strings.Join(names, " ")); err != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(notifyEvery):
		}
	}
}

func topicsOf(names string) []hub.Topic {
	var topics []hub.Topic
	for _, name := range strings.Fields(names) {
		topics = append(topics, hub.Topic(name))
	}
	return topics
}

func (e *postgresEngine) migrator() (migrator, error) {
	return newMigrator(goose.DialectPostgres, stdlib.OpenDBFromPool(e.general), migrations.Postgres, "postgres")
}

func (e *postgresEngine) size(ctx context.Context) (int64, error) {
	var n int64
	err := e.general.QueryRow(ctx, "select pg_database_size(current_database())").Scan(&n)
	return n, err
}

func (e *postgresEngine) time(ctx context.Context) (time.Time, error) {
	var t time.Time
	err := e.general.QueryRow(ctx, "select clock_timestamp()").Scan(&t)
	return t, err
}

func (e *postgresEngine) close() error {
	e.groups.Close()
	e.general.Close()
	return nil
}

// prepare makes the partitions of now and of some time ahead.
func (e *postgresEngine) prepare(ctx context.Context, s session, now api.Time) error {
	for _, p := range partitions(now.Std()) {
		// Creating a partition locks the whole table even where it exists already, so look first.
		exists, err := one(ctx, s, scanOne[bool], "select to_regclass($1) is not null", p.name)
		if err != nil {
			return err
		}
		if exists {
			continue
		}
		if _, err := s.exec(ctx, fmt.Sprintf("create table if not exists %s partition of %s for values from (%d) to (%d)",
			p.name, p.table, p.from.UnixMilli(), p.to.UnixMilli())); err != nil {
			return fmt.Errorf("making the partition %s: %w", p.name, err)
		}
	}
	return nil
}
