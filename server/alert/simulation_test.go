package alert

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/clock"
	"watchkeeper/server/hub"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

// The simulation: a month in which anything happens to some services, in a real store with the real router and sender, and
// a judge beside it that knows the rules in few words. A seed gives the same month again. SIMULATE_SEEDS is how many
// are run, SIMULATE_FROM the first; make simulate runs thousands.
const (
	simulatedTime  = 30 * 24 * time.Hour
	simulatedSeeds = 4
)

func TestSimulatedMonths(t *testing.T) {
	first, seeds := number(t, "SIMULATE_FROM", 1), number(t, "SIMULATE_SEEDS", simulatedSeeds)
	for seed := first; seed < first+seeds; seed++ {
		for _, engine := range storetest.Engines {
			if seed%2 == 0 && engine == store.Postgres && os.Getenv("SIMULATE_SEEDS") == "" {
				continue // half of the few months are enough there
			}
			t.Run(fmt.Sprintf("%s/seed_%d", engine, seed), func(t *testing.T) {
				t.Parallel()
				f := storetest.Open(t, engine)
				watchAhead(t, f)
				m := newMonth(t, newWorld(t, f.Options, f.Store, f.Clock, newPost()), uint64(seed))
				m.live(t)
				if t.Failed() {
					t.Logf("again with: SIMULATE_SEEDS=1 SIMULATE_FROM=%d go test ./server/alert -run TestSimulatedMonths", seed)
				}
			})
		}
	}
}

func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	return must(strconv.Atoi(text))(t)
}

// watchAhead lets another server mark its life until after the end, so that no time passes in which nobody watches: what
// follows from that has tests of its own.
func watchAhead(t *testing.T, f *storetest.Fixture) {
	t.Helper()
	o := f.Options
	o.Hub, o.Clock, o.Log = hub.New(), clock.NewManual(f.Clock.Now().Add(2*simulatedTime)), slog.New(slog.DiscardHandler)
	s := storetest.Reopen(t, o)
	s.Servers.Register(store.Presence{ID: "watcher", Name: "watcher"})
	must(s.Servers.Beat(context.Background()))(t)
}

// month is what happens, and to what.
type month struct {
	*world
	random *rand.Rand
	judge  *judge
	out    map[string]bool // services that do not pulse
	fails  map[string]error
	made   int
	end    api.Time
}

var simulated = []string{"router", "db", "web", "cache", "backup", "mail", "cron"}

func newMonth(t *testing.T, w *world, seed uint64) *month {
	t.Helper()
	ctx := context.Background()
	m := &month{
		world: w, random: rand.New(rand.NewPCG(seed, 7)), out: map[string]bool{}, fails: map[string]error{},
		end: w.now().Add(simulatedTime),
	}
	m.judge = newJudge(w)
	m.post.answer = m.answer
	for i, name := range simulated {
		s := api.ServiceSettings{Name: name, NextIn: api.Seconds(6 * 3600 * (1 + m.random.IntN(3))), Tags: []string{[]string{"prod", "test"}[i%2]}}
		switch name {
		case "web", "db":
			s.Host = "router"
		case "cache":
			s.Parents = []string{"db", "web"}
		case "cron":
			s.NextIn, s.Cron, s.TimeZone, s.Grace = 0, "0 */6 * * *", "UTC", 4*3600
		}
		if m.random.IntN(3) == 0 {
			s.Alerts = []string{"mail:" + name}
		}
		must(w.Services.Create(ctx, s))(t)
	}
	m.addRoute(t, api.RouteInput{
		Name: "prod", Match: matchers(t, `tag="prod"`), To: []string{"mail:a"}, Continue: true, Repeat: api.Seconds(3600 * m.random.IntN(8)),
	})
	m.addRoute(t, api.RouteInput{Name: "later", To: []string{"pushover:b"}, After: api.Seconds(60 * m.random.IntN(60)), Continue: true})
	m.addRoute(t, api.RouteInput{
		Name: "day", Match: matchers(t, `kind="service"`), To: []string{"mail:c"}, Continue: true, Hours: &api.Hours{Days: "mon-fri", From: "08:00", To: "18:00"},
	})
	m.addRoute(t, api.RouteInput{Name: "all", To: []string{"ops", "mail:d"}})
	return m
}

// answer lets targets fail, and checks what arrives.
func (m *month) answer(_ context.Context, l letter) error {
	if err := m.fails[l.to]; err != nil {
		return err
	}
	m.judge.arrives(l)
	return nil
}

// live lets the month pass, and then everything end well: nothing may be left to do.
func (m *month) live(t *testing.T) {
	t.Helper()
	for m.now() < m.end && !t.Failed() {
		m.happen(t)
		wait := time.Duration(m.random.ExpFloat64() * float64(9*time.Hour))
		if m.random.IntN(4) == 0 {
			wait = time.Duration(m.random.IntN(300)) * time.Second // things come together
		}
		m.spend(t, wait)
	}
	clear(m.out)
	clear(m.fails)
	for _, s := range must(m.Silences.Current(context.Background()))(t) {
		must(m.Silences.End(context.Background(), s.ID))(t)
	}
	for _, w := range must(m.Maintenance.List(context.Background()))(t) {
		must(m.Maintenance.Delete(context.Background(), w.ID))(t)
	}
	m.judge.quiet = nil
	for range 4 { // until the hours of a working day, for which a message may wait
		m.spend(t, 24*time.Hour)
	}
	for !t.Failed() && !atWork(m.now()) {
		m.spend(t, time.Hour)
	}
	if t.Failed() {
		return // at a moment that is not the end
	}
	m.judge.closes(t, m.world)
	t.Logf("%d letters", len(m.post.letters))
}

// atWork reports whether it is a time at which nobody's hours hold anything back.
func atWork(at api.Time) bool {
	day, hour := at.Std().Weekday(), at.Std().Hour()
	return day != time.Saturday && day != time.Sunday && hour >= 9 && hour <= 16
}

// spend lets time pass in steps that grow, as most of what follows from something follows soon.
func (m *month) spend(t *testing.T, d time.Duration) {
	t.Helper()
	for step := 3 * time.Second; d > 0 && !t.Failed(); step = min(4*step, 80*time.Minute) {
		m.clock.Advance(min(d, step))
		d -= min(d, step)
		m.pulses(t)
		for {
			if swept := must(m.Services.Sweep(context.Background(), 0))(t); !swept.More {
				break
			}
		}
		m.work(t)
		m.judge.looks(t, m.world)
	}
}

// pulses lets those pulse that are well, three times within the time they have.
func (m *month) pulses(t *testing.T) {
	t.Helper()
	for _, name := range simulated {
		s, err := m.Services.ByName(context.Background(), name)
		if err != nil || m.out[name] {
			continue
		}
		due := s.LastPulse.Add(s.NextIn.Duration() / 3)
		if s.LastPulse == 0 || s.State != api.StateUp || s.NextIn > 0 && due <= m.now() || s.Cron != "" && s.LastPulse.Add(time.Hour) <= m.now() {
			m.pulseOf(t, name, api.PulseSuccess)
		}
	}
}

func (m *month) pulseOf(t *testing.T, name string, kind api.PulseKind) {
	t.Helper()
	must(m.Pulses.Add(store.PulseWrite{Name: name, Pulse: api.Pulse{Kind: kind, ReceivedAt: m.now(), Time: m.now()}}))(t)
}

// happen is one of the things that happen.
func (m *month) happen(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	name := simulated[m.random.IntN(len(simulated))]
	length := time.Duration(1+m.random.IntN(20)) * 15 * time.Minute
	switch m.random.IntN(14) {
	case 0, 1:
		m.out[name] = true
	case 2, 3:
		delete(m.out, name)
	case 4: // it says that it failed, and does not come back by itself
		m.out[name] = true
		m.pulseOf(t, name, api.PulseFail)
	case 5: // up and down
		for range 2 + m.random.IntN(6) {
			m.pulseOf(t, name, api.PulseFail)
			m.out[name] = true
			m.spend(t, time.Duration(10+m.random.IntN(200))*time.Second)
			delete(m.out, name)
			m.spend(t, time.Duration(10+m.random.IntN(400))*time.Second)
		}
	case 6:
		match := fmt.Sprintf("name=%q", name)
		m.silence(t, match, length)
		m.judge.hush(func(s string) bool { return s == name || name == "router" && (s == "web" || s == "db") }, m.now(), m.now().Add(length))
		if m.random.IntN(2) == 0 {
			m.out[name] = true // most silences are there for a reason
		}
	case 7:
		m.made++
		from := m.now().Add(time.Duration(m.random.IntN(120)) * time.Minute)
		must(m.Maintenance.Create(ctx, api.MaintenanceInput{
			Name: fmt.Sprint("window", m.made), Match: matchers(t, `tag="prod"`), StartsAt: from, EndsAt: from.Add(length), Comment: "upgrade",
		}, "ops"))(t)
		m.judge.hush(func(s string) bool { return m.judge.prod[s] }, from, from.Add(length))
		if m.random.IntN(2) == 0 {
			m.spend(t, from.Sub(m.now()))
			m.out[name] = true
		}
	case 8:
		for _, i := range must(m.Incidents.List(ctx, store.IncidentFilter{State: api.IncidentOpen, Limit: 1}))(t) {
			if changed, err := m.Incidents.Acknowledge(ctx, i.ID, store.Acknowledgement{By: "ops"}); err == nil && changed {
				m.judge.acknowledged[i.ID] = true
			}
		}
	case 9:
		m.fails["mail:"+[]string{"a", "c", "d"}[m.random.IntN(3)]] = []error{errDown, notify.Fail(notify.GiveUp, "no such user", nil)}[m.random.IntN(2)]
	case 10:
		clear(m.fails)
	case 11:
		if s, err := m.Services.ByName(ctx, name); err == nil {
			must(m.Services.Pause(ctx, s.ID, api.ReasonPaused))(t)
			m.judge.looks(t, m.world)
		}
	case 12:
		must(m.Events.Add([]api.Event{{Service: name, Message: "help", Level: api.LevelError, Alert: true, Time: m.now(), ReceivedAt: m.now()}}, nil))(t)
	case 13:
		m.restart(t)
	}
}

// restart kills the server between its steps: what it has claimed it neither sends nor records, or sends and does not
// record. Another one begins on the same database.
func (m *month) restart(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	if err := m.router.route(ctx); err != nil {
		t.Fatal(err)
	}
	for _, d := range must(m.Deliveries.Claim(ctx, claimAll()))(t) {
		m.judge.crashed[d.ID]++
		content := must(m.Deliveries.Content(ctx, d))(t)
		if _, kept := m.alerts.policy().withheld(&d, &content, m.now()); kept || d.About == api.AboutDigest || m.random.IntN(2) == 0 {
			continue
		}
		if letter, left := m.alerts.message(d, content, m.now()); left {
			_, _ = m.alerts.hand(ctx, d, &letter)
		}
	}
	must(0, m.Store.Close())(t)
	o := m.base
	o.Hub = hub.New()
	next := newWorld(t, o, storetest.Reopen(t, o), m.clock, m.post)
	*m.world = *next
}
