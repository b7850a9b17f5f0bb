package store

import (
	"context"

	"github.com/pressly/goose/v3"

	"watchkeeper/api"
)

func (e *postgresEngine) tables(ctx context.Context, s session) ([]table, error) {
	rows, err := collect(ctx, s, scanCatalogueRow, `select c.relname, a.attname, format_type(a.atttypid, null),
			coalesce(array_position(k.conkey, a.attnum), 0)::bigint
		from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
		left join pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
		where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = current_schema()::regnamespace and c.relname <> $1
		order by c.relname collate "C", a.attnum`, goose.DefaultTablename)
	return groupColumns(rows), err
}

// sequenceOf is the sequence that a column is drawn from, as an identity or by its default; empty for none.
const sequenceOf = `select coalesce(pg_get_serial_sequence($1, $2), (select (regexp_match(pg_get_expr(d.adbin, d.adrelid), 'nextval\(''([^'']+)'''))[1]
	from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum where d.adrelid = $1::regclass and a.attname = $2), '')`

func (e *postgresEngine) counter(ctx context.Context, s session, table, column string) (last int64, counts bool, err error) {
	sequence, err := one(ctx, s, scanOne[string], sequenceOf, table, column)
	if err != nil || sequence == "" {
		return 0, false, err
	}
	last, err = one(ctx, s, scanOne[int64], "select case when is_called then last_value else 0 end from "+sequence)
	return last, err == nil, err
}

func (e *postgresEngine) setCounter(ctx context.Context, s session, table, column string, last int64) error {
	sequence, err := one(ctx, s, scanOne[string], sequenceOf, table, column)
	if err == nil && last > 0 {
		_, err = s.exec(ctx, "select setval($1::text::regclass, $2)", sequence, last)
	}
	return err
}

func (e *postgresEngine) given() string { return "overriding system value " }

func (e *postgresEngine) snapshot(context.Context, SnapshotOptions) error {
	return api.Errorf(api.KindInvalid, "a PostgreSQL database is copied with pg_dump")
}

// inspect has nothing to do: a server of PostgreSQL checks its pages when it reads them.
func (e *postgresEngine) inspect(context.Context) error { return nil }

// keepCopy has nothing to do: a step is taken back whole when it fails, and copies are made by those who run the server.
func (e *postgresEngine) keepCopy(context.Context, int64, func(Progress)) (func() error, error) {
	return func() error { return nil }, nil
}
