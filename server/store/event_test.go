package store_test

import (
	"database/sql"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

// Whoever draws ids of changes and of events takes the changes first. An event that asks for an alert draws both, and must
// not wait for the changes with the events in its hand: who has the changes goes on to wait for the events.
func TestAlertEventsWaitForChangesFirst(t *testing.T) {
	f := storetest.Open(t, store.Postgres)
	db, err := sql.Open("pgx", f.Options.Database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	other, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(query string) (got bool) {
		t.Helper()
		if err := other.QueryRowContext(t.Context(), query).Scan(&got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	if !ask("select pg_try_advisory_xact_lock(hashtext('watchkeeper change'))") {
		t.Fatal("the lock of changes is not free")
	}
	added := make(chan error, 1)
	go func() {
		at := api.TimeOf(f.Clock.Now())
		_, err := f.Events.Add([]api.Event{{Service: "s", Message: "m", Alert: true, Time: at, ReceivedAt: at}}, nil)
		added <- err
	}()
	const waits = `select exists (select 1 from pg_locks where locktype = 'advisory' and not granted
		and database = (select oid from pg_database where datname = current_database()))`
	for deadline := time.Now().Add(10 * time.Second); !ask(waits); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody waits for the lock of changes")
		}
	}
	if !ask("select pg_try_advisory_xact_lock(hashtext('watchkeeper event'))") {
		t.Error("the event waits for the changes and keeps others from the events")
	}
	if err := other.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-added; err != nil {
		t.Fatal(err)
	}
}
