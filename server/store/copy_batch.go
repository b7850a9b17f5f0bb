package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// batch is rows of any table, by column, as pack wants them.
type batch struct {
	table table
	texts map[string][]string
	ints  map[string][]int64
	blobs map[string][][]byte
	rows  int
	bytes int
	cut   bool     // it is large enough, however many rows there may be
	last  []string // the key of the last row
}

func newBatch(t table) *batch {
	return &batch{table: t, texts: map[string][]string{}, ints: map[string][]int64{}, blobs: map[string][][]byte{}}
}

func (b *batch) scan(r row) error {
	columns := b.table.columns
	dest := make([]any, len(columns))
	for i, c := range columns {
		switch c.kind {
		case textColumn:
			dest[i] = new(string)
		case intColumn:
			dest[i] = new(int64)
		case blobColumn:
			dest[i] = new([]byte)
		default:
			return fmt.Errorf("the column %s of the table %s is of the kind %s, which is not known", c.name, b.table.name, c.kind)
		}
	}
	if err := r.Scan(dest...); err != nil {
		return err
	}
	key := map[string]string{}
	for i, c := range columns {
		switch v := dest[i].(type) {
		case *string:
			b.texts[c.name] = append(b.texts[c.name], *v)
			b.bytes += len(*v)
			key[c.name] = *v
		case *int64:
			b.ints[c.name] = append(b.ints[c.name], *v)
			b.bytes += 8
			key[c.name] = strconv.FormatInt(*v, 10)
		case *[]byte:
			b.blobs[c.name] = append(b.blobs[c.name], *v)
			b.bytes += len(*v)
		}
	}
	b.last = each(b.table.key, func(name string) string { return key[name] })
	b.rows++
	b.cut = b.bytes > copyBytes
	return nil
}

// columns gives the values of all columns.
func (b *batch) columns() []any {
	return each(b.table.columns, func(c column) any {
		switch c.kind {
		case textColumn:
			return b.texts[c.name]
		case intColumn:
			return b.ints[c.name]
		}
		return b.blobs[c.name]
	})
}

// numbers gives the values of a column, none if there is no such.
func (b *batch) numbers(column string) []int64 { return b.ints[column] }

// differs names a column that is not the same in another table of the same name, empty when all are.
func (t table) differs(other table) string {
	kinds := map[string]columnKind{}
	for _, c := range other.columns {
		kinds[c.name] = c.kind
	}
	for _, c := range t.columns {
		if kinds[c.name] != c.kind {
			return c.name
		}
		delete(kinds, c.name)
	}
	for name := range kinds {
		return name
	}
	return ""
}

// columnsOf gives columns by name.
func (t table) columnsOf(names []string) []column {
	return each(names, func(name string) column {
		for _, c := range t.columns {
			if c.name == name {
				return c
			}
		}
		return column{name: name}
	})
}

// sums counts the rows and adds up the columns: numbers by what is left of them after a division, so that no sum is too
// large, and everything else by its length.
func (t table) sums(ctx context.Context, tx *Tx) (string, error) {
	parts := []string{"count(*)"}
	for _, c := range t.columns {
		what := "length(" + c.name + ")"
		if c.kind == intColumn {
			what = c.name + " % 1000003"
		}
		parts = append(parts, "cast(coalesce(sum("+what+"), 0) as bigint)")
	}
	where := ""
	if t.name == "setting" {
		where = " where name <> '" + settingCopy + "'"
	}
	return one(ctx, tx, func(r row) (string, error) {
		values := make([]int64, len(parts))
		if err := r.Scan(pointers(values)...); err != nil {
			return "", err
		}
		return strings.Trim(fmt.Sprint(values), "[]"), nil
	}, "select "+strings.Join(parts, ", ")+" from "+t.name+where)
}

// pointers gives pointers to the elements of a list.
func pointers(list []int64) []any {
	out := make([]any, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	return out
}

func placeholders(n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = placeholder(i + 1)
	}
	return strings.Join(parts, ", ")
}
