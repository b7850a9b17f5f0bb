package store_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"watchkeeper/api"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

// behind opens the database of a fixture behind the store's back, as somebody with access to it could.
func behind(t *testing.T, f *storetest.Fixture) *sql.DB {
	t.Helper()
	driver, source := "pgx", f.Options.Database
	if f.Engine() == store.SQLite {
		driver, source = "sqlite", filepath.Join(f.Options.Folder, store.StateFile)+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

const auditedRows = 10

// audited gives a store in whose audit there are ten rows, each with every column filled.
func audited(t *testing.T, f *storetest.Fixture) *sql.DB {
	t.Helper()
	ctx := api.WithActor(t.Context(), api.Actor{
		Kind: api.ActorToken, Name: "ops", Ref: "0194b9c2-7d3e-7c41-9a55-2f1c6e0d8b17", Address: "192.0.2.7", RequestID: "abc-1",
	})
	for n := range auditedRows {
		name := fmt.Sprintf("service %d", n+1)
		if _, err := f.Services.Create(ctx, api.ServiceSettings{Name: name, NextIn: 60, Grace: 60}); err != nil {
			t.Fatal(err)
		}
		f.Clock.Advance(time.Second)
	}
	check, err := f.Audit.Verify(t.Context(), "")
	if err != nil || check.Broken != nil || check.Rows != auditedRows {
		t.Fatalf("before anything was changed: %+v, %v", check, err)
	}
	return behind(t, f)
}

func change(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		r, err := db.ExecContext(t.Context(), s)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		if n, err := r.RowsAffected(); n == 0 || err != nil {
			t.Fatalf("%s changed %d rows: %v", s, n, err)
		}
	}
}

func wantBroken(t *testing.T, f *storetest.Fixture, row int64, reason string) {
	t.Helper()
	check, err := f.Audit.Verify(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if check.Broken == nil || check.Broken.Row != row || !strings.Contains(check.Broken.Reason, reason) {
		t.Errorf("found %+v, want row %d: %s", check.Broken, row, reason)
	}
}

func TestVerifyFindsWhatWasDoneToTheAudit(t *testing.T) {
	const anew = "insert into audit select 6, at, actor_kind, actor, actor_ref, address, request_id, action, subject, detail, previous, hash from audit where id = 5"
	tests := []struct {
		name   string
		do     []string
		row    int64
		reason string
	}{
		{"id", []string{"update audit set id = 1000 where id = 5"}, 5, "is missing"},
		{"at", []string{"update audit set at = at + 1 where id = 5"}, 5, "was changed"},
		{"actor_kind", []string{"update audit set actor_kind = 'password' where id = 5"}, 5, "was changed"},
		{"actor", []string{"update audit set actor = 'mallory' where id = 5"}, 5, "was changed"},
		{"actor_ref", []string{"update audit set actor_ref = 'other' where id = 5"}, 5, "was changed"},
		{"address", []string{"update audit set address = '192.0.2.8' where id = 5"}, 5, "was changed"},
		{"request_id", []string{"update audit set request_id = 'abc-2' where id = 5"}, 5, "was changed"},
		{"action", []string{"update audit set action = 'service.delete' where id = 5"}, 5, "was changed"},
		{"subject", []string{"update audit set subject = 'other' where id = 5"}, 5, "was changed"},
		{"detail", []string{"update audit set detail = '{}' where id = 5"}, 5, "was changed"},
		{"previous", []string{"update audit set previous = hash where id = 5"}, 5, "does not follow"},
		{"hash", []string{"update audit set hash = previous where id = 5"}, 5, "was changed"},
		{"text moved between columns", []string{"update audit set actor = actor || substr(actor_ref, 1, 1), actor_ref = substr(actor_ref, 2) where id = 5"}, 5, "was changed"},
		{"a row deleted", []string{"delete from audit where id = 5"}, 5, "is missing"},
		{"the first row deleted", []string{"delete from audit where id = 1"}, 1, "is missing"},
		{"two rows swapped", []string{
			"update audit set id = 1000 where id = 5", "update audit set id = 5 where id = 6", "update audit set id = 6 where id = 1000",
		}, 5, "does not follow"},
		{"rows after a deleted one moved up", []string{
			"delete from audit where id = 5", "update audit set id = -id where id > 5", "update audit set id = -id - 1 where id < 0",
		}, 5, "does not follow"},
		{"a row put in", []string{"update audit set id = -id where id > 5", "update audit set id = 1 - id where id < 0", anew}, 6, "does not follow"},
		{"the tail cut off", []string{"delete from audit where id > 7"}, 8, "up to row 10"},
		{"all rows deleted", []string{"delete from audit"}, 1, "up to row 10"},
		{"the seal taken away", []string{"delete from setting where name = 'audit_head'"}, 10, "has no seal"},
		{"the seal forged", []string{"update setting set value = 'wk1.forged' where name = 'audit_head'"}, 10, "seal of the last row is broken"},
		{"rows and seal deleted", []string{"delete from audit", "delete from setting where name = 'audit_head'"}, 1, "is missing"},
	}
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		db := audited(t, f)
		save(t, db)
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				change(t, db, tt.do...)
				wantBroken(t, f, tt.row, tt.reason)
			})
			restore(t, db)
		}
	})
}

// save and restore keep the audit from one tampering to the next.
func save(t *testing.T, db *sql.DB) {
	run(t, db, "create table audit_was as select * from audit", "create table setting_was as select * from setting where name = 'audit_head'")
}

func restore(t *testing.T, db *sql.DB) {
	run(t, db, "delete from audit", "insert into audit select * from audit_was",
		"delete from setting where name = 'audit_head'", "insert into setting select * from setting_was")
}

func run(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// Somebody who writes rows anew with right hashes lacks the secret for the seal.
func TestVerifyFindsAnAuditThatWasWrittenAnew(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		db := audited(t, f)
		rows, err := f.Audit.List(t.Context(), api.AuditFilter{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		previous := ""
		for i := len(rows) - 1; i >= 0; i-- {
			r := rows[i]
			if r.ID == 5 {
				r.Actor.Name = "mallory"
			}
			if previous != "" {
				r.Previous = previous
			}
			r.Hash = r.Sum()
			previous = r.Hash
			change(t, db, fmt.Sprintf("update audit set actor = '%s', previous = '%s', hash = '%s' where id = %d", r.Actor.Name, r.Previous, r.Hash, r.ID))
		}
		wantBroken(t, f, auditedRows, "written anew")
	})
}

// What was done to the audit stays found after more was written, and does not keep anybody from writing.
func TestDamageIsNotHealedByWhatFollows(t *testing.T) {
	tests := []struct {
		name   string
		do     string
		row    int64
		reason string
	}{
		{"the tail cut off", "delete from audit where id > 7", 8, "is missing"},
		{"all rows deleted", "delete from audit", 1, "is missing"},
		{"the seal taken away", "delete from setting where name = 'audit_head'", 11, "was damaged before"},
		{"the seal forged", "update setting set value = 'wk1.forged' where name = 'audit_head'", 11, "was damaged before"},
		{"a row put in at the end", `insert into audit select 11, at, actor_kind, actor, actor_ref, address, request_id, action, subject, detail, previous, hash
			from audit where id = 10`, 11, "does not follow"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
				db := audited(t, f)
				change(t, db, tt.do)
				for range 2 {
					if err := f.Audit.Record(t.Context(), api.AuditServiceDelete, "one more", nil); err != nil {
						t.Fatal(err)
					}
				}
				wantBroken(t, f, tt.row, tt.reason)
			})
		})
	}
}
