package cron_test

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"watchkeeper/server/cron"
	"watchkeeper/server/store/storetest"
	"watchkeeper/server/store/storetest/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Wrap(m)) }

func TestOneLeaderRunsTheJobs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		ran := make(chan string, 1000)
		start := func(server string) {
			c := cron.New(cron.Options{Leases: f.Leases, Server: server, Clock: f.Clock, Log: slog.New(slog.DiscardHandler), Jobs: []cron.Job{
				{Name: "tick", Every: 10 * time.Millisecond, Run: func(context.Context) error { ran <- server; return nil }},
			}})
			wg.Go(func() {
				if err := c.Run(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		start("one")
		if first := <-ran; first != "one" {
			t.Fatalf("%s ran first", first)
		}
		start("two")
		for range 20 {
			if who := <-ran; who != "one" {
				t.Fatalf("%s ran while one leads", who)
			}
		}
		cancel()
		wg.Wait()
	})
}

func TestShutdownWaitsForTheJob(t *testing.T) {
	f := storetest.Open(t, storetest.Engines[0])
	ctx, cancel := context.WithCancel(context.Background())
	started, done := make(chan struct{}), atomic.Bool{}
	var once sync.Once
	c := cron.New(cron.Options{Leases: f.Leases, Server: "one", Clock: f.Clock, Log: slog.New(slog.DiscardHandler), Jobs: []cron.Job{
		{Name: "slow", Every: time.Hour, Run: func(ctx context.Context) error {
			once.Do(func() { close(started) })
			<-ctx.Done()
			done.Store(true)
			return nil
		}},
	}})
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	<-started
	cancel()
	if err := <-ended; err != nil || !done.Load() {
		t.Errorf("ended with %v, job done: %v", err, done.Load())
	}
}
