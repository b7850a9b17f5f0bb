package store

import (
	"fmt"

	"watchkeeper/api"
)

// targetRow is a row of target.
type targetRow struct {
	name string
	api.TargetTally
	digest string // the delivery that gathers, empty while none does
}

func scanTarget(r row) (*targetRow, error) {
	var t targetRow
	var told string
	if err := r.Scan(&t.name, &told, &t.digest, &t.DigestAt); err != nil {
		return nil, fmt.Errorf("reading a target: %w", err)
	}
	moments, err := parseList[int64](told)
	t.Told = each(moments, func(ms int64) api.Time { return api.Time(ms) })
	return &t, err
}

// targetSQL is the statements that need the engine's dialect, made once.
type targetSQL struct {
	insert string
	lock   string
	save   string
}

func newTargetSQL(e engine) targetSQL {
	return targetSQL{
		insert: `insert into target (name, told, told_at, digest, digest_at)
			select name, '[]', 0, '', 0 from ` + e.relation(1, text("name")) + ` i where true order by name
			on conflict (name) do nothing`,
		lock: `select name, told, digest, digest_at from target
			where name in (select name from ` + e.relation(1, text("name")) + ` i) order by name` + e.lockRows(lockWait),
		save: `update target set told = i.told, told_at = i.told_at, digest = i.digest, digest_at = i.digest_at from ` +
			e.relation(1, text("name"), text("told"), ints("told_at"), text("digest"), ints("digest_at")) + ` i
			where target.name = i.name`,
	}
}
