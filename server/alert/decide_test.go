package alert

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchkeeper/api"
	"watchkeeper/api/schedule"
	"watchkeeper/server/store"
)

// scene is an incident of the service job, tagged db and running on the host h1, that began at noon UTC, at a look that
// comes so many minutes later.
type scene struct {
	minute  float64
	looked  float64 // minutes after noon of the look before; below 0 for none
	state   string  // open, recovered or paused; recovered is new at this look
	rules   Rules
	acked   string
	told    []store.Delivery
	parents []store.Parent
	flap    api.Flap
	before  *api.Outage
	latest  *api.Outage
	alerts  []string
	event   bool
	nextIn  api.Seconds

	withdrawn bool // an acknowledgement, since the look before
}

func minute(m float64) api.Time { return noon.Add(time.Duration(m * float64(time.Minute))) }

func (s scene) attended() store.Attended {
	svc := &api.Service{ServiceSettings: api.ServiceSettings{
		Name: "job", Tags: []string{"db"}, Host: "h1", Alerts: s.alerts, NextIn: s.nextIn,
	}, ServiceStatus: api.ServiceStatus{State: api.StateDown}}
	var changes []api.Change
	if s.looked < 0 {
		changes = append(changes, change(1, api.StateUp, api.StateDown))
		if s.event {
			changes[0] = api.Change{ID: 1, SubjectKind: api.SubjectEvent, Subject: "7", To: "alert"}
		}
	}
	switch s.state {
	case "recovered":
		changes = append(changes, change(2, api.StateDown, api.StateUp))
		svc.State = api.StateUp
	case "paused":
		changes = append(changes, change(2, api.StateDown, api.StatePaused))
	}
	a := attended(s.told, changes, svc)
	a.Now, a.LookedAt = minute(s.minute), 0
	if s.looked >= 0 && !s.withdrawn {
		a.LookedAt = minute(s.looked)
	}
	a.AcknowledgedBy, a.Parents, a.Flap, a.Before, a.Latest = s.acked, s.parents, s.flap, s.before, s.latest
	if a.Closing != nil {
		a.ClosedAt = a.Now
	}
	return a
}

// outcome gives a verdict as text: what is ordered, what becomes of what was, and when to look again.
func (s scene) outcome(t *testing.T) []string {
	t.Helper()
	p := policy{
		directory: newDirectory(t, "smtp://localhost"), defaults: []api.Target{{Channel: "mail", Address: "boss"}, {Channel: "ops"}},
		rules: newRules(s.rules, (&Maintenance{MaintenanceOptions: MaintenanceOptions{Zone: "UTC"}, crons: schedule.NewCache(10)}).cron, time.UTC), zone: time.UTC,
	}
	v := p.decide(s.attended())
	var out []string
	for _, o := range v.Deliver {
		text := fmt.Sprintf("%s %s", o.About, o.Target)
		if o.Route != "" {
			text += " by " + o.Route
		}
		if o.State != api.DeliveryWaiting {
			text += fmt.Sprintf(" %s: %s", o.State, o.Reason)
		}
		out = append(out, text)
	}
	for _, m := range v.Settle {
		out = append(out, strings.TrimSuffix(fmt.Sprintf("> %s %s: %s", m.ID, m.State, m.Reason), ": "))
	}
	if v.AttendAt > 0 {
		out = append(out, "look at "+fmt.Sprint(v.AttendAt.Sub(noon)))
	}
	return out
}

func matchers(t testing.TB, text string) api.Matchers {
	t.Helper()
	return must(api.ParseMatchers(text))(t)
}

// opened is an opening that was ordered at noon.
func opened(target, route string, state api.DeliveryState, reason string) store.Delivery {
	to := api.ParseTarget(target)
	d := delivery(api.AboutOpened, to.Channel, to.Address, state, 0)
	d.ID, d.Route, d.Reason, d.DueAt = "opened", route, reason, noon
	if state == api.DeliverySent || state == api.DeliveryFailed {
		d.Attempts = 1
	}
	return d
}

func TestDecisions(t *testing.T) {
	day := api.Route{RouteInput: api.RouteInput{Name: "day", To: []string{"mail:a"}, Hours: &api.Hours{From: "13:00", To: "18:00"}}}
	routes := func(list ...api.RouteInput) Rules {
		var r Rules
		for _, in := range list {
			r.Routes = append(r.Routes, api.Route{RouteInput: in})
		}
		return r
	}
	match := func(text string) api.Matchers { return matchers(t, text) }
	chain := routes(
		api.RouteInput{Name: "first", To: []string{"mail:a"}, Continue: true, Repeat: 3600},
		api.RouteInput{Name: "later", To: []string{"mail:b", "mail:a"}, After: 600},
		api.RouteInput{Name: "never", To: []string{"mail:c"}},
	)
	silence := Rules{Silences: []api.Silence{{
		Match: match(`tag="db"`), StartsAt: minute(-60), EndsAt: minute(60), Comment: "upgrade", CreatedBy: "ops",
	}}}
	hushed := "silenced until 13:00 by token ops: upgrade"
	window := Rules{Maintenance: []api.Maintenance{{MaintenanceInput: api.MaintenanceInput{
		Name: "weekly", Match: match(`name="h1",kind="host"`), Cron: "30 11 * * *", Duration: 3600, Comment: "patches",
	}}}}
	router := func(state api.State, lastPulse, expected, since, returned float64) []store.Parent {
		p := store.Parent{Name: "router", State: state, LastPulse: minute(lastPulse), Expected: minute(expected), Since: minute(since)}
		if returned != 0 {
			p.Returned = minute(returned)
		}
		return []store.Parent{p}
	}
	flapping := api.Flap{Leader: "incident", Since: minute(-20), Count: 4}
	follows := api.Flap{Leader: "before", Since: minute(-20), Count: 5}
	flapText := "held: job is flapping since 11:40, told when it has kept one state for 15 minutes"
	digestFailing := inDigest(opened("mail:a", "first", api.DeliveryHeld, "gathered"))
	digestFailing.DigestAttempts, digestFailing.DigestDueAt = 3, minute(1)
	sentAt := func(m float64, d store.Delivery) store.Delivery {
		d.DueAt = minute(m)
		return d
	}
	tests := []struct {
		name string
		scene
		want []string
	}{
		{"the first route that matches", scene{rules: routes(
			api.RouteInput{Name: "web", Match: match(`tag="web"`), To: []string{"mail:w"}},
			api.RouteInput{Name: "db", Match: match(`tag=~"d.",kind="service",level="error",host="h1"`), To: []string{"mail:d"}},
			api.RouteInput{Name: "all", To: []string{"mail:x"}},
		), looked: -1}, []string{"opened mail:d by db"}},
		{"its own targets win", scene{rules: chain, alerts: []string{"mail:own"}, looked: -1}, []string{"opened mail:own"}},
		{
			"the default route is last",
			scene{rules: routes(api.RouteInput{Name: "web", Match: match(`tag="web"`), To: []string{"mail:w"}}), looked: -1},
			[]string{"opened mail:boss by default", "opened ops by default"},
		},
		{
			"a route to a channel that is gone",
			scene{rules: routes(api.RouteInput{Name: "r", To: []string{"gone", "mail:a"}}), looked: -1},
			[]string{"opened mail:a by r", "opened mail:boss by r", "opened ops by r"},
		},
		{"a later step waits", scene{rules: chain, looked: -1}, []string{"opened mail:a by first", "look at 10m0s"}},
		{
			"a later step is due, and tells nobody twice",
			scene{rules: chain, minute: 10, looked: 1, told: []store.Delivery{opened("mail:a", "first", api.DeliverySent, "")}},
			[]string{"opened mail:b by later", "look at 1h0m0s"},
		},
		{
			"a later step that is past was decided then",
			scene{rules: chain, minute: 11, looked: 10.5, told: []store.Delivery{opened("mail:a", "first", api.DeliverySent, "")}},
			[]string{"look at 1h0m0s"},
		},
		{
			"a later step after the acknowledgement",
			scene{rules: chain, minute: 10, looked: 1, acked: "ops", told: []store.Delivery{opened("mail:a", "first", api.DeliverySent, "")}},
			nil,
		},
		{
			"a later step after the return",
			scene{rules: chain, minute: 10, looked: 1, state: "recovered", told: []store.Delivery{opened("mail:a", "first", api.DeliverySent, "")}},
			[]string{"recovered mail:a by first"},
		},
		{
			"over before the only step",
			scene{rules: routes(api.RouteInput{Name: "later", To: []string{"mail:a"}, After: 600}), minute: 5, looked: 0, state: "recovered"},
			[]string{"opened mail:a by later skipped: it was over before route later tells, 10 minutes after the beginning"},
		},
		{
			"a reminder",
			scene{rules: chain, minute: 60, looked: 10, told: []store.Delivery{opened("mail:a", "first", api.DeliverySent, "")}},
			[]string{"repeated mail:a by first", "look at 2h0m0s"},
		},
		{
			"no reminder once acknowledged",
			scene{rules: chain, minute: 60, looked: 10, acked: "ops", told: []store.Delivery{opened("mail:a", "first", api.DeliverySent, "")}},
			nil,
		},
		{
			"no reminder to whom nothing was told",
			scene{rules: chain, minute: 60, looked: 10, told: []store.Delivery{opened("mail:a", "first", api.DeliverySkipped, "x")}},
			nil,
		},
		{
			"outside the hours",
			scene{rules: Rules{Routes: []api.Route{day}}, looked: -1},
			[]string{"opened mail:a by day held: held: route day tells from 13:00", "look at 1h0m0s"},
		},
		{"the hours begin", scene{
			rules: Rules{Routes: []api.Route{day}}, minute: 60, looked: 1,
			told: []store.Delivery{opened("mail:a", "day", api.DeliveryHeld, "held: route day tells from 13:00")},
		}, []string{"> opened waiting"}},
		{
			"the hours begin too late",
			scene{
				rules: Rules{Routes: []api.Route{day}}, minute: 30, looked: 1, state: "recovered",
				told: []store.Delivery{opened("mail:a", "day", api.DeliveryHeld, "held: route day tells from 13:00")},
			},
			[]string{"> opened skipped: held: route day tells from 13:00; it was over before that ended"},
		},
		{
			"a return outside the hours",
			scene{
				rules: Rules{Routes: []api.Route{day}}, minute: 30, looked: 1, state: "recovered",
				told: []store.Delivery{opened("mail:a", "day", api.DeliverySent, "")},
			},
			[]string{"recovered mail:a by day held: held: route day tells from 13:00", "look at 1h0m0s"},
		},
		{"silenced", scene{rules: silence, looked: -1}, []string{
			"opened mail:boss by default held: " + hushed, "opened ops by default held: " + hushed, "look at 1h0m0s",
		}},
		{
			"still silenced",
			scene{rules: silence, minute: 5, looked: 1, told: []store.Delivery{opened("mail:boss", "default", api.DeliveryHeld, hushed)}},
			[]string{"look at 1h0m0s"},
		},
		{
			"the silence is over",
			scene{minute: 60, looked: 1, told: []store.Delivery{opened("mail:boss", "default", api.DeliveryHeld, hushed)}},
			[]string{"> opened waiting"},
		},
		{
			"over within the silence",
			scene{
				rules: silence, minute: 5, looked: 1, state: "recovered",
				told: []store.Delivery{opened("mail:boss", "default", api.DeliveryHeld, hushed)},
			},
			[]string{"> opened skipped: " + hushed + "; it was over before that ended"},
		},
		{"told before the silence, and back within it", scene{
			rules: silence, minute: 5, looked: 1, state: "recovered",
			told: []store.Delivery{opened("mail:boss", "default", api.DeliverySent, "")},
		}, []string{"recovered mail:boss by default"}},
		{
			"acknowledged within the silence",
			scene{
				rules: silence, minute: 5, looked: 1, acked: "ops",
				told: []store.Delivery{opened("mail:boss", "default", api.DeliveryHeld, hushed)},
			},
			[]string{"> opened skipped: acknowledged by ops before this could be sent"},
		},
		{
			"an acknowledgement taken back after a later step was due",
			scene{rules: chain, minute: 59, looked: 40, withdrawn: true, told: []store.Delivery{opened("mail:a", "first", api.DeliverySent, "")}},
			[]string{"opened mail:b by later", "look at 1h0m0s"},
		},
		{
			"an acknowledgement taken back before which nobody was told",
			scene{rules: chain, minute: 59, looked: 40, withdrawn: true, told: []store.Delivery{
				opened("mail:a", "first", api.DeliverySkipped, "acknowledged by ops before this could be sent"),
			}},
			[]string{"opened mail:b by later", "> opened waiting", "look at 1h59m0s"},
		},
		{
			"a reminder within a silence counts from its end",
			scene{
				rules: Rules{Routes: chain.Routes, Silences: silence.Silences}, minute: 59, looked: 11,
				told: []store.Delivery{sentAt(-1, opened("mail:a", "first", api.DeliverySent, ""))},
			},
			[]string{"repeated mail:a by first skipped: " + hushed, "look at 1h59m0s"},
		},
		{"maintenance of its host", scene{rules: window, looked: -1}, []string{
			"opened mail:boss by default held: in maintenance weekly until 12:30: patches",
			"opened ops by default held: in maintenance weekly until 12:30: patches", "look at 30m0s",
		}},
		{"an event in a silence is told to nobody", scene{rules: silence, looked: -1, event: true}, []string{
			"opened mail:boss by default skipped: " + hushed, "opened ops by default skipped: " + hushed,
		}},
		{"an event has no later steps", scene{rules: chain, looked: -1, event: true}, []string{"opened mail:a by first"}},
		{
			"an event outside the hours",
			scene{rules: Rules{Routes: []api.Route{day}}, looked: -1, event: true},
			[]string{"opened mail:a by day held: held: route day tells from 13:00", "look at 1h0m0s"},
		},
		{"an event when the hours begin", scene{
			rules: Rules{Routes: []api.Route{day}}, minute: 60, looked: 1, event: true,
			told: []store.Delivery{opened("mail:a", "day", api.DeliveryHeld, "held: route day tells from 13:00")},
		}, []string{"> opened waiting"}},
		{
			"behind a parent that is down",
			scene{rules: chain, looked: -1, parents: router(api.StateDown, -5, 0, -4, 0)},
			[]string{"opened mail:a by first held: held: parent router is down since 11:56", "look at 1m0s"},
		},
		{
			"a parent that goes down before it was sent",
			scene{
				rules: chain, minute: 1, looked: 0.5, parents: router(api.StateDown, -5, 0, -4, 0),
				told: []store.Delivery{opened("mail:a", "first", api.DeliveryWaiting, "")},
			},
			[]string{"> opened held: held: parent router is down since 11:56", "look at 1m10s"},
		},
		{
			"the parent is back",
			scene{
				rules: chain, minute: 10, looked: 9, nextIn: 300, parents: router(api.StateUp, 10, 11, 10, 10),
				told: []store.Delivery{opened("mail:a", "first", api.DeliveryHeld, "x")},
			},
			[]string{
				"opened mail:b by later held: held: parent router is back since 12:10, told at 12:15 if still silent",
				"> opened held: held: parent router is back since 12:10, told at 12:15 if still silent", "look at 15m0s",
			},
		},
		{"and the child still silent", scene{
			rules: chain, minute: 15, looked: 12, nextIn: 300, parents: router(api.StateUp, 14, 15, 10, 10),
			told: []store.Delivery{opened("mail:a", "first", api.DeliveryHeld, "x")},
		}, []string{"> opened waiting", "look at 1h15m0s"}},
		{
			"a parent that may be down, too",
			scene{rules: chain, looked: -1, parents: router(api.StateUp, -0.75, 0.25, -60, 0)},
			[]string{"opened mail:a by first held: held: parent router has been silent since 11:59:15 and may be down, too", "look at 5s"},
		},
		{
			"a parent that pulsed lately",
			scene{rules: chain, looked: -1, parents: router(api.StateUp, -0.25, 0.75, -60, 0)},
			[]string{"opened mail:a by first", "look at 10m0s"},
		},
		{"it has pulsed since", scene{
			rules: chain, minute: 0.2, looked: 0.1, parents: router(api.StateUp, 0.15, 1, -60, 0),
			told: []store.Delivery{opened("mail:a", "first", api.DeliveryHeld, "x")},
		}, []string{"> opened waiting", "look at 10m0s"}},
		{"two minutes at most", scene{
			rules: chain, minute: 2, looked: 1, parents: router(api.StateLate, -9, 9, -60, 0),
			told: []store.Delivery{opened("mail:a", "first", api.DeliveryHeld, "x")},
		}, []string{"> opened waiting", "look at 10m0s"}},
		{
			"a parent that is paused holds nobody back",
			scene{rules: chain, looked: -1, parents: router(api.StatePaused, -9, 0, -9, 0)},
			[]string{"opened mail:a by first", "look at 10m0s"},
		},
		{
			"the fourth down is told as flapping",
			scene{
				rules: chain, looked: -1,
				before: &api.Outage{ID: "3", OpenedAt: minute(-5), ClosedAt: minute(-4), Flap: api.Flap{Downs: []api.Time{minute(-29), minute(-9), minute(-5)}}},
			},
			[]string{"opened mail:a by first", "look at 10m0s"},
		},
		{
			"it returns, and may go on",
			scene{
				rules: chain, minute: 2, looked: 0, state: "recovered", flap: flapping,
				told: []store.Delivery{opened("mail:a", "first", api.DeliverySent, "")},
			},
			[]string{"recovered mail:a by first held: " + flapText, "look at 17m0s"},
		},
		{
			"down again, told to nobody",
			scene{rules: chain, looked: -1, before: &api.Outage{
				ID: "before", OpenedAt: minute(-5), ClosedAt: minute(-4),
				Flap: api.Flap{Leader: "before", Since: minute(-20), Count: 4},
			}},
			[]string{"opened mail:a by first held: " + flapText, "look at 10m0s"},
		},
		{
			"up again, told to nobody",
			scene{
				rules: chain, minute: 2, looked: 0, state: "recovered", flap: follows,
				told: []store.Delivery{opened("mail:a", "first", api.DeliveryHeld, flapText)},
			},
			[]string{"> opened skipped: " + flapText + "; it was over before that ended"},
		},
		{
			"calm and down",
			scene{
				rules: chain, minute: 15, looked: 10, flap: follows,
				told: []store.Delivery{opened("mail:a", "first", api.DeliveryHeld, flapText), opened("mail:b", "later", api.DeliverySent, "")},
			},
			[]string{"> opened waiting", "look at 1h15m0s"},
		},
		{
			"flapping and down since",
			scene{
				rules: chain, minute: 15, looked: 11, flap: flapping,
				told: []store.Delivery{opened("mail:a", "first", api.DeliverySent, "")},
			},
			[]string{"repeated mail:a by first", "look at 1h15m0s"},
		},
		{"an hour of calm before", scene{rules: chain, looked: -1, before: &api.Outage{
			ID: "before", OpenedAt: minute(-20), ClosedAt: minute(-15),
			Flap: api.Flap{Leader: "before", Count: 9},
		}}, []string{"opened mail:a by first", "look at 10m0s"}},
		{
			"a message that fails",
			scene{rules: chain, minute: 1, looked: 0, told: []store.Delivery{failing("mail:a", 1)}},
			[]string{"look at 10m0s"},
		},
		{
			"a message that fails for ten minutes",
			scene{rules: chain, minute: 10.5, looked: 10.2, told: []store.Delivery{failing("mail:a", 9)}},
			[]string{"opened ops by escalation", "look at 1h10m30s"},
		},
		{
			"a message that failed for good",
			scene{rules: chain, minute: 1, looked: 0, told: []store.Delivery{opened("mail:a", "first", api.DeliveryFailed, "")}},
			[]string{"opened ops by escalation", "look at 10m0s"},
		},
		{
			"one in a digest that fails",
			scene{rules: chain, minute: 11, looked: 10.5, told: []store.Delivery{digestFailing}},
			[]string{"opened ops by escalation", "look at 1h11m0s"},
		},
		{
			"escalated once",
			scene{rules: chain, minute: 20, looked: 11, told: []store.Delivery{failing("mail:a", 9), opened("ops", "escalation", api.DeliverySent, "")}},
			[]string{"look at 1h20m0s"},
		},
		{
			"another kind only",
			scene{rules: chain, minute: 1, looked: 0, told: []store.Delivery{opened("ops", "first", api.DeliveryFailed, "")}},
			[]string{"opened mail:boss by escalation", "look at 10m0s"},
		},
		{
			"an event that could not be told",
			scene{minute: 1, looked: 0, event: true, told: []store.Delivery{opened("mail:a", "r", api.DeliveryFailed, "")}},
			[]string{"opened ops by escalation"},
		},
		{
			"back while nobody could be told",
			scene{rules: chain, minute: 11, looked: 3, state: "recovered", told: []store.Delivery{failing("mail:a", 9)}},
			[]string{"recovered mail:a by first", "opened ops by escalation", "recovered ops by escalation"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.outcome(t)); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}

func failing(target string, attempts int) store.Delivery {
	d := opened(target, "first", api.DeliveryWaiting, "")
	d.Attempts = attempts
	return d
}
