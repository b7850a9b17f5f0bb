package service_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/hub"
	"watchkeeper/server/service"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

// running runs a loop until the test ends, which waits for it.
func running(t *testing.T, loop func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := loop(ctx); err != nil {
			t.Errorf("the loop ended with %v", err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
}

// TestSweeper follows a service into silence: the sweeper sleeps between its looks, and wakes for a deadline that came
// nearer.
func TestSweeper(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		s := feature(f)
		must(s.Create(context.Background(), api.ServiceInput{Name: new("job"), NextIn: new(api.Seconds(2)), Grace: new(api.Seconds(1))}))(t)
		must(s.Pulse(service.Sign{Name: "job"}))(t)
		pulsed := now(f)
		changes := f.Hub.Subscribe(hub.Changes)
		defer changes.Close()
		running(t, service.NewSweeper(s).Run)

		for range 30 {
			f.Clock.BlockUntil(1)
			f.Clock.Advance(100 * time.Millisecond)
		}
		for byName(t, f, "job").State != api.StateDown {
			<-changes.C() // the last look may be under way
		}
		var got []string
		list := must(f.Changes.OfService(context.Background(), byName(t, f, "job").ID, 0, 10))(t)
		for _, c := range list {
			got = append(got, string(c.To)+" "+c.At.Sub(pulsed).String())
		}
		same(t, "changes, newest first", got, []string{"down 3s", "late 2s", "up 0s"})
	})
}

// TestSweeperLooksFarBack checks that what came due long ago is found at the start: the sweeper else looks back a minute.
func TestSweeperLooksFarBack(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	s := feature(f)
	must(s.Pulse(service.Sign{Name: "job", Create: &api.ServiceSettings{Name: "job"}, NextIn: 60}))(t)
	f.Clock.Advance(time.Hour)
	changes := f.Hub.Subscribe(hub.Changes)
	defer changes.Close()
	running(t, service.NewSweeper(s).Run)
	<-changes.C()
	same(t, "state", byName(t, f, "job").State, api.StateDown)
}

func TestLiveness(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		ctx := context.Background()
		f.Servers.Register(store.Presence{ID: "one"})
		must(f.Servers.Beat(ctx))(t)
		f.Clock.Advance(store.MinGap) // before it runs: nobody watched
		away := api.Gap{From: api.TimeOf(storetest.Start), To: now(f)}
		running(t, service.NewLiveness(feature(f)).Run)
		for range 10 {
			f.Clock.BlockUntil(1)
			same(t, "last mark", must(f.Servers.LastAlive(ctx))(t), now(f))
			f.Clock.Advance(time.Second)
		}
		same(t, "gaps", must(f.Servers.Gaps(ctx))(t), []api.Gap{away})
	})
}

// TestLivenessTellsOfTrouble checks that a server that cannot mark its life says so, until it can again.
func TestLivenessTellsOfTrouble(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	f.Servers.Register(store.Presence{ID: "one"})
	l := service.NewLiveness(feature(f))
	running(t, l.Run)
	f.Clock.BlockUntil(1)
	if err := l.Trouble(); err != nil {
		t.Errorf("there is trouble already: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f.Clock.Advance(time.Second)
	f.Clock.BlockUntil(1)
	if err := l.Trouble(); err == nil {
		t.Error("a mark that was not written is no trouble")
	}
}
