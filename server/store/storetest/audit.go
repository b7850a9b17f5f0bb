package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

var auditTests = map[string]func(*testing.T, *Fixture){
	"what people change is audited":           auditedChanges,
	"who keeps quiet what is audited":         auditedQuiet,
	"what fails or changes nothing is not":    notAudited,
	"the audit says who":                      auditActors,
	"the audit keeps no secrets":              auditSecrets,
	"the audit is listed by filters":          auditFilters,
	"rows of the audit follow the commits":    auditOrder,
	"an audit begins once":                    auditBegin,
	"an audited write needs the secret":       auditLocked,
	"a noted hash is found":                   auditExpect,
	"an audit longer than a step is checked":  auditLong,
	"of two who change a setting one is told": swapped,
}

func (f *Fixture) audit(tb testing.TB, filter api.AuditFilter) []api.AuditRow {
	tb.Helper()
	if filter.Limit == 0 {
		filter.Limit = 1000
	}
	return must(f.Audit.List(context.Background(), filter))(tb)
}

// actions gives what the audit holds, oldest first.
func (f *Fixture) actions(tb testing.TB) []string {
	tb.Helper()
	var out []string
	rows := f.audit(tb, api.AuditFilter{})
	for i := len(rows) - 1; i >= 0; i-- {
		out = append(out, string(rows[i].Action)+" "+rows[i].Subject+" "+string(rows[i].Detail))
	}
	return out
}

func (f *Fixture) sound(tb testing.TB, rows int64) {
	tb.Helper()
	check := must(f.Audit.Verify(context.Background(), ""))(tb)
	if check.Broken != nil || check.Rows != rows {
		tb.Errorf("the check found %+v %+v, want %d rows", check, check.Broken, rows)
	}
}

func auditedChanges(t *testing.T, f *Fixture) {
	ctx := context.Background()
	svc := must(f.Services.Create(ctx, api.ServiceSettings{Name: "db", NextIn: 60, Grace: 5, Tags: []string{"a"}}))(t)
	must(f.Services.Update(ctx, svc.ID, func(s api.Service) (api.ServiceSettings, error) {
		s.NextIn, s.Tags, s.Host = 120, []string{"b"}, "one"
		return s.ServiceSettings, nil
	}))(t)
	must(f.Services.Pause(ctx, svc.ID, api.ReasonPaused))(t)
	must(f.Services.Resume(ctx, svc.ID))(t)
	must(f.Services.Delete(ctx, svc.ID))(t)
	channel := store.SealedChannel{Name: "ops", Kind: api.ChannelMail, Settings: "sealed", Shown: map[string]string{"to": "a@b.c"}}
	must(f.Channels.Create(ctx, channel))(t)
	must(f.Channels.Replace(ctx, channel))(t)
	must(0, f.Channels.Delete(ctx, "ops"))(t)
	token := must(f.Tokens.Create(ctx, api.TokenInput{Name: "t", Scopes: []api.Scope{api.ScopeRead}, Match: "a*"}, "hash"))(t)
	must(f.Tokens.Revoke(ctx, "t"))(t)
	must(0, f.Settings.Swap(ctx, store.Swap{Name: "x", New: "1", Action: api.AuditPingKeyRotate}))(t)
	same(t, "audit", f.actions(t), []string{
		`service.create db {"grace":5,"name":"db","next_in":60,"tags":["a"]}`,
		`service.update db {"host":{"from":null,"to":"one"},"next_in":{"from":60,"to":120},"tags":{"from":["a"],"to":["b"]}}`,
		`service.pause db {"reason":"paused"}`,
		`service.resume db {}`,
		`service.delete db {"id":"` + svc.ID + `"}`,
		`channel.create ops {"kind":"mail","settings":{"to":"a@b.c"}}`,
		`channel.update ops {"kind":"mail","settings":{"to":"a@b.c"}}`,
		`channel.delete ops {}`,
		`token.create t {"id":"` + token.ID + `","match":"a*","scopes":["read"]}`,
		`token.revoke t {"id":"` + token.ID + `","match":"a*","scopes":["read"]}`,
		`ping_key.rotate  {}`,
	})
	f.sound(t, 11)
}

func auditedQuiet(t *testing.T, f *Fixture) {
	ctx := context.Background()
	route := must(f.Routes.Create(ctx, api.RouteInput{Name: "r", To: []string{"pushover:KEY", "ops"}, Match: matchers(t, `tag="a"`)}))(t)
	for range 2 { // the second time nothing changes
		must(replaceRoute(ctx, f, route.ID, api.RouteInput{Name: "r", To: []string{"pushover:KEY2"}, Match: matchers(t, `tag="a"`), Repeat: 60}))(t)
	}
	must(f.Routes.Delete(ctx, route.ID))(t)
	silence := must(f.Silences.Create(ctx, api.Silence{Match: matchers(t, `name="db"`), StartsAt: f.now(), EndsAt: f.now().Add(time.Hour), Comment: "c"}))(t)
	for range 2 {
		must(f.Silences.End(ctx, silence.ID))(t)
	}
	in := api.MaintenanceInput{Name: "m", Match: matchers(t, `name="db"`), Cron: "0 3 * * *", Duration: 60}
	m := must(f.Maintenance.Create(ctx, in, "me"))(t)
	in.Duration = 120
	for range 2 {
		must(f.Maintenance.Replace(ctx, m.ID, in))(t)
	}
	must(f.Maintenance.Delete(ctx, m.ID))(t)
	f.down(t, "db")
	incident := f.incident(t, "db").ID
	for range 2 {
		must(f.Incidents.Acknowledge(ctx, incident, store.Acknowledgement{By: "me", Comment: "looking"}))(t)
	}
	for range 2 {
		must(f.Incidents.Withdraw(ctx, incident))(t)
	}
	same(t, "audit", f.actions(t), []string{
		`route.create r {"match":["tag=\"a\""],"name":"r","position":1,"to":["pushover:***","ops"]}`,
		`route.update r {"repeat":{"from":null,"to":60},"to":{"from":["pushover:***","ops"],"to":["pushover:***"]}}`,
		`route.delete r {"id":"` + route.ID + `"}`,
		`silence.add ` + silence.ID + ` {"comment":"c","ends_at":"` + silence.EndsAt.String() + `","match":["name=\"db\""],"starts_at":"` + silence.StartsAt.String() + `"}`,
		`silence.end ` + silence.ID + ` {"comment":"c","match":["name=\"db\""]}`,
		`maintenance.add m {"cron":"0 3 * * *","duration":60,"match":["name=\"db\""],"name":"m"}`,
		`maintenance.update m {"duration":{"from":60,"to":120}}`,
		`maintenance.end m {"id":"` + m.ID + `"}`,
		`incident.acknowledge ` + incident + ` {"by":"me","comment":"looking","subject":"db"}`,
		`incident.withdraw ` + incident + ` {"subject":"db"}`,
	})
	f.sound(t, 10)
}

func notAudited(t *testing.T, f *Fixture) {
	ctx := context.Background()
	svc := must(f.Services.Create(ctx, api.ServiceSettings{Name: "db", NextIn: 60}))(t)
	_, err := f.Services.Create(ctx, api.ServiceSettings{Name: "db"})
	wantKind(t, err, api.KindConflict)
	must(f.Services.Update(ctx, svc.ID, func(s api.Service) (api.ServiceSettings, error) { return s.ServiceSettings, nil }))(t)
	_, err = f.Services.Update(ctx, svc.ID, func(s api.Service) (api.ServiceSettings, error) {
		return s.ServiceSettings, errors.New("no")
	})
	if err == nil {
		t.Error("a refused edit succeeded")
	}
	must(f.Services.Pause(ctx, svc.ID, api.ReasonPaused))(t)
	must(f.Services.Pause(ctx, svc.ID, api.ReasonPaused))(t)
	wantKind(t, f.Channels.Delete(ctx, "none"), api.KindNotFound)
	_, err = f.Tokens.Revoke(ctx, "none")
	wantKind(t, err, api.KindNotFound)
	must(f.Pulses.Add(f.pulse("other", 60)))(t) // makes a service
	must(f.Events.Add([]api.Event{f.event("other", "m")}, nil))(t)
	rows := f.audit(t, api.AuditFilter{})
	same(t, "rows", len(rows), 2)
	f.sound(t, 2)
}

func auditActors(t *testing.T, f *Fixture) {
	who := api.Actor{Kind: api.ActorToken, Name: "ops\xff", Ref: "id", Address: "2001:db8::1", RequestID: "r-1"}
	must(0, f.Audit.Record(api.WithActor(context.Background(), who), "test.one", "s", nil))(t)
	must(0, f.Audit.Record(context.Background(), "test.two", "s\x00", nil))(t)
	rows := f.audit(t, api.AuditFilter{})
	who.Name = "ops\uFFFD"
	same(t, "with an actor", rows[1].Actor, who)
	same(t, "without", rows[0].Actor, api.Actor{Kind: api.ActorServer, Name: "watchkeeper"})
	same(t, "subject", rows[0].Subject, "s\uFFFD")
	same(t, "first follows", rows[1].Previous, api.AuditGenesis)
	same(t, "second follows", rows[0].Previous, rows[1].Hash)
	f.sound(t, 2)
	if err := f.Audit.Record(context.Background(), "nonsense", "s", nil); err == nil {
		t.Error("an action that is none was recorded")
	}
}

func auditSecrets(t *testing.T, f *Fixture) {
	ctx := context.Background()
	settings := api.ServiceSettings{Name: "db", Alerts: []string{"pushover:KEY1", "mail:me@example.org", "ops"}, Description: strings.Repeat("ä", 5000)}
	svc := must(f.Services.Create(ctx, settings))(t)
	must(f.Services.Update(ctx, svc.ID, func(s api.Service) (api.ServiceSettings, error) {
		s.Alerts = []string{"pushover:KEY2", "webhook:https://example.org/KEY3"}
		return s.ServiceSettings, nil
	}))(t)
	rows := f.audit(t, api.AuditFilter{})
	same(t, "change", string(rows[0].Detail),
		`{"alerts":{"from":["pushover:***","mail:me@example.org","ops"],"to":["pushover:***","webhook:***"]}}`)
	for _, r := range rows {
		if len(r.Detail) > 1000 || strings.Contains(string(r.Detail), "KEY") {
			t.Errorf("the audit has %s", r.Detail)
		}
	}
}

func auditFilters(t *testing.T, f *Fixture) {
	as := func(name string) context.Context {
		return api.WithActor(context.Background(), api.Actor{Kind: api.ActorToken, Name: name})
	}
	first := f.now()
	must(0, f.Audit.Record(as("a"), "token.create", "x", nil))(t)
	f.Clock.Advance(time.Second)
	must(0, f.Audit.Record(as("b"), "token.revoke", "y", nil))(t)
	must(0, f.Audit.Record(context.Background(), "tokens.other", "x", nil))(t)
	for _, tt := range []struct {
		filter api.AuditFilter
		ids    []int64
	}{
		{api.AuditFilter{}, []int64{3, 2, 1}},
		{api.AuditFilter{Limit: 2}, []int64{3, 2}},
		{api.AuditFilter{Before: 3}, []int64{2, 1}},
		{api.AuditFilter{Action: "token"}, []int64{2, 1}},
		{api.AuditFilter{Action: "token.create"}, []int64{1}},
		{api.AuditFilter{Actor: "b"}, []int64{2}},
		{api.AuditFilter{ActorKind: api.ActorServer}, []int64{3}},
		{api.AuditFilter{Subject: "x"}, []int64{3, 1}},
		{api.AuditFilter{To: first}, []int64{1}},
		{api.AuditFilter{From: first + 1}, []int64{3, 2}},
		{api.AuditFilter{Action: "token", Actor: "a", Subject: "y"}, nil},
	} {
		var ids []int64
		for _, r := range f.audit(t, tt.filter) {
			ids = append(ids, r.ID)
		}
		same(t, fmt.Sprintf("%+v", tt.filter), ids, tt.ids)
	}
}

// auditOrder lets several servers write at once: no id is left out, and each row follows the one before.
func auditOrder(t *testing.T, f *Fixture) {
	servers := []*Fixture{f, f}
	if f.Engine() == store.Postgres {
		servers[1] = f.second(t, f.Clock)
	}
	const each = 10
	var wg sync.WaitGroup
	for n, server := range servers {
		for worker := range 3 {
			wg.Go(func() {
				for i := range each {
					name := fmt.Sprintf("%d %d %d", n, worker, i)
					if _, err := server.Services.Create(context.Background(), api.ServiceSettings{Name: name}); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	f.sound(t, 2*3*each)
}

func auditBegin(t *testing.T, f *Fixture) {
	for range 2 {
		must(0, f.Audit.Begin(context.Background(), map[string]any{"version": "1"}))(t)
	}
	same(t, "audit", f.actions(t), []string{`audit.begin  {"version":"1"}`})
	f.sound(t, 1)
}

func auditLocked(t *testing.T, f *Fixture) {
	f.Audit.Unlock(nil)
	_, err := f.Services.Create(context.Background(), api.ServiceSettings{Name: "db"})
	wantKind(t, err, api.KindUnavailable)
	_, err = f.Services.ByName(context.Background(), "db")
	wantKind(t, err, api.KindNotFound)
	_, err = f.Audit.Verify(context.Background(), "")
	wantKind(t, err, api.KindUnavailable)
}

func auditExpect(t *testing.T, f *Fixture) {
	for range 3 {
		must(0, f.Audit.Record(context.Background(), "test.one", "", nil))(t)
	}
	rows := f.audit(t, api.AuditFilter{})
	check := must(f.Audit.Verify(context.Background(), rows[1].Hash))(t)
	same(t, "row", check.Expected, int64(2))
	same(t, "head", check.Head, rows[0].Hash)
	if check.Broken != nil {
		t.Errorf("found %+v", check.Broken)
	}
	check = must(f.Audit.Verify(context.Background(), strings.Repeat("1", 64)))(t)
	if check.Broken == nil || !strings.Contains(check.Broken.Reason, "expected hash") {
		t.Errorf("found %+v", check.Broken)
	}
}

func auditLong(t *testing.T, f *Fixture) {
	const tokens = 260 // each is made and revoked: more rows than are read at a time
	for n := range tokens {
		in := api.TokenInput{Name: "many", Scopes: []api.Scope{api.ScopeRead}}
		must(f.Tokens.Create(context.Background(), in, fmt.Sprint(n)))(t)
	}
	must(f.Tokens.Revoke(context.Background(), "many"))(t)
	f.sound(t, 2*tokens)
}

func swapped(t *testing.T, f *Fixture) {
	ctx := context.Background()
	swap := func(old, value string) error {
		return f.Settings.Swap(ctx, store.Swap{Name: "x", Old: old, New: value, Action: "test.swap"})
	}
	wantKind(t, swap("0", "1"), api.KindConflict)
	must(0, swap("", "1"))(t)
	wantKind(t, swap("", "2"), api.KindConflict)
	wantKind(t, swap("2", "3"), api.KindConflict)
	must(0, swap("1", "4"))(t)
	value, _, err := f.Settings.Get(ctx, "x")
	same(t, "value", must(value, err)(t), "4")
	same(t, "rows of the audit", len(f.audit(t, api.AuditFilter{})), 2)
}
