package e2e

import (
	"context"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store/storetest/pgtest"
)

// TestDatabaseGoesAwayAndComesBack kills PostgreSQL under a server. Meanwhile nothing is acknowledged; afterwards the
// server goes on by itself, and the time in which it could not watch is not blamed on the services.
func TestDatabaseGoesAwayAndComesBack(t *testing.T) {
	ctx := context.Background()
	database := pgtest.Start(t, pgtest.Options{})
	in := &installation{folder: t.TempDir(), database: database.Database(t)}
	p := in.start(t)
	const beat = `{"service":"job","nextIn":4,"alertType":"mail","alertTarget":"me@example.org"}`
	ask[any](t, p, "POST", "/heartbeat", beat)

	if err := database.Kill(ctx); err != nil {
		t.Fatal(err)
	}
	if status, text, err := p.do("POST", "/heartbeat", beat); err != nil || status != 503 {
		t.Errorf("a pulse without a database is answered with %d %s %v, want 503", status, text, err)
	}
	if status, _, err := p.do("GET", "/healthz", ""); err != nil || status != 200 {
		t.Errorf("healthz: %d %v", status, err)
	}
	if status, _, err := p.do("GET", "/readyz", ""); err != nil || status != 503 {
		t.Errorf("readyz: %d %v, want 503", status, err)
	}
	time.Sleep(6 * time.Second) // longer than nextIn, and than the absences that do not count
	if err := database.Start(ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server stores pulses again", 15*time.Second, func() bool {
		status, _, err := p.do("POST", "/heartbeat", beat)
		return err == nil && status == 200
	})
	for _, c := range ask[api.Page[api.Change]](t, p, "GET", "/api/v1/services/job/flips", "").Items {
		if c.To == api.StateDown {
			t.Errorf("the absence of the database was blamed on the service: %+v", c)
		}
	}
	eventually(t, "silence is noticed as before", 15*time.Second, func() bool {
		return ask[api.Page[api.Change]](t, p, "GET", "/api/v1/services/job/flips", "").Items[0].To == api.StateDown
	})
}
