package e2e

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify/notifytest"
	"watchkeeper/server/app"
	"watchkeeper/server/backup"
	"watchkeeper/server/config"
	"watchkeeper/server/store/storetest/pgtest"
)

// options are those of a command on the machine of the installation.
func (in *installation) options() app.DatabaseOptions {
	c := config.Default()
	c.Data, c.Database, c.Secret = in.folder, in.database, "a secret of the tests"
	return app.DatabaseOptions{Config: c, Log: slog.New(slog.DiscardHandler)}
}

// age lets a database be a day older, as far as anything is decided by its times.
func age(t *testing.T, exec func(statement string) error) {
	t.Helper()
	const day = 24 * 60 * 60 * 1000
	for _, column := range []string{
		"server.seen_at", "server.started_at", "service.state_since", "service.first_pulse", "service.last_pulse", "service.expected",
		"service.deadline", "service.judge_at", "incident.opened_at", "incident.attend_at", "delivery.next_attempt", "delivery.due_at",
		"target.told_at", "target.digest_at", "lease.until_at",
	} {
		table, name, _ := bytes.Cut([]byte(column), []byte("."))
		if err := exec(fmt.Sprintf("update %s set %s = %s - %d where %s > 0", table, name, name, day, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// setBack makes a backup of a running server and gives what puts it back, a day older, while none runs.
type setBack func(t *testing.T, in *installation) (restore func())

func sqliteBackup(t *testing.T, in *installation) func() {
	var archive bytes.Buffer
	m, err := app.Backup(t.Context(), app.BackupOptions{DatabaseOptions: in.options(), Version: "e2e", Out: &archive})
	if err != nil || m.Rows["service"] == 0 {
		t.Fatalf("the backup holds %v, %v", m.Rows, err)
	}
	return func() {
		folder := t.TempDir()
		a, err := backup.Open(&archive)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		if err := a.Extract(t.Context(), folder, nil); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, backup.StateFile)
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		age(t, func(statement string) error {
			_, err := db.ExecContext(t.Context(), statement)
			return err
		})
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		var aged bytes.Buffer
		if err := backup.Write(t.Context(), &aged, &a.Manifest, []backup.Content{{Name: backup.StateFile, Path: path}}, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := app.Restore(t.Context(), app.RestoreOptions{DatabaseOptions: in.options(), Backup: &aged}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRestoredADayLater restores a backup of a day ago while clients go on, and demands that no service that lives is
// blamed for it, that nothing which was told is told again, that an outage is told as ever, and that nobody who follows a
// list goes on in the midst of other rows.
func TestRestoredADayLater(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { restoredADayLater(t, &installation{folder: t.TempDir()}, sqliteBackup) })
	t.Run("postgres", func(t *testing.T) {
		database := pgtest.Start(t, pgtest.Options{})
		if err := database.Create(t.Context(), "watched", "template1"); err != nil {
			t.Fatal(err)
		}
		in := &installation{folder: t.TempDir(), database: database.URL("watched")}
		restoredADayLater(t, in, func(t *testing.T, in *installation) func() {
			// PostgreSQL copies a database that nobody uses.
			if err := in.now().stop(t); err != nil {
				t.Fatal(err)
			}
			if err := database.Create(t.Context(), "copied", "watched"); err != nil {
				t.Fatal(err)
			}
			in.start(t)
			return func() {
				in.database = database.URL("copied")
				conn, err := pgx.Connect(t.Context(), in.database)
				if err != nil {
					t.Fatal(err)
				}
				age(t, func(statement string) error {
					_, err := conn.Exec(t.Context(), statement)
					return err
				})
				if err := conn.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
				if _, err := app.MarkRestored(t.Context(), in.options()); err != nil {
					t.Fatal(err)
				}
			}
		})
	})
}

const beatEvery = 400 * time.Millisecond

// beats pulses a service until stop is closed, on whichever server runs.
func beats(in *installation, service, target string, stop <-chan struct{}) {
	body := fmt.Sprintf(`{"service":%q,"nextIn":3,"alertType":"webhook","alertTarget":%q}`, service, target)
	for {
		_, _, _ = in.now().do("POST", "/heartbeat", body)
		select {
		case <-stop:
			return
		case <-time.After(beatEvery):
		}
	}
}

func restoredADayLater(t *testing.T, in *installation, back setBack) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const living = 8
	hook, stubborn := notifytest.StartReceiver(t), notifytest.StartReceiver(t)
	stubborn.Answer(notifytest.Answer{Status: 503})
	in.start(t)
	var clients sync.WaitGroup
	stop, stopFirst := make(chan struct{}), make(chan struct{})
	for i := range living {
		until := stop
		if i == 0 {
			until = stopFirst
		}
		clients.Go(func() { beats(in, fmt.Sprintf("job %d", i), fmt.Sprintf("%s/%d", hook.URL(), i), until) })
	}
	stopped := sync.OnceFunc(func() { close(stop); clients.Wait() })
	stoppedFirst := sync.OnceFunc(func() { close(stopFirst) })
	t.Cleanup(func() { stoppedFirst(); stopped() })
	pulse := func(service, target string, nextIn int) {
		ask[any](t, in.now(), "POST", "/heartbeat", fmt.Sprintf(`{"service":%q,"nextIn":%d,"alertType":"webhook","alertTarget":%q}`, service, nextIn, target))
	}
	pulse("dead", hook.URL()+"/dead", 1)
	pulse("unsent", stubborn.URL(), 1)
	if _, err := hook.Wait(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := stubborn.Wait(ctx, 1); err != nil { // refused, so it waits to be sent again
		t.Fatal(err)
	}
	page := ask[api.Page[api.Event]](t, in.now(), "GET", "/api/v1/events?limit=1", "")
	position := lastPosition(t, in.now())

	restore := back(t, in)

	pulse("later", hook.URL()+"/later", 600) // is lost
	if _, err := stubborn.Wait(ctx, 2); err != nil {
		t.Fatal(err) // the server that went on has sent it at last
	}
	if err := in.now().stop(t); err != nil {
		t.Fatal(err)
	}
	restore()
	in.start(t)

	// Clients that follow something begin it again.
	for path, what := range map[string]string{
		"/api/v1/events?limit=1&cursor=" + page.Next: "a cursor", "/api/v1/events/stream?after=" + position: "a stream",
	} {
		if status, text, err := in.now().do("GET", path, ""); err != nil || status != 410 {
			t.Errorf("%s of before: %d %s %v, want 410", what, status, text, err)
		}
	}
	if status, _, err := in.now().do("GET", "/api/v1/services/later", ""); err != nil || status != 404 {
		t.Errorf("what came after the backup is still there: %d %v", status, err)
	}
	deliveries := ask[api.Page[api.Delivery]](t, in.now(), "GET", "/api/v1/deliveries?state=failed", "").Items
	if len(deliveries) != 1 || deliveries[0].Subject != "unsent" || deliveries[0].Reason != "restored" {
		t.Errorf("deliveries that failed: %+v", deliveries)
	}

	time.Sleep(5 * time.Second) // longer than any living service's nextIn
	for i := range living {
		path := fmt.Sprintf("/api/v1/services/job%%20%d/flips", i)
		if flips := ask[api.Page[api.Change]](t, in.now(), "GET", path, "").Items; len(flips) != 1 {
			t.Errorf("job %d: %d changes, want the first only", i, len(flips))
		}
	}
	if n, m := len(hook.Hooks()), len(stubborn.Hooks()); n != 1 || m != 2 {
		t.Errorf("%d and %d messages after the restore, want 1 and 2: nothing is told again", n, m)
	}
	stoppedFirst()
	hooks, err := hook.Wait(ctx, 2)
	if err != nil {
		t.Fatalf("an outage after the restore was not told: %v", err)
	}
	if hooks[1].Path != "/0" {
		t.Errorf("told of %s, want of the service that stopped", hooks[1].Path)
	}
	pulse("dead", hook.URL()+"/dead", 600)
	if hooks, err = hook.Wait(ctx, 3); err != nil || hooks[2].Path != "/dead" {
		t.Errorf("the recovery of what was down all the time: %v, %v", hooks, err)
	}
	stopped()
}

// lastPosition reads the first message of the stream of events and gives its id.
func lastPosition(t *testing.T, p *process) string {
	t.Helper()
	page := ask[api.Page[api.Event]](t, p, "GET", "/api/v1/events?limit=1", "")
	return fmt.Sprintf("1-%d", page.Items[0].ID)
}
