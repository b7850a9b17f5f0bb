package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"watchkeeper/api"
)

// settingCopy is where a database says how far the copy into it is, until it is whole.
const settingCopy = "copy"

// derivedTables are made anew from others by the engine that has them.
var derivedTables = []string{"search_segment", "search_part", "search_source"}

// CopyOptions say how a database is copied.
type CopyOptions struct {
	Source string         // names what is copied, so that a copy is only ever taken up with the same
	Report func(Progress) // may be nil
	Batch  int            // rows at a time; 0 means 2000
}

const (
	copyBatch = 2000
	copyBytes = 4 << 20 // of a batch, above its first row
)

// ErrUnfinishedCopy says that the database holds half of another one.
var ErrUnfinishedCopy = errors.New("a copy into this database was not finished: run watchkeeper copy again, or empty the database")

// CheckCopied gives ErrUnfinishedCopy for a database that a copy did not get to the end of.
func (s *Store) CheckCopied(ctx context.Context) error {
	_, unfinished, err := s.Settings.Get(ctx, settingCopy)
	if err == nil && unfinished {
		return ErrUnfinishedCopy
	}
	return err
}

// Copy copies everything of a database into an empty one, of the same kind or the other, while nobody writes to either.
// Each batch is a transaction that also notes how far it is, so that a copy which was killed goes on there. In the end it
// compares both, table by table, and gives how many rows were copied.
func Copy(ctx context.Context, from, to *Store, o CopyOptions) (Census, error) {
	c := &copier{CopyOptions: o, from: from, to: to, prepared: map[int64]bool{}}
	if c.Batch == 0 {
		c.Batch = copyBatch
	}
	if c.Report == nil {
		c.Report = func(Progress) {}
	}
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	for _, t := range c.tables {
		if slices.Contains(c.at.Done, t.name) {
			continue
		}
		if err := c.table(ctx, t); err != nil {
			return nil, fmt.Errorf("copying the table %s: %w", t.name, err)
		}
	}
	if err := c.compare(ctx); err != nil {
		return nil, err
	}
	return c.census, to.Settings.Delete(ctx, settingCopy)
}

type copier struct {
	CopyOptions
	from, to *Store
	tables   []table
	census   Census
	at       copyMark
	rows     int64
	prepared map[int64]bool // days for which the target has partitions
}

// copyMark is how far a copy is: which tables are done, and the key of the last row of the one that is being copied.
type copyMark struct {
	Source string   `json:"source"`
	Done   []string `json:"done"`
	Key    []string `json:"key"`
}

// begin finds out what is to be copied, and takes up what was begun.
func (c *copier) begin(ctx context.Context) (err error) {
	for _, s := range []*Store{c.from, c.to} {
		if err := s.CheckSchema(ctx); err != nil {
			return err
		}
	}
	if err := c.from.CheckCopied(ctx); err != nil {
		return err
	}
	if c.tables, err = commonTables(ctx, c.from, c.to); err != nil {
		return err
	}
	if c.census, err = c.from.Census(ctx); err != nil {
		return err
	}
	for _, name := range derivedTables {
		delete(c.census, name)
	}
	text, begun, err := c.to.Settings.Get(ctx, settingCopy)
	switch {
	case err != nil:
		return err
	case begun:
		return c.takeUp(ctx, text)
	}
	there, err := c.to.Census(ctx)
	if err != nil {
		return err
	}
	for _, t := range c.tables {
		if there[t.name] > 0 {
			return api.Errorf(api.KindConflict, "the database to copy into is not empty: its table %s has %d rows", t.name, there[t.name])
		}
	}
	c.at = copyMark{Source: c.Source}
	return c.to.Settings.Put(ctx, settingCopy, toJSON(c.at))
}

func (c *copier) takeUp(ctx context.Context, text string) error {
	var err error
	if c.at, err = fromJSON[copyMark](text); err != nil {
		return err
	}
	if c.at.Source != c.Source {
		return api.Errorf(api.KindConflict, "the database to copy into holds half of another one: empty it first")
	}
	there, err := c.to.Census(ctx)
	for _, t := range c.tables {
		c.rows += there[t.name]
	}
	return err
}

// commonTables gives the tables that are copied, with the settings last, because they make a database one that is used.
func commonTables(ctx context.Context, from, to *Store) ([]table, error) {
	source, err := from.tables(ctx)
	if err != nil {
		return nil, err
	}
	target, err := to.tables(ctx)
	if err != nil {
		return nil, err
	}
	var settings, out []table
	for _, t := range source {
		i := slices.IndexFunc(target, func(other table) bool { return other.name == t.name })
		if i < 0 {
			return nil, fmt.Errorf("the database to copy into has no table %s", t.name)
		}
		if missing := t.differs(target[i]); missing != "" {
			return nil, fmt.Errorf("the column %s of the table %s is not the same in both databases", missing, t.name)
		}
		if len(t.key) == 0 {
			t.key = target[i].key
		}
		if path := copyOrder[t.name]; from.Engine() == Postgres && path != nil {
			t.key = path
		}
		if len(t.key) == 0 {
			return nil, fmt.Errorf("the table %s has no key by which its rows could be copied in order", t.name)
		}
		if t.name == "setting" {
			settings = append(settings, t)
		} else {
			out = append(out, t)
		}
	}
	return append(out, settings...), nil
}

// copyOrder is the order in which PostgreSQL finds the rows of a table that has no primary key there.
var copyOrder = map[string][]string{"pulse": {"service", "received_at", "id"}}

// tables gives the tables that are kept, without what is derived from them.
func (s *Store) tables(ctx context.Context) (out []table, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		out, err = tx.eng.tables(ctx, tx.session)
		out = slices.DeleteFunc(out, func(t table) bool { return slices.Contains(derivedTables, t.name) })
		return err
	})
	return out, err
}

// table copies the rows of a table behind the key that was reached.
func (c *copier) table(ctx context.Context, t table) error {
	for {
		b, err := c.read(ctx, t)
		if err != nil {
			return err
		}
		next := c.at
		if b.rows < c.Batch && !b.cut {
			next.Key, next.Done = nil, append(slices.Clone(c.at.Done), t.name)
		} else {
			next.Key = b.last
		}
		if err := c.write(ctx, t, b, next); err != nil {
			return err
		}
		c.at = next
		c.rows += int64(b.rows)
		c.Report(Progress{Step: "copying " + t.name, Done: min(c.rows, c.census.Rows()), Total: c.census.Rows()})
		if next.Key == nil {
			return nil
		}
	}
}

// read gives the next rows of a table.
func (c *copier) read(ctx context.Context, t table) (*batch, error) {
	where, args := "", []any{}
	keys := t.columnsOf(t.key)
	for i, value := range c.at.Key {
		var arg any = value
		if keys[i].kind == intColumn {
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("the key that was reached cannot be read: %w", err)
			}
			arg = n
		}
		args = append(args, arg)
	}
	if len(args) > 0 {
		where = " where (" + names(keys) + ") > (" + placeholders(len(args)) + ")"
	}
	sql := "select " + names(t.columns) + " from " + t.name + where + " order by " + names(keys) + " limit " + strconv.Itoa(c.Batch)
	b := newBatch(t)
	err := c.from.read(ctx, func(tx *Tx) error {
		r, err := tx.query(ctx, sql, args...)
		if err != nil {
			return err
		}
		defer r.Close()
		for !b.cut && r.Next() {
			if err := b.scan(r); err != nil {
				return err
			}
		}
		return r.Err()
	})
	return b, err
}

// write puts rows into the target and notes how far it is.
func (c *copier) write(ctx context.Context, t table, b *batch, next copyMark) error {
	return c.to.write(ctx, useGeneral, func(tx *Tx) error {
		if b.rows > 0 {
			if err := c.prepare(ctx, tx, t, b); err != nil {
				return err
			}
			skip := ""
			if t.name == "setting" {
				skip = " where i.name <> '" + settingCopy + "'"
			}
			columns := t.columns
			_, err := tx.exec(ctx, "insert into "+t.name+" ("+names(columns)+") "+tx.eng.given()+"select "+names(columns)+" from "+
				tx.eng.relation(1, columns...)+" i"+skip, tx.eng.pack(b.columns()...)...)
			if err != nil {
				return err
			}
		}
		if next.Key == nil {
			if err := c.goOnDrawing(ctx, tx, t); err != nil {
				return err
			}
		}
		return tx.putSetting(ctx, settingCopy, toJSON(next))
	})
}

// prepare makes the partitions of the days that the rows were received on.
func (c *copier) prepare(ctx context.Context, tx *Tx, t table, b *batch) error {
	const day = 24 * 60 * 60 * 1000
	for _, at := range b.numbers("received_at") {
		if c.prepared[at/day] {
			continue
		}
		if err := tx.eng.prepare(ctx, tx.session, api.Time(at)); err != nil {
			return fmt.Errorf("making partitions of %s: %w", t.name, err)
		}
		c.prepared[at/day] = true
	}
	return nil
}

// goOnDrawing lets the target draw its next number where the source would, so that none that a client knows comes again.
func (c *copier) goOnDrawing(ctx context.Context, tx *Tx, t table) error {
	for _, column := range t.columns {
		if column.kind != intColumn {
			continue
		}
		var last int64
		var drawn bool
		err := c.from.read(ctx, func(from *Tx) (err error) {
			last, drawn, err = from.eng.counter(ctx, from.session, t.name, column.name)
			return err
		})
		if err != nil {
			return err
		}
		if drawn {
			if err := tx.eng.setCounter(ctx, tx.session, t.name, column.name, last); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare counts and adds up every column of every table in both databases.
func (c *copier) compare(ctx context.Context) error {
	for i, t := range c.tables {
		c.Report(Progress{Step: "comparing", Done: int64(i), Total: int64(len(c.tables))})
		var sums [2]string
		for j, s := range []*Store{c.from, c.to} {
			err := s.read(ctx, func(tx *Tx) (err error) {
				sums[j], err = t.sums(ctx, tx)
				return err
			})
			if err != nil {
				return err
			}
		}
		if sums[0] != sums[1] {
			return api.Errorf(api.KindInternal, "the table %s is not the same in both databases: %s there, %s here", t.name, sums[0], sums[1])
		}
	}
	return nil
}
