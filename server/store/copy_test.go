package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchkeeper/api"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

// copiedRows is how many rows each table gets; copiedDays over how many days they were received.
const (
	copiedRows = 40
	copiedDays = 90
)

// only are values for columns that do not take any.
var only = map[string]string{
	"service.state": "'up'", "change.subject_kind": "'service'", "incident.state": "case when i % 2 = 0 then 'open' else 'closed' end",
	"incident.closed_at": "case when i % 2 = 0 then 0 else i end", "delivery.about": "'opened'", "delivery.state": "'sent'", "delivery.claimed_by": "''",
}

// fill puts rows into every table of a database of SQLite, whatever tables there are.
func fill(t *testing.T, f *storetest.Fixture) []string {
	t.Helper()
	db := behind(t, f)
	catalogue, err := db.QueryContext(t.Context(), `select t.name, c.name, c.type from sqlite_schema t join pragma_table_info(t.name) c
		where t.type = 'table' and t.name not like 'sqlite\_%' escape '\' and t.name <> 'goose_db_version' order by t.name, c.cid`)
	if err != nil {
		t.Fatal(err)
	}
	columns := map[string][]string{}
	values := map[string][]string{}
	for catalogue.Next() {
		var table, column, kind string
		if err := catalogue.Scan(&table, &column, &kind); err != nil {
			t.Fatal(err)
		}
		value := only[table+"."+column]
		switch {
		case value != "":
		case column == "received_at":
			value = fmt.Sprintf("%d + i * %d", storetest.Start.UnixMilli(), copiedDays*24*3600_000/copiedRows)
		case kind == "INTEGER":
			value = "i * 1000000007"
		case kind == "BLOB":
			value = "case when i % 3 = 0 then null else randomblob(i) end" // none and empty bytes are read alike
		default:
			value = fmt.Sprintf("'%s %s é ''\"\\ ' || i", table, column)
		}
		columns[table], values[table] = append(columns[table], column), append(values[table], value)
	}
	if err := catalogue.Err(); err != nil {
		t.Fatal(err)
	}
	for table := range columns {
		statement := fmt.Sprintf("insert into %s (%s) with recursive n(i) as (select 1 union all select i + 1 from n where i < %d) select %s from n",
			table, strings.Join(columns[table], ", "), copiedRows, strings.Join(values[table], ", "))
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("filling %s: %v", table, err)
		}
	}
	// What was drawn and is gone must not be drawn again.
	if _, err := db.ExecContext(t.Context(), "update sqlite_sequence set seq = seq + 1000 where name <> 'goose_db_version'"); err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(columns))
}

// dump gives all rows of a table as text, in the order of its first column.
func dump(t *testing.T, db *sql.DB, table string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "select * from "+table+" order by 1")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for rows.Next() {
		values := make([]any, len(names))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		line := make([]string, len(names))
		for i := range names {
			line[i] = fmt.Sprintf("%s=%#v", names[i], *values[i].(*any))
		}
		slices.Sort(line) // a column that came later may stand elsewhere
		out = append(out, strings.Join(line, " "))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEverythingIsCopiedThereAndBack(t *testing.T) {
	lite, pg, back := storetest.Open(t, store.SQLite), storetest.Open(t, store.Postgres), storetest.Open(t, store.SQLite)
	tables := fill(t, lite)
	o := store.CopyOptions{Source: "one", Batch: 7}
	for _, step := range []struct{ from, to *storetest.Fixture }{{lite, pg}, {pg, back}} {
		census, err := store.Copy(t.Context(), step.from.Store, step.to.Store, o)
		if err != nil {
			t.Fatal(err)
		}
		if len(census) != len(tables) || census.Rows() != int64(len(tables)*copiedRows) {
			t.Errorf("from %s: %d rows of %d tables, want %d of %d", step.from.Engine(), census.Rows(), len(census), len(tables)*copiedRows, len(tables))
		}
		if err := step.to.CheckCopied(t.Context()); err != nil {
			t.Errorf("to %s: %v", step.to.Engine(), err)
		}
	}
	before, after, between := behind(t, lite), behind(t, back), behind(t, pg)
	for _, table := range append(tables, "sqlite_sequence") {
		if diff := cmp.Diff(dump(t, before, table), dump(t, after, table)); diff != "" {
			t.Errorf("%s: %s", table, diff)
		}
		if table != "sqlite_sequence" && len(dump(t, between, table)) != copiedRows {
			t.Errorf("%s has %d rows on PostgreSQL", table, len(dump(t, between, table)))
		}
	}
	// The next numbers on PostgreSQL are none that were drawn before.
	added, err := pg.Events.Add([]api.Event{{Service: "new", Message: "new", Time: 1, ReceivedAt: api.TimeOf(storetest.Start)}}, nil)
	if want := int64(copiedRows*1_000_000_007 + 1001); err != nil || added.IDs[0] != want {
		t.Errorf("the next event is %v, %v, want %d", added.IDs, err, want)
	}
	var key int64
	err = between.QueryRowContext(t.Context(), "select nextval(pg_get_serial_sequence('service', 'key'))").Scan(&key)
	if want := int64(copiedRows*1_000_000_007 + 1001); err != nil || key != want {
		t.Errorf("the next service is %d, %v, want %d", key, err, want)
	}
}

func TestCopyGoesOnWhereItWasStopped(t *testing.T) {
	for _, way := range [][2]store.Engine{{store.SQLite, store.Postgres}, {store.Postgres, store.SQLite}} {
		t.Run(string(way[0])+" to "+string(way[1]), func(t *testing.T) {
			lite := storetest.Open(t, store.SQLite)
			tables := fill(t, lite)
			from, to := lite, storetest.Open(t, way[1])
			if way[0] == store.Postgres {
				from = storetest.Open(t, store.Postgres)
				if _, err := store.Copy(t.Context(), lite.Store, from.Store, store.CopyOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			stops := 0
			for {
				ctx, cancel := context.WithCancel(t.Context())
				batches := 0
				census, err := store.Copy(ctx, from.Store, to.Store, store.CopyOptions{Source: "one", Batch: 9, Report: func(p store.Progress) {
					if batches++; batches > 11 && p.Step != "comparing" {
						cancel()
					}
				}})
				cancel()
				if err == nil {
					if census.Rows() != int64(len(tables)*copiedRows) {
						t.Errorf("%d rows", census.Rows())
					}
					break
				}
				if !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				stops++
				if err := to.CheckCopied(t.Context()); !errors.Is(err, store.ErrUnfinishedCopy) {
					t.Fatalf("half a copy passes for a whole one: %v", err)
				}
				if _, err := store.Copy(t.Context(), from.Store, to.Store, store.CopyOptions{Source: "another"}); api.KindOf(err) != api.KindConflict {
					t.Fatalf("half of one database was taken up with another: %v", err)
				}
			}
			if stops < 5 {
				t.Errorf("stopped %d times only", stops)
			}
			if _, err := store.Copy(t.Context(), from.Store, to.Store, store.CopyOptions{Source: "one"}); api.KindOf(err) != api.KindConflict {
				t.Errorf("copied into a database that is not empty: %v", err)
			}
		})
	}
}

func TestCopyFindsWhatIsNotTheSame(t *testing.T) {
	lite, pg := storetest.Open(t, store.SQLite), storetest.Open(t, store.Postgres)
	fill(t, lite)
	db := behind(t, pg)
	_, err := store.Copy(t.Context(), lite.Store, pg.Store, store.CopyOptions{Report: func(p store.Progress) {
		if p.Step == "comparing" && p.Done == 0 {
			change(t, db, "update token set last_used = last_used + 1 where id = (select min(id) from token)")
		}
	}})
	if err == nil || !strings.Contains(err.Error(), "the table token is not the same in both databases") {
		t.Errorf("%v", err)
	}
	if err := pg.CheckCopied(t.Context()); !errors.Is(err, store.ErrUnfinishedCopy) {
		t.Errorf("the copy passes for a good one: %v", err)
	}
}

// TestColumnsCanBeCopied holds every table of both engines to what a copy can carry: the same columns of the same kinds, and
// none that may be null but bytes.
func TestColumnsCanBeCopied(t *testing.T) {
	lite, pg := storetest.Open(t, store.SQLite), storetest.Open(t, store.Postgres)
	_, err := store.Copy(t.Context(), lite.Store, pg.Store, store.CopyOptions{})
	if err != nil {
		t.Errorf("copying empty tables: %v", err)
	}
	rows, err := behind(t, pg).QueryContext(t.Context(), `select table_name || '.' || column_name from information_schema.columns
		where table_schema = current_schema() and is_nullable = 'YES' and data_type <> 'bytea' and table_name <> 'goose_db_version'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		t.Errorf("%s may be null", name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
