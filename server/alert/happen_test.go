package alert

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/store"
)

var simulated = []string{"router", "db", "web", "cache", "backup", "mail", "cron"}

// settle makes the services and routes with which the month begins.
func (m *month) settle(t *testing.T) {
	t.Helper()
	for i, name := range simulated {
		s := api.ServiceSettings{
			Name: name, NextIn: api.Seconds(3600 * (6 + m.random.IntN(13))), Grace: api.Seconds(600 * m.random.IntN(3)),
			Tags: []string{[]string{"prod", "test"}[i%2]}, FailuresToAlert: max(0, m.random.IntN(5)-1),
		}
		switch name {
		case "web", "db":
			s.Host = "router"
		case "cache":
			s.Parents = []string{"db", "web"}
		case "cron":
			s.NextIn, s.Cron, s.TimeZone, s.Grace = 0, "0 */6 * * *", "UTC", 4*3600
		}
		if m.random.IntN(4) == 0 {
			s.Alerts = []string{"mail:" + name}
		}
		must(m.Services.Create(context.Background(), s))(t)
		m.lives[name] = &life{ServiceSettings: s, exists: true, well: true, signs: map[api.Time]bool{}}
	}
	m.plan(t, api.RouteInput{Name: "prod", To: []string{"mail:a"}, Continue: true, Repeat: api.Seconds(3600 * m.random.IntN(12))}, "prod")
	m.plan(t, api.RouteInput{Name: "later", To: []string{"pushover:b"}, After: api.Seconds(60 * m.random.IntN(60)), Continue: true}, "")
	m.plan(t, api.RouteInput{Name: "day", To: []string{"mail:c"}, Continue: true, Hours: &officeHours}, "")
	m.plan(t, api.RouteInput{Name: "all", To: []string{"ops", "mail:d"}}, "")
}

// plan makes a route: behind those that there are, or before all of them.
func (m *month) plan(t *testing.T, in api.RouteInput, tag string) {
	t.Helper()
	if in.Match = (api.Matchers{}); tag != "" {
		in.Match = matchers(t, fmt.Sprintf("tag=%q", tag))
	}
	made := must(m.Routes.Create(context.Background(), in))(t)
	p := &plan{RouteInput: in, id: made.ID, tag: tag, since: m.now()}
	if p.Position = 0; in.Position == 1 {
		m.plans = slices.Insert(m.plans, 0, p)
	} else {
		m.plans = append(m.plans, p)
	}
}

// happen is one of the things that happen.
func (m *month) happen(t *testing.T) {
	t.Helper()
	things := []struct {
		what string
		do   func(*testing.T, *life)
	}{
		{"breaks", m.breaks},
		{"breaks", m.breaks},
		{"is mended", m.mends},
		{"is mended", m.mends},
		{"fails", m.fails},
		{"flaps", m.flaps},
		{"is silenced", m.silenced},
		{"is maintained", m.maintained},
		{"has its maintenance changed", m.changesMaintenance},
		{"loses its silence", m.endsCalm},
		{"is acknowledged", m.acknowledges},
		{"is acknowledged", m.acknowledges},
		{"sees mail refused", m.troubles},
		{"sees mail refused", m.troubles},
		{"sees slow mail", m.slows},
		{"sees good mail", m.calmsPost},
		{"is paused", m.pauses},
		{"reports", m.reports},
		{"sees a restart", m.restarts},
		{"sees a route changed", m.changesRoute},
		{"sees a route changed", m.changesRoute},
		{"sees a channel changed", m.changesChannel},
		{"gets other parents", m.changesParents},
		{"is deleted", m.deletes},
	}
	l := m.lives[simulated[m.random.IntN(len(simulated))]]
	thing := things[m.random.IntN(len(things))]
	m.note("%s %s", l.Name, thing.what)
	thing.do(t, l)
	m.dirty = true
}

func (m *month) length() time.Duration { return time.Duration(1+m.random.IntN(20)) * 15 * time.Minute }

func (m *month) breaks(_ *testing.T, l *life) { l.well = false }

func (m *month) mends(_ *testing.T, l *life) { l.well, l.next = true, m.now() }

// fails lets it say that it failed, perhaps often enough; it does not come back by itself. Some are at it soon, before
// those of a later step are told.
func (m *month) fails(t *testing.T, l *life) {
	t.Helper()
	l.well = false
	for range 1 + m.random.IntN(3) {
		m.pulseOf(t, l, api.PulseFail)
		m.spend(t, time.Duration(m.random.IntN(2))*time.Minute)
	}
	if m.random.IntN(2) == 0 {
		m.acknowledges(t, l)
	}
}

func (m *month) flaps(t *testing.T, l *life) {
	t.Helper()
	for range 2 + m.random.IntN(6) {
		for range max(1, l.FailuresToAlert) {
			m.pulseOf(t, l, api.PulseFail)
		}
		l.well = false
		m.spend(t, time.Duration(10+m.random.IntN(200))*time.Second)
		m.mends(t, l)
		m.spend(t, time.Duration(10+m.random.IntN(400))*time.Second)
	}
}

func (m *month) silenced(t *testing.T, l *life) {
	t.Helper()
	length := m.length()
	s := m.silence(t, fmt.Sprintf("name=%q", l.Name), length)
	m.hush(&calm{id: s.ID, covers: named(l.Name), on: during(m.now(), m.now().Add(length))})
	if m.random.IntN(2) == 0 {
		l.well = false // most silences are there for a reason
	}
}

func (m *month) maintained(t *testing.T, l *life) {
	t.Helper()
	from := m.now().Add(time.Duration(m.random.IntN(120)) * time.Minute)
	in, on := m.window(from)
	in.Match = matchers(t, `tag="prod"`)
	made := must(m.Maintenance.Create(context.Background(), in, "ops"))(t)
	m.hush(&calm{id: made.ID, covers: tagged("prod"), on: on})
	if m.random.IntN(2) == 0 {
		m.spend(t, from.Sub(m.now()))
		l.well = false
	}
}

// window gives a time of maintenance: once, or every day.
func (m *month) window(from api.Time) (api.MaintenanceInput, func(api.Time) bool) {
	m.made++
	in, length := api.MaintenanceInput{Name: fmt.Sprint("window", m.made), Comment: "upgrade"}, m.length()
	if m.random.IntN(3) == 0 {
		hour := m.random.IntN(18)
		in.Cron, in.Zone, in.Duration = fmt.Sprintf("0 %d * * *", hour), "UTC", api.Seconds(length.Seconds())
		return in, daily(hour, length)
	}
	in.StartsAt, in.EndsAt = from, from.Add(length)
	return in, during(from, from.Add(length))
}

func (m *month) changesMaintenance(t *testing.T, _ *life) {
	t.Helper()
	ctx := context.Background()
	for _, w := range must(m.Maintenance.List(ctx))(t) {
		if m.random.IntN(2) == 0 {
			must(m.Maintenance.Delete(ctx, w.ID))(t)
			m.lifted(w.ID)
			continue
		}
		in, on := m.window(m.now())
		in.Name, in.Match = w.Name, w.Match
		must(m.Maintenance.Replace(ctx, w.ID, in))(t)
		m.lifted(w.ID)
		m.hush(&calm{id: w.ID, covers: tagged("prod"), on: on})
		return
	}
}

func (m *month) endsCalm(t *testing.T, _ *life) {
	t.Helper()
	if all := must(m.Silences.Current(context.Background()))(t); len(all) > 0 {
		slices.SortFunc(all, func(a, b api.Silence) int { return int(a.EndsAt - b.EndsAt) })
		must(m.Silences.End(context.Background(), all[0].ID))(t)
		m.lifted(all[0].ID)
	}
}

// acknowledges lets somebody say that they are at it, also where another has said so before, or take it back.
func (m *month) acknowledges(t *testing.T, l *life) {
	t.Helper()
	ctx := context.Background()
	for _, i := range must(m.Incidents.List(ctx, store.IncidentFilter{State: api.IncidentOpen, Subject: l.Name, Limit: 1}))(t) {
		ack := m.acks[i.ID]
		if ack != nil && !ack.over && m.random.IntN(3) == 0 {
			must(m.Incidents.Withdraw(ctx, i.ID))(t)
			ack.over, ack.once = true, true
			return
		}
		by := []string{"ann", "bob", "eve"}[m.random.IntN(3)]
		if must(m.Incidents.Acknowledge(ctx, i.ID, store.Acknowledgement{By: by}))(t) != (ack == nil || ack.over) {
			t.Errorf("%s says that they are at %s: %+v before", by, l.Name, ack)
		}
		if ack == nil || ack.over {
			m.acks[i.ID] = &consent{by: by, at: m.now(), once: ack != nil}
		}
	}
}

var reachable = []string{"mail:a", "pushover:b", "mail:c", "mail:d", "shoutrrr:team", "webhook:team", "mail:boss", "pushover:boss"}

func (m *month) troubles(*testing.T, *life) {
	whom := append([]string{"mail", "pushover", "mail", "pushover"}, reachable...)
	m.mail.refuse[whom[m.random.IntN(len(whom))]] = []error{errDown, notify.Fail(notify.GiveUp, "no such user", nil)}[m.random.IntN(2)]
}

func (m *month) slows(*testing.T, *life) {
	for range 1 + m.random.IntN(4) {
		m.mail.slow[reachable[m.random.IntN(len(reachable))]] = time.Duration(2+m.random.IntN(30)) * time.Second
	}
}

func (m *month) calmsPost(*testing.T, *life) {
	clear(m.mail.refuse)
	clear(m.mail.slow)
}

func (m *month) pauses(t *testing.T, l *life) {
	t.Helper()
	if s, err := m.Services.ByName(context.Background(), l.Name); err == nil {
		must(m.Services.Pause(context.Background(), s.ID, api.ReasonPaused))(t)
		l.rests(m.now())
		l.paused = true
	}
}

// reports is an event that asks for an alert.
func (m *month) reports(t *testing.T, l *life) {
	t.Helper()
	e := api.Event{Service: l.Name, Message: "help", Level: api.LevelError, Alert: true, Time: m.now(), ReceivedAt: m.now()}
	must(m.Events.Add([]api.Event{e}, nil))(t)
}

func (m *month) restarts(t *testing.T, _ *life) { m.restart(t) }

// changesRoute changes, deletes or makes a route, whatever is open.
func (m *month) changesRoute(t *testing.T, _ *life) {
	t.Helper()
	ctx := context.Background()
	p := m.plans[m.random.IntN(len(m.plans))]
	last := p == m.plans[len(m.plans)-1]
	switch m.random.IntN(4) {
	case 0:
		if len(m.plans) > 2 && !last {
			must(m.Routes.Delete(ctx, p.id))(t)
			m.plans = slices.DeleteFunc(m.plans, func(other *plan) bool { return other == p })
		}
	case 1:
		if len(m.plans) < 6 {
			m.made++
			in := api.RouteInput{Name: fmt.Sprint("route", m.made), Position: 1, Continue: m.random.IntN(4) > 0}
			m.drawn(&in)
			m.plan(t, in, []string{"", "prod", "test"}[m.random.IntN(3)])
		}
	default:
		in := p.RouteInput
		if m.drawn(&in); last {
			in.After, in.Hours = 0, nil // so that somebody is told of everything
		}
		must(m.Routes.Change(ctx, p.id, func(out *api.RouteInput) error {
			*out = in
			return nil
		}))(t)
		p.RouteInput, p.since = in, m.now()
	}
}

// drawn gives a route anything but a name and services.
func (m *month) drawn(in *api.RouteInput) {
	in.To = [][]string{{"mail:a"}, {"pushover:b", "mail:d"}, {"ops"}, {"team"}, {"mail:c", "team"}}[m.random.IntN(5)]
	in.After, in.Repeat, in.Hours = 0, 0, nil
	switch m.random.IntN(4) {
	case 0:
		in.After = api.Seconds(60 * m.random.IntN(200))
	case 1:
		in.Repeat = api.Seconds(3600 * (1 + m.random.IntN(12)))
	case 2:
		in.Hours = &officeHours
	}
}

// changesChannel makes, deletes or changes the channel team.
func (m *month) changesChannel(t *testing.T, _ *life) {
	t.Helper()
	ctx := context.Background()
	m.rewired = m.now()
	in := api.ChannelInput{Name: "team", Kind: api.ChannelWebhook, Settings: map[string]string{"to": "team", "key": "token"}}
	switch {
	case m.channels["team"] == "":
		must(m.alerts.Channels.Create(ctx, in))(t)
	case m.random.IntN(2) == 0:
		must(0, m.alerts.Channels.Delete(ctx, "team"))(t)
		delete(m.channels, "team")
		return
	case m.channels["team"] == string(api.ChannelWebhook):
		in.Kind = api.ChannelPushover
		fallthrough
	default:
		must(m.alerts.Channels.Replace(ctx, "team", in))(t)
	}
	m.channels["team"] = string(in.Kind)
}

func (m *month) changesParents(t *testing.T, l *life) {
	t.Helper()
	s, err := m.Services.ByName(context.Background(), l.Name)
	if err != nil {
		return
	}
	var parents []string
	if m.random.IntN(2) == 0 {
		parents = []string{simulated[m.random.IntN(len(simulated))]}
	}
	_, err = m.Services.Update(context.Background(), s.ID, func(s api.Service) (api.ServiceSettings, error) {
		s.Parents = parents
		return s.ServiceSettings, nil
	})
	if api.KindOf(err) == api.KindInvalid { // a circle
		return
	}
	must(0, err)(t)
	l.Parents, l.parted = parents, m.now()
}

func (m *month) deletes(t *testing.T, l *life) {
	t.Helper()
	if s, err := m.Services.ByName(context.Background(), l.Name); err == nil {
		must(m.Services.Delete(context.Background(), s.ID))(t)
		l.rests(m.now())
		l.exists, l.well, l.last = false, false, 0
	}
}

// reconcile ends all that keeps people from being told.
func (m *month) reconcile(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	for _, name := range simulated {
		m.mends(t, m.lives[name])
	}
	m.calmsPost(t, nil)
	for _, s := range must(m.Silences.Current(ctx))(t) {
		must(m.Silences.End(ctx, s.ID))(t)
	}
	for _, w := range must(m.Maintenance.List(ctx))(t) {
		must(m.Maintenance.Delete(ctx, w.ID))(t)
	}
	m.calms = nil
	m.leaves = m.end.Add(simulatedTime)
	m.fixture.MarkAlive(t, m.leaves)
	m.dirty = true
}
