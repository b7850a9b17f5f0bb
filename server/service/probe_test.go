package service_test

import (
	"context"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/service"
	"watchkeeper/server/store/storetest"
)

// TestProbesOfTheFile follows probes that come to the configuration file, change there and go.
func TestProbesOfTheFile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		ctx, s := context.Background(), feature(f)
		shop := service.FileProbe{
			Name:     "shop",
			Probe:    api.ProbeSettings{Kind: api.ProbeHTTP, URL: "https://shop.example.org", Headers: map[string]string{"X-Key": "geheim"}, Interval: 30},
			Settings: api.ServiceInput{Alerts: &[]string{"ops", "nobody"}, Tags: &[]string{"web"}},
		}
		db := service.FileProbe{Name: "db", Probe: api.ProbeSettings{Kind: api.ProbeTCP, Address: "db:5432"}}
		must(s.Create(ctx, api.ServiceInput{Name: new("db"), NextIn: new(api.Seconds(60)), Description: new("by hand")}))(t)

		f.Clock.Advance(time.Second)
		same(t, "changed at first", must(s.Configure(ctx, []service.FileProbe{shop, db}))(t), []string{"shop", "db"})
		same(t, "changed by the same again", must(s.Configure(ctx, []service.FileProbe{shop, db}))(t), []string(nil))
		made := byName(t, f, "shop")
		same(t, "settings", []any{made.Alerts, made.Tags, made.Grace, made.Probe.FromFile, made.Probe.Headers["X-Key"]},
			[]any{[]string{"ops"}, []string{"web"}, api.Seconds(60), true, "***"})
		same(t, "secret", must(s.OpenProbe(made.Probe))(t).Headers["X-Key"], "geheim")
		taken := byName(t, f, "db")
		same(t, "a service that was there", []any{taken.Description, taken.NextIn, taken.Probe.Address}, []any{"by hand", api.Seconds(0), "db:5432"})

		// What stands in the file is changed there; the rest of the service is not.
		for name, in := range map[string]api.ServiceInput{
			"another probe": {Probe: &api.ProbeSettings{Kind: api.ProbeICMP, Address: "a"}}, "a period": {NextIn: new(api.Seconds(60))},
			"another name": {Name: new("other")},
		} {
			if _, err := s.Patch(ctx, made.ID, in); api.KindOf(err) != api.KindConflict {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, _, err := s.Put(ctx, "shop", api.ServiceInput{NextIn: new(api.Seconds(60))}); api.KindOf(err) != api.KindConflict {
			t.Errorf("putting another: %v", err)
		}
		must(s.Patch(ctx, made.ID, api.ServiceInput{Tags: &[]string{"more"}}))(t)

		shop.Probe.Interval, shop.Settings.Tags = 60, nil
		f.Clock.Advance(time.Second)
		same(t, "changed by another interval", must(s.Configure(ctx, []service.FileProbe{shop, db}))(t), []string{"shop"})
		same(t, "tags that the file says nothing of", byName(t, f, "shop").Tags, []string{"more"})

		must(s.Create(ctx, api.ServiceInput{Name: new("by hand"), Probe: &api.ProbeSettings{Kind: api.ProbeICMP, Address: "a"}}))(t)
		same(t, "gone", must(s.Unconfigure(ctx, map[string]bool{"db": true}))(t), []string{"shop"})
		gone := byName(t, f, "shop")
		if gone.Probe != nil || gone.State != api.StatePaused {
			t.Errorf("a probe that is gone leaves %+v, %s", gone.Probe, gone.State)
		}
		same(t, "gone again", must(s.Unconfigure(ctx, map[string]bool{"db": true}))(t), []string(nil))
		must(s.Configure(ctx, []service.FileProbe{shop}))(t)
		same(t, "state of one that came back", byName(t, f, "shop").State, api.StateNew)
	})
}

func TestProbesReplacePeriods(t *testing.T) {
	f := storetest.Open(t, storetest.Engines[0])
	ctx, s := context.Background(), feature(f)
	made := must(s.Create(ctx, api.ServiceInput{Name: new("a"), Cron: new("* * * * *")}))(t)
	probe := &api.ProbeSettings{Kind: api.ProbeTCP, Address: "a:1", Interval: 3600}
	got := must(s.Patch(ctx, made.ID, api.ServiceInput{Probe: probe}))(t)
	same(t, "cron beside a probe", got.Cron, "")
	got = must(s.Patch(ctx, made.ID, api.ServiceInput{Cron: new("0 0 * * *")}))(t)
	if got.Probe != nil {
		t.Errorf("a probe beside cron: %+v", got.Probe)
	}
	got = must(s.Create(ctx, api.ServiceInput{Name: new("b"), Probe: probe}))(t)
	same(t, "grace of a slow probe", got.Grace, api.Seconds(360))
	same(t, "fails that make it down", got.FailsToDown(), 2)
	_, err := s.Create(ctx, api.ServiceInput{Name: new("c"), Probe: probe, NextIn: new(api.Seconds(60))})
	wantKind(t, err, api.KindInvalid)
	same(t, "faults", locations(err), []string{"body.probe"})
}
