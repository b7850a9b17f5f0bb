package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify/notifytest"
	"watchkeeper/server/store/storetest/pgtest"
)

// TestTwoServersOneKilled runs two servers on one database, kills one just before many services go silent, and demands
// that each outage is found once and told once.
func TestTwoServersOneKilled(t *testing.T) {
	const services = 30
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	hook := notifytest.StartReceiver(t)
	in := &installation{folder: t.TempDir(), database: pgtest.Database(t)}
	one := in.start(t)
	two := in.start(t)
	for i := range services {
		sender := one
		if i%2 == 1 {
			sender = two
		}
		// A target each, so that no digest gathers them.
		ask[any](t, sender, "POST", "/heartbeat", fmt.Sprintf(
			`{"service":"job %d","nextIn":3,"alertType":"webhook","alertTarget":"%s/%d"}`, i, hook.URL(), i))
	}
	one.kill()
	if _, err := hook.Wait(ctx, services); err != nil {
		t.Fatalf("%d of %d messages came: %v", len(hook.Hooks()), services, err)
	}
	for i := range services {
		path := fmt.Sprintf("/api/v1/services/job%%20%d/flips", i)
		flips := ask[api.Page[api.Change]](t, two, "GET", path, "").Items
		if len(flips) != 2 || flips[0].To != api.StateDown {
			t.Errorf("job %d: %d changes", i, len(flips))
		}
	}
	// The survivor goes on: a recovery is told, by one message.
	ask[any](t, two, "POST", "/heartbeat", fmt.Sprintf(`{"service":"job 0","nextIn":600,"alertType":"webhook","alertTarget":"%s/0"}`, hook.URL()))
	hooks, err := hook.Wait(ctx, services+1)
	if err != nil {
		t.Fatal(err)
	}
	if len(hooks) != services+1 {
		t.Errorf("%d messages, want %d", len(hooks), services+1)
	}
	if err := two.stop(t); err != nil {
		t.Errorf("ended with %v", err)
	}
}

// TestOwnAbsenceIsNotTheServicesFault stops a server for longer than a service's nextIn and demands that the service is
// given time to pulse again.
func TestOwnAbsenceIsNotTheServicesFault(t *testing.T) {
	each(t, func(t *testing.T, in *installation) {
		p := in.start(t)
		ask[any](t, p, "POST", "/heartbeat", `{"service":"job","nextIn":5,"alertType":"mail","alertTarget":"me@example.org"}`)
		p.kill()
		time.Sleep(7 * time.Second) // the absence must be longer than nextIn and than what is ignored
		p = in.start(t)
		time.Sleep(2 * time.Second) // the deadline is over, the hold is not
		flips := ask[api.Page[api.Change]](t, p, "GET", "/api/v1/services/job/flips", "").Items
		if len(flips) != 1 {
			t.Errorf("%d changes during the hold, want the first only", len(flips))
		}
		var found api.Change
		eventually(t, "silence is judged after the hold", 10*time.Second, func() bool {
			found = ask[api.Page[api.Change]](t, p, "GET", "/api/v1/services/job/flips", "").Items[0]
			return found.To == api.StateDown
		})
		if found.Facts.Gap == nil {
			t.Errorf("the change does not name the absence: %+v", found)
		}
	})
}
