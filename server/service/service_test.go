package service_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/service"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

func TestDefaults(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	s := feature(f)
	for name, c := range map[string]struct {
		in   api.ServiceInput
		want api.ServiceSettings
	}{
		"nothing is named":                   {api.ServiceInput{}, api.ServiceSettings{Grace: 60}},
		"a short period":                     {api.ServiceInput{NextIn: new(api.Seconds(599))}, api.ServiceSettings{NextIn: 599, Grace: 60}},
		"a long period":                      {api.ServiceInput{NextIn: new(api.Seconds(86400))}, api.ServiceSettings{NextIn: 86400, Grace: 8640}},
		"no grace on purpose":                {api.ServiceInput{NextIn: new(api.Seconds(60)), Grace: new(api.Seconds(0))}, api.ServiceSettings{NextIn: 60}},
		"a cron expression of no zone":       {api.ServiceInput{Cron: new("0 3 * * *")}, api.ServiceSettings{Cron: "0 3 * * *", TimeZone: "Europe/Paris", Grace: 8640}},
		"a cron expression of a zone":        {api.ServiceInput{Cron: new("0 3 * * *"), TimeZone: new("Asia/Tokyo")}, api.ServiceSettings{Cron: "0 3 * * *", TimeZone: "Asia/Tokyo", Grace: 8640}},
		"a cron expression and an empty one": {api.ServiceInput{Cron: new(""), NextIn: new(api.Seconds(600))}, api.ServiceSettings{NextIn: 600, Grace: 60}},
		"a slug of its own":                  {api.ServiceInput{Slug: new("other")}, api.ServiceSettings{Slug: "other", Grace: 60}},
	} {
		t.Run(name, func(t *testing.T) {
			c.in.Name, c.want.Name = &name, name
			if c.want.Slug == "" {
				c.want.Slug = api.Slugify(name)
			}
			c.want.Tags, c.want.Alerts, c.want.Parents = []string{}, []string{}, []string{}
			same(t, "settings", must(s.Create(context.Background(), c.in))(t).ServiceSettings, c.want)
		})
	}
}

// TestGraceOfACronExpression checks that it does not depend on when somebody asks: the time between the next two times
// is longer on a Friday than on a Monday.
func TestGraceOfACronExpression(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	s := feature(f)
	const hour = 3600
	for expression, want := range map[string]api.Seconds{
		"0 9 * * 1-5":     24 * hour / 10,
		"*/30 9-17 * * *": 180,
		"0 8,20 * * *":    12 * hour / 10,
		"0 4 * * 0":       7 * 24 * hour / 10,
		"* * * * *":       60,
		"0 0 1 1 *":       365 * 24 * hour / 10,
	} {
		for day := range 8 {
			in := api.ServiceInput{Name: new(fmt.Sprint(expression, day)), Cron: &expression}
			same(t, expression, must(s.Create(context.Background(), in))(t).Grace, want)
			f.Clock.Advance(25 * time.Hour)
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	s := feature(f)
	must(s.Create(context.Background(), api.ServiceInput{Name: new("taken")}))(t)
	for name, c := range map[string]struct {
		in   api.ServiceInput
		kind api.ErrorKind
		at   []string
	}{
		"a name that is taken":            {api.ServiceInput{Name: new("taken")}, api.KindConflict, nil},
		"no name":                         {api.ServiceInput{}, api.KindInvalid, []string{"body.name"}},
		"a period of 0":                   {api.ServiceInput{Name: new("x"), NextIn: new(api.Seconds(0))}, api.KindInvalid, []string{"body.next_in"}},
		"a period and a cron expression":  {api.ServiceInput{Name: new("x"), NextIn: new(api.Seconds(1)), Cron: new("* * * * *")}, api.KindInvalid, []string{"body.cron"}},
		"no cron expression":              {api.ServiceInput{Name: new("x"), Cron: new("never")}, api.KindInvalid, []string{"body.cron"}},
		"a time that never comes":         {api.ServiceInput{Name: new("x"), Cron: new("0 0 31 2 *")}, api.KindInvalid, []string{"body.cron"}},
		"a zone that nobody knows":        {api.ServiceInput{Name: new("x"), TimeZone: new("Mars/Olympus")}, api.KindInvalid, []string{"body.time_zone"}},
		"the zone of whichever server":    {api.ServiceInput{Name: new("x"), Cron: new("* * * * *"), TimeZone: new("Local")}, api.KindInvalid, []string{"body.time_zone"}},
		"a target that does not exist":    {api.ServiceInput{Name: new("x"), Alerts: &[]string{"ops", "nobody"}}, api.KindInvalid, []string{"body.alerts"}},
		"too many targets, each asked of": {api.ServiceInput{Name: new("x"), Alerts: new(slices.Repeat([]string{"nobody"}, 21))}, api.KindInvalid, []string{"body.alerts"}},
		"everything at once": {
			api.ServiceInput{Name: new("\n"), Grace: new(api.Seconds(-1)), Cron: new("never"), Alerts: &[]string{"nobody"}},
			api.KindInvalid,
			[]string{"body.grace", "body.name", "body.cron", "body.alerts"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Create(context.Background(), c.in)
			wantKind(t, err, c.kind)
			same(t, "faults", locations(err), c.at)
		})
	}
	same(t, "services that exist", must(f.Services.CountByState(context.Background()))(t), map[api.State]int64{api.StateNew: 1})
}

func TestPut(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		ctx, s := context.Background(), feature(f)
		put := func(in api.ServiceInput, wantCreated bool) *api.Service {
			t.Helper()
			svc, created, err := s.Put(ctx, "backup", in)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "created", created, wantCreated)
			return svc
		}
		weekdays := api.ServiceInput{Cron: new("0 9 * * 1-5"), Tags: &[]string{"db"}, Alerts: &[]string{"ops"}}
		made := put(weekdays, true)
		for range 7 { // also on the days after which the next two times are further apart
			f.Clock.Advance(24 * time.Hour)
			same(t, "service that was put again", shown(t, put(weekdays, false)), shown(t, made))
		}
		same(t, "changes", len(must(f.Changes.OfService(ctx, made.ID, 0, 10))(t)), 0)

		hourly := put(api.ServiceInput{NextIn: new(api.Seconds(3600))}, false)
		same(t, "settings that were put in place of others", hourly.ServiceSettings, api.ServiceSettings{
			Name: "backup", Slug: "backup", Tags: []string{}, Alerts: []string{}, Parents: []string{}, NextIn: 3600, Grace: 360,
		})
		same(t, "id", hourly.ID, made.ID)
		same(t, "updated", hourly.UpdatedAt, now(f))
		same(t, "as stored", shown(t, byName(t, f, "backup")), shown(t, hourly))

		_, _, err := s.Put(ctx, "backup", api.ServiceInput{Name: new("other")})
		wantKind(t, err, api.KindInvalid)
		same(t, "faults", locations(err), []string{"body.name"})
	})
}

// TestPutOfAServiceThatLearned checks that what a pulse said of the next one outlives settings that say nothing of it.
func TestPutOfAServiceThatLearned(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		ctx, s := context.Background(), feature(f)
		must(s.Pulse(service.Sign{Name: "job", Create: &api.ServiceSettings{Name: "job"}, NextIn: 90}))(t)
		put := func(in api.ServiceInput) *api.Service {
			svc, _, err := s.Put(ctx, "job", in)
			return must(svc, err)(t)
		}
		svc := put(api.ServiceInput{Tags: &[]string{"a"}, Grace: new(api.Seconds(30))})
		same(t, "period that was learned", svc.NextInForce(), api.Seconds(90))
		same(t, "deadline", svc.Deadline, now(f).Add(120*time.Second))
		svc = put(api.ServiceInput{NextIn: new(api.Seconds(600)), Grace: new(api.Seconds(30))})
		same(t, "period that was set", svc.NextInForce(), api.Seconds(600))
		same(t, "deadline", svc.Deadline, now(f).Add(630*time.Second))
	})
}

func TestPatch(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		ctx, s := context.Background(), feature(f)
		made := must(s.Create(ctx, api.ServiceInput{Name: new("job"), NextIn: new(api.Seconds(600)), Tags: &[]string{"a"}}))(t)
		must(s.Pulse(service.Sign{Name: "job"}))(t)
		want := made.ServiceSettings
		patch := func(in api.ServiceInput) *api.Service {
			t.Helper()
			svc := must(s.Patch(ctx, made.ID, in))(t)
			same(t, "settings", svc.ServiceSettings, want)
			same(t, "as stored", shown(t, byName(t, f, svc.Name)), shown(t, svc))
			return svc
		}
		want.Cron, want.TimeZone, want.NextIn = "30 13 * * *", "Europe/Paris", 0
		svc := patch(api.ServiceInput{Cron: new("30 13 * * *")})
		same(t, "expected", svc.Expected, api.TimeOf(storetest.Start.Add(30*time.Minute)))

		want.Cron, want.NextIn = "", 60
		svc = patch(api.ServiceInput{NextIn: new(api.Seconds(60))})
		same(t, "expected", svc.Expected, now(f).Add(time.Minute))

		want.Name, want.Slug = "other job", "other-job"
		patch(api.ServiceInput{Name: new("other job")})

		want.NextIn = 0
		svc = patch(api.ServiceInput{NextIn: new(api.Seconds(0))})
		same(t, "expected", svc.Expected, api.Time(0))

		_, err := s.Patch(ctx, made.ID, api.ServiceInput{Alerts: &[]string{"nobody"}, Grace: new(api.Seconds(-1))})
		wantKind(t, err, api.KindInvalid)
		same(t, "faults", locations(err), []string{"body.grace", "body.alerts"})
		_, err = s.Patch(ctx, "none", api.ServiceInput{})
		wantKind(t, err, api.KindNotFound)
		same(t, "settings after a refusal", byName(t, f, "other job").ServiceSettings, want)
	})
}

// TestPatchBesideAChannelThatIsGone checks that a service whose channel was deleted can still be changed otherwise.
func TestPatchBesideAChannelThatIsGone(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	made := must(f.Services.Create(context.Background(), api.ServiceSettings{Name: "job", Alerts: []string{"gone"}}))(t)
	svc := must(feature(f).Patch(context.Background(), made.ID, api.ServiceInput{Description: new("said")}))(t)
	same(t, "alerts", svc.Alerts, []string{"gone"})
	same(t, "description", svc.Description, "said")
}

func TestUpcoming(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	s := feature(f)
	of := func(settings api.ServiceSettings) []api.Time {
		return s.Upcoming(&api.Service{ServiceSettings: settings}, 2)
	}
	at := func(d time.Duration) api.Time { return api.TimeOf(storetest.Start.Add(d)) }
	same(t, "of an hourly one", of(api.ServiceSettings{Cron: "0 * * * *"}), []api.Time{at(time.Hour), at(2 * time.Hour)})
	same(t, "in a zone", of(api.ServiceSettings{Cron: "0 14 * * *", TimeZone: "Europe/Paris"}), []api.Time{at(time.Hour), at(25 * time.Hour)})
	same(t, "of one with a period", of(api.ServiceSettings{NextIn: 60}), []api.Time(nil))
	same(t, "of one that cannot be read", of(api.ServiceSettings{Cron: "never"}), []api.Time(nil))
}
