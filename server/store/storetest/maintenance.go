package storetest

import (
	"context"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/hub"
)

var maintenanceTests = map[string]func(*testing.T, *Fixture){
	"maintenance is kept as it was given":     maintenanceKept,
	"maintenance that is changed and removed": maintenanceChanged,
}

func maintenanceKept(t *testing.T, f *Fixture) {
	ctx := context.Background()
	woken := f.Hub.Subscribe(hub.Maintenance)
	defer woken.Close()
	once := api.MaintenanceInput{
		Name: "move", Match: matchers(t, `host=~"db.*", tag!="mail"`), StartsAt: f.now(), EndsAt: f.now().Add(time.Hour), Comment: "new rack",
	}
	again := api.MaintenanceInput{Name: "backup", Match: matchers(t, `tag="db"`), Cron: "0 3 * * 0", Duration: 7200, Zone: "Europe/Paris", Comment: "weekly", ManagedBy: "apply"}
	move := must(f.Maintenance.Create(ctx, once, "ops"))(t)
	select {
	case <-woken.C():
	default:
		t.Error("nobody was woken")
	}
	backup := must(f.Maintenance.Create(ctx, again, "password"))(t)
	sameJSON(t, "made", move, api.Maintenance{MaintenanceInput: once, ID: move.ID, Source: "api", CreatedBy: "ops", CreatedAt: f.now()})
	same(t, "made by", backup.ManagedBy, "apply")
	sameJSON(t, "list", must(f.Maintenance.List(ctx))(t), []api.Maintenance{backup, move})
	sameJSON(t, "one", must(f.Maintenance.Get(ctx, move.ID))(t), move)
	f.Clock.Advance(2 * time.Hour)
	same(t, "what is over is listed", len(must(f.Maintenance.List(ctx))(t)), 2)
}

func maintenanceChanged(t *testing.T, f *Fixture) {
	ctx := context.Background()
	in := api.MaintenanceInput{Name: "a", Match: matchers(t, `tag="db"`), Cron: "0 3 * * 0", Duration: 7200, Comment: "weekly"}
	a := must(f.Maintenance.Create(ctx, in, "ops"))(t)
	_, err := f.Maintenance.Create(ctx, in, "ops")
	wantKind(t, err, api.KindConflict)
	in.Name = "b"
	b := must(f.Maintenance.Create(ctx, in, "ops"))(t)
	in.Name = "a"
	_, err = f.Maintenance.Replace(ctx, b.ID, in)
	wantKind(t, err, api.KindConflict)
	changed := api.MaintenanceInput{Name: "b", Match: matchers(t, `name="x"`), StartsAt: f.now(), EndsAt: f.now().Add(time.Minute), Comment: "once"}
	f.Clock.Advance(time.Second)
	got := must(f.Maintenance.Replace(ctx, b.ID, changed))(t)
	sameJSON(t, "replaced", got, api.Maintenance{MaintenanceInput: changed, ID: b.ID, Source: "api", CreatedBy: "ops", CreatedAt: b.CreatedAt})
	sameJSON(t, "kept", must(f.Maintenance.Get(ctx, b.ID))(t), got)
	sameJSON(t, "removed", must(f.Maintenance.Delete(ctx, b.ID))(t), got)
	sameJSON(t, "left", must(f.Maintenance.List(ctx))(t), []api.Maintenance{a})
	for _, missing := range []string{b.ID, "none"} {
		_, err = f.Maintenance.Get(ctx, missing)
		wantKind(t, err, api.KindNotFound)
		_, err = f.Maintenance.Replace(ctx, missing, changed)
		wantKind(t, err, api.KindNotFound)
		_, err = f.Maintenance.Delete(ctx, missing)
		wantKind(t, err, api.KindNotFound)
	}
}
