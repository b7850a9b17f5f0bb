package storetest

import (
	"sync"
	"testing"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

var streamTests = map[string]func(*testing.T, *Fixture){
	"a record that comes twice at once is stored once": sequenceAtOnce,
}

// sequenceAtOnce lets a sender that gave up on one server repeat on another while the first is still at it, with every
// number of a stream from the first on.
func sequenceAtOnce(t *testing.T, f *Fixture) {
	servers := []*Fixture{f, f}
	if f.Engine() == store.Postgres { // of which alone several share a database
		servers[1] = f.second(t, f.Clock)
	}
	for number := range uint64(20) {
		var mu sync.Mutex
		stored := 0
		var wg sync.WaitGroup
		for _, server := range servers {
			wg.Go(func() {
				added, err := server.Events.Add([]api.Event{f.event("s", "m")}, &store.Sequence{Sender: "a", Stream: "abc", Number: number})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if !added.Repeated {
					stored++
				}
			})
		}
		wg.Wait()
		same(t, "servers that stored it", stored, 1)
	}
}
