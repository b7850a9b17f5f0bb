package e2e

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"watchkeeper/api"
	"watchkeeper/migrations"
	"watchkeeper/server/store"
)

const (
	oldServices = 20_000
	oldPulses   = 1_000_000
)

// TestUpgradeWhilePulsesArrive starts servers on a database that the first schema wrote and that a million pulses are in,
// while clients go on. They are told to come back until it is migrated, and nothing that was or is acknowledged is lost. On
// PostgreSQL two servers start at once.
func TestUpgradeWhilePulsesArrive(t *testing.T) {
	each(t, func(t *testing.T, in *installation) {
		writeFirstSchema(t, in)
		addresses := []string{freeAddress(t)}
		if in.database != "" {
			addresses = append(addresses, freeAddress(t))
		}
		stop := make(chan struct{})
		var clients, starts sync.WaitGroup
		pulses := make([]int, len(addresses))
		stages := make([]map[string]bool, len(addresses))
		for i, address := range addresses {
			transport := &http.Transport{}
			t.Cleanup(transport.CloseIdleConnections)
			p := &process{url: "http://" + address, client: &http.Client{Transport: transport, Timeout: 20 * time.Second}}
			clients.Go(func() { pulses[i] = pulseUntil(p, i, stop) })
			stages[i] = map[string]bool{}
			clients.Go(func() { watchReady(p, stages[i], stop) })
		}
		servers := make([]*process, len(addresses))
		for i, address := range addresses {
			another := &installation{folder: in.folder, database: in.database, more: []string{"WATCHKEEPER_LISTEN=" + address}}
			if i > 0 {
				another.folder = t.TempDir()
			}
			starts.Go(func() { servers[i] = another.start(t) })
		}
		starts.Wait()
		if t.Failed() {
			close(stop)
			t.FailNow()
		}
		eventually(t, "pulses are taken", 20*time.Second, func() bool {
			status, _, err := servers[0].do("GET", "/api/v1/services/client%200", "")
			return err == nil && status == 200
		})
		time.Sleep(500 * time.Millisecond) // some more are to arrive
		close(stop)
		clients.Wait()

		seen := fmt.Sprint(stages)
		if !strings.Contains(seen, "migrating the database, 000") {
			t.Errorf("/readyz said %s, want the step that is being taken", seen)
		}
		for i, n := range pulses {
			if kept := countPulses(t, servers[0], fmt.Sprintf("client %d", i)); kept != n || n == 0 {
				t.Errorf("client %d: %d pulses are kept and %d were acknowledged", i, kept, n)
			}
		}
		if n := countPulses(t, servers[0], "old 17"); n != oldPulses/oldServices {
			t.Errorf("a service of before has %d pulses, want %d", n, oldPulses/oldServices)
		}
		status := ask[api.Status](t, servers[0], "GET", "/api/v1/status", "")
		if want := int64(oldServices + len(addresses)); status.Services.Total != want || status.Services.Up != want {
			t.Errorf("services %+v, want %d up", status.Services, want)
		}
		if in.database == "" {
			if kept, err := filepath.Glob(filepath.Join(in.folder, store.StateFile+".before-*")); err != nil || len(kept) != 1 {
				t.Errorf("copies of before: %v, %v", kept, err)
			}
		}
	})
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// pulseUntil pulses a service of its own and gives how many pulses were acknowledged.
func pulseUntil(p *process, client int, stop <-chan struct{}) (acknowledged int) {
	body := fmt.Sprintf(`{"service":"client %d","nextIn":3600,"alertType":"mail","alertTarget":"me@example.org"}`, client)
	for {
		status, text, err := p.do("POST", "/heartbeat", body)
		var answer struct{ Result int }
		if err == nil && status == 200 && json.Unmarshal(text, &answer) == nil && answer.Result == 200 {
			acknowledged++
		}
		select {
		case <-stop:
			return acknowledged
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// watchReady notes what /readyz says.
func watchReady(p *process, stages map[string]bool, stop <-chan struct{}) {
	for {
		if status, text, err := p.do("GET", "/readyz", ""); err == nil && status == 503 {
			stages[strings.TrimSpace(string(text))] = true
		}
		select {
		case <-stop:
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// writeFirstSchema makes the database as the first release left it.
func writeFirstSchema(t *testing.T, in *installation) {
	t.Helper()
	driver, source, dialect, files, folder := "sqlite", filepath.Join(in.folder, store.StateFile), goose.DialectSQLite3, migrations.SQLite, "sqlite"
	numbers := "(with recursive n(i) as (select 0 union all select i + 1 from n where i < %d - 1) select i from n) as n"
	if in.database != "" {
		driver, source, dialect, files, folder = "pgx", in.database, goose.DialectPostgres, migrations.Postgres, "postgres"
		numbers = "generate_series(0, %d - 1) as n(i)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	steps, err := fs.Sub(files, folder)
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(dialect, db, steps)
	if err == nil {
		_, err = provider.UpTo(t.Context(), 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	statements := []string{
		fmt.Sprintf("insert into server (id, name, version, started_at, seen_at) values ('old', 'old', '0.0.1', %d, %[1]d)", now.UnixMilli()),
		fmt.Sprintf(`insert into service (id, name_key, name, slug, description, tags, host, next_in, cron, time_zone, grace, max_run, min_run,
			finish_within, alerts, manual_resume, created_at, updated_at, state, state_since, first_pulse, last_pulse, last_start, last_duration,
			expected, deadline, judge_at, stated_next_in, open_runs, alert_type, alert_target, plain)
			select 'id ' || i, 'old ' || i, 'old ' || i, '', '', '[]', '', 0, '', '', 0, 0, 0, 0, '[]', 0, %[1]d, %[1]d, 'up', %[1]d, %[1]d, %[1]d, 0, 0,
			%[1]d + 36000000, %[1]d + 36000000, %[1]d + 36000000, 36000, '[]', 'mail', 'me@example.org', 1 from `+numbers,
			now.UnixMilli(), oldServices),
		fmt.Sprintf(`insert into pulse (service, kind, received_at, time, next_in, duration, exit_code, rid, scheme, method, remote_addr, user_agent)
			select i %% %[3]d + 1, 'success', %[1]d, %[1]d, 36000, 0, -1, '', 'https', 'POST', '192.0.2.7', 'curl' from `+numbers,
			now.UnixMilli(), oldPulses, oldServices),
	}
	if in.database != "" {
		day := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
		statements = append([]string{fmt.Sprintf("create table pulse_%s partition of pulse for values from (%d) to (%d)",
			day.Format("20060102"), day.UnixMilli(), day.AddDate(0, 0, 1).UnixMilli())}, statements...)
	} else {
		statements = append([]string{"pragma journal_mode = wal"}, statements...)
	}
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%.60s: %v", s, err)
		}
	}
}
