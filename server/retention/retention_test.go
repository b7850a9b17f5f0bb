package retention_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"watchkeeper/api"
	"watchkeeper/server/clock"
	"watchkeeper/server/retention"
	"watchkeeper/server/store/storetest"
	"watchkeeper/server/store/storetest/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Wrap(m)) }

// moved is the clock of a store set forward, on which pauses pass by themselves.
type moved struct {
	*clock.System
	by time.Duration
}

func (m moved) Now() time.Time { return m.System.Now().Add(m.by) }

func feature(f *storetest.Fixture, keep map[api.Table]api.Retention) *retention.Retention {
	system := clock.NewSystem(clock.Options{})
	return retention.New(retention.Options{
		Store: f.Store, Clock: moved{system, f.Clock.Now().Sub(system.Now())}, Log: slog.New(slog.DiscardHandler), Keep: keep,
	})
}

func fill(t *testing.T, f *storetest.Fixture, batches int) {
	t.Helper()
	for i := range batches {
		events := make([]api.Event, 1000)
		for j := range events {
			at := api.TimeOf(f.Clock.Now())
			events[j] = api.Event{Service: "s", Message: fmt.Sprint(i, strings.Repeat("x", 100)), Time: at, ReceivedAt: at}
		}
		if _, err := f.Events.Add(events, nil); err != nil {
			t.Fatal(err)
		}
		f.Clock.Advance(time.Hour)
	}
}

func events(t *testing.T, f *storetest.Fixture) (n int) {
	t.Helper()
	for after := int64(0); ; {
		page, err := f.Events.After(context.Background(), after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return n
		}
		n, after = n+len(page), page[len(page)-1].ID
	}
}

func TestForEver(t *testing.T) {
	f := storetest.Open(t, "sqlite")
	fill(t, f, 2)
	f.Clock.Advance(10_000 * time.Hour)
	if err := feature(f, map[api.Table]api.Retention{api.TableEvents: {}}).RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := events(t, f); n != 2000 {
		t.Errorf("%d events are left of 2000 that are kept for ever", n)
	}
}

func TestByAge(t *testing.T) {
	f := storetest.Open(t, "sqlite")
	fill(t, f, 20)
	if err := feature(f, map[api.Table]api.Retention{api.TableEvents: {Age: 10*time.Hour + time.Minute}}).RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := events(t, f); n != 10_000 {
		t.Errorf("%d events are left of 20 hours, of which 10 are kept", n)
	}
}

// TestBySize lets a budget be exceeded on both engines, while somebody goes on writing.
func TestBySize(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		const budget = 3 << 19
		fill(t, f, 20)
		r := feature(f, map[api.Table]api.Retention{api.TableEvents: {Bytes: budget}})
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) { // until all are counted
			if use, err := r.Store.Retention.Use(t.Context(), api.TableEvents); err != nil || use.Rows > 19_000 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the events are not counted")
			}
		}
		before, err := f.Size(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := r.RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		n := events(t, f)
		if n < 4000 || n > 12_000 {
			t.Errorf("%d of 20,000 events are left in %d bytes", n, budget)
		}
		page, err := f.Events.After(t.Context(), 0, 1)
		if err != nil || page[0].ReceivedAt < api.TimeOf(storetest.Start.Add(8*time.Hour)) {
			t.Errorf("the oldest event that is left is %v, %v", page, err)
		}
		s, err := r.Describe(t.Context())
		if err != nil || s.Bytes == 0 || len(s.Tables) != len(api.Tables()) || s.Tables[0].KeepBytes != budget {
			t.Errorf("described as %+v, %v", s, err)
		}
		if after, err := f.Size(t.Context()); f.Engine() == "sqlite" && (err != nil || after > before) {
			t.Errorf("the database has %d bytes, before %d", after, before)
		}
	})
}

// TestGuard lets a disk fill and empty, over a restart.
func TestGuard(t *testing.T) {
	f := storetest.Open(t, "sqlite")
	free := int64(5 << 30)
	var told []string
	guard := func() *retention.Guard {
		return retention.NewGuard(retention.GuardOptions{
			Folder: "/data", Settings: f.Settings, Clock: f.Clock, Log: slog.New(slog.DiscardHandler),
			Tell: func(level api.Level, message string) error {
				told = append(told, level.Name()+": "+message)
				return nil
			},
			Free: func(string) (int64, int64, error) { return free, 20 << 30, nil },
		})
	}
	g := guard()
	look := func(now int64) {
		free = now
		for range 3 {
			if err := g.RunOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	look(5 << 30)
	look(900 << 20)
	g = guard() // restarted
	look(900 << 20)
	if err := g.CheckEvents(); err != nil {
		t.Errorf("events are refused too early: %v", err)
	}
	look(200 << 20)
	if err := g.CheckEvents(); api.KindOf(err) != api.KindUnavailable {
		t.Errorf("events are not refused: %v", err)
	}
	look(500 << 20)
	if err := g.CheckEvents(); err != nil {
		t.Errorf("events are refused too long: %v", err)
	}
	look(4 << 30)
	want := []string{
		"error: The disk of the server is getting full: 0.9 GiB of 20.0 GiB are free",
		"critical: The disk of the server is nearly full: 0.2 GiB of 20.0 GiB are free. Events are refused; pulses and alerts go on while there is room",
		"info: The disk of the server has room again: 4.0 GiB of 20.0 GiB are free",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("what was told differs (-want +got):\n%s", diff)
	}
}

func TestGuardAsksTheSystem(t *testing.T) {
	disk, err := retention.NewGuard(retention.GuardOptions{Folder: t.TempDir()}).Look()
	if err != nil || disk.Total <= 0 || disk.Free < 0 || disk.Free > disk.Total {
		t.Errorf("the disk is %+v, %v", disk, err)
	}
	if _, err := retention.NewGuard(retention.GuardOptions{Folder: "/no such folder"}).Look(); err == nil {
		t.Error("a folder that is not there has a disk")
	}
}
