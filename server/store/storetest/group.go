package storetest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/hub"
)

var groupTests = map[string]func(*testing.T, *Fixture){
	"a commit wakes who waits":                 wakesAfterCommit,
	"a closed store refuses and loses nothing": closedStore,
	"one bad request does not fail the others": badNeighbour,
	"requests at once are answered one by one": manyRequests,
}

func wakesAfterCommit(t *testing.T, f *Fixture) {
	woken := f.Hub.Subscribe(hub.Changes)
	defer woken.Close()
	must(f.Pulses.Add(f.pulse("job", 60)))(t)
	select {
	case <-woken.C():
	case <-time.After(5 * time.Second):
		t.Fatal("a change woke nobody")
	}
}

func closedStore(t *testing.T, f *Fixture) {
	g := f.second(t, f.Clock)
	var wg sync.WaitGroup
	var mu sync.Mutex
	stored := 0
	for i := range 64 {
		wg.Go(func() {
			_, err := g.Events.Add([]api.Event{g.event("s", fmt.Sprint(i))}, nil)
			mu.Lock()
			defer mu.Unlock()
			switch api.KindOf(err) {
			case "":
				stored++
			case api.KindUnavailable:
			default:
				t.Errorf("unexpected error: %v", err)
			}
		})
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	same(t, "events found again", len(must(f.Events.After(t.Context(), 0, 1000))(t)), stored)
	_, err := g.Pulses.Add(g.pulse("job", 60))
	wantKind(t, err, api.KindUnavailable)
}

func badNeighbour(t *testing.T, f *Fixture) {
	// An exit code beyond the integers of the database is refused by none of them, so the trouble is made with text that
	// only PostgreSQL refuses; SQLite takes it, and both must keep the neighbours.
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			w := f.pulse(fmt.Sprintf("job %d", i), 60)
			if i == 20 {
				w.Scheme = "bad\xff\x00" + strings.Repeat("x", 10)
			}
			_, err := f.Pulses.Add(w)
			if err != nil && i != 20 {
				t.Errorf("job %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	for i := range 40 {
		if i != 20 {
			same(t, "state", f.service(t, fmt.Sprintf("job %d", i)).State, api.StateUp)
		}
	}
}

func manyRequests(t *testing.T, f *Fixture) {
	const n = 2000
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			r, err := f.Pulses.Add(f.pulse(fmt.Sprintf("job %d", i%500), 60))
			if err != nil || r.Name != fmt.Sprintf("job %d", i%500) {
				t.Errorf("request %d was answered with %+v, %v", i, r, err)
			}
		})
	}
	wg.Wait()
}
