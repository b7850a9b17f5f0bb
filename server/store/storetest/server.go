package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

var serverTests = map[string]func(*testing.T, *Fixture){
	"a short absence is no gap":           shortAbsence,
	"two servers share one mark":          sharedMark,
	"a lease has one holder":              leases,
	"servers that are gone are forgotten": forgottenServers,
	"settings agree":                      settings,
	"the schema is checked":               schema,
	"the database has a size":             size,
}

func shortAbsence(t *testing.T, f *Fixture) {
	f.Servers.Register(store.Presence{ID: "one"})
	must(f.Servers.Beat(context.Background()))(t)
	f.Clock.Advance(store.MinGap - time.Millisecond)
	if gap := must(f.Servers.Beat(context.Background()))(t); gap != nil {
		t.Errorf("gap %v after a short absence", gap)
	}
	f.Clock.Advance(store.MinGap)
	if gap := must(f.Servers.Beat(context.Background()))(t); gap == nil {
		t.Error("no gap after a long absence")
	}
	same(t, "gaps", len(must(f.Servers.Gaps(context.Background()))(t)), 1)
	same(t, "last alive", must(f.Servers.LastAlive(context.Background()))(t), f.now())
}

func sharedMark(t *testing.T, f *Fixture) {
	other := f.second(t, f.Clock)
	f.Servers.Register(store.Presence{ID: "one", Name: "first"})
	other.Servers.Register(store.Presence{ID: "two", Name: "second"})
	must(f.Servers.Beat(context.Background()))(t)
	for range 10 { // the first is away, the second watches
		f.Clock.Advance(2 * time.Second)
		must(other.Servers.Beat(context.Background()))(t)
	}
	if gap := must(f.Servers.Beat(context.Background()))(t); gap != nil {
		t.Errorf("gap %v though another server watched", gap)
	}
	same(t, "others", must(f.Servers.OthersAlive(context.Background()))(t), []string{"second"})
}

func leases(t *testing.T, f *Fixture) {
	ctx := context.Background()
	first := must(f.Leases.Acquire(ctx, "cron", "a"))(t)
	_, err := f.Leases.Acquire(ctx, "cron", "b")
	if !errors.Is(err, store.ErrNotLeader) {
		t.Fatalf("second holder: %v", err)
	}
	f.Clock.Advance(store.LeaseTime - time.Millisecond)
	renewed := must(f.Leases.Acquire(ctx, "cron", "a"))(t)
	same(t, "fence of a renewal", renewed.Fence, first.Fence)
	f.Clock.Advance(store.LeaseTime + time.Millisecond)
	taken := must(f.Leases.Acquire(ctx, "cron", "b"))(t)
	same(t, "fence of the next holder", taken.Fence, first.Fence+1)
}

func forgottenServers(t *testing.T, f *Fixture) {
	f.Servers.Register(store.Presence{ID: "old"})
	must(f.Servers.Beat(context.Background()))(t)
	f.Clock.Advance(48 * time.Hour)
	if err := f.Servers.ForgetSilent(context.Background()); err != nil {
		t.Fatal(err)
	}
	same(t, "the last mark stays", must(f.Servers.LastAlive(context.Background()))(t), api.TimeOf(Start))
	f.Servers.Register(store.Presence{ID: "new"})
	must(f.Servers.Beat(context.Background()))(t)
	if err := f.Servers.ForgetSilent(context.Background()); err != nil {
		t.Fatal(err)
	}
	same(t, "others", must(f.Servers.OthersAlive(context.Background()))(t), nil2)
}

var nil2 []string

func settings(t *testing.T, f *Fixture) {
	ctx := context.Background()
	if _, found, err := f.Settings.Get(ctx, "a"); found || err != nil {
		t.Fatalf("found %v, error %v", found, err)
	}
	same(t, "first", must(f.Settings.PutNew(ctx, "a", "1"))(t), "1")
	same(t, "second", must(f.Settings.PutNew(ctx, "a", "2"))(t), "1")
	if err := f.Settings.Put(ctx, "a", "3"); err != nil {
		t.Fatal(err)
	}
	v, found, err := f.Settings.Get(ctx, "a")
	if v != "3" || !found || err != nil {
		t.Fatalf("value %q, found %v, error %v", v, found, err)
	}
	if err := f.Settings.Delete(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	_, found, _ = f.Settings.Get(ctx, "a")
	same(t, "found after delete", found, false)
}

func schema(t *testing.T, f *Fixture) {
	ctx := context.Background()
	if err := f.CheckSchema(ctx); err != nil {
		t.Fatal(err)
	}
	same(t, "steps taken again", must(f.Migrate(ctx, store.MigrateOptions{}))(t), nil2)
}

func size(t *testing.T, f *Fixture) {
	if n := must(f.Size(context.Background()))(t); n < 10_000 {
		t.Errorf("the database has %d bytes", n)
	}
	if err := f.Ping(context.Background()); err != nil {
		t.Error(err)
	}
}
