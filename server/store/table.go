package store

import (
	"context"
	"strings"
)

// table is a table of the schema as the database tells of it, for work that is the same for all of them.
type table struct {
	name    string
	columns []column
	key     []string // the columns of the primary key, in its order
}

// groupColumns makes tables of the rows of a catalogue, which are ordered by table.
func groupColumns(rows []catalogueRow) []table {
	var out []table
	for _, r := range rows {
		if len(out) == 0 || out[len(out)-1].name != r.table {
			out = append(out, table{name: r.table})
		}
		t := &out[len(out)-1]
		t.columns = append(t.columns, column{r.column, columnKind(r.kind)})
		if r.inKey > 0 {
			for int64(len(t.key)) < r.inKey {
				t.key = append(t.key, "")
			}
			t.key[r.inKey-1] = r.column
		}
	}
	return out
}

// catalogueRow is a column of a table; inKey is its place in the primary key, from 1, or 0.
type catalogueRow struct {
	table, column, kind string
	inKey               int64
}

func scanCatalogueRow(r row) (catalogueRow, error) {
	var c catalogueRow
	err := r.Scan(&c.table, &c.column, &c.kind, &c.inKey)
	return c, err
}

// Census is how many rows each table has.
type Census map[string]int64

// Rows gives the number of all rows.
func (c Census) Rows() int64 {
	var n int64
	for _, rows := range c {
		n += rows
	}
	return n
}

// Census counts the rows of every table, as of one moment.
func (s *Store) Census(ctx context.Context) (Census, error) {
	counts := Census{}
	err := s.readLong(ctx, s.eng, func(tx *Tx) error {
		tables, err := tx.eng.tables(ctx, tx.session)
		if err != nil {
			return err
		}
		for _, t := range tables {
			if counts[t.name], err = one(ctx, tx.session, scanOne[int64], "select count(*) from "+t.name); err != nil {
				return err
			}
		}
		return nil
	})
	return counts, err
}

// Differences names the tables whose counts are not the same, empty when all are.
func (c Census) Differences(other Census) string {
	var different []string
	for name, rows := range c {
		if other[name] != rows {
			different = append(different, name)
		}
	}
	for name := range other {
		if _, known := c[name]; !known {
			different = append(different, name)
		}
	}
	return strings.Join(different, ", ")
}
