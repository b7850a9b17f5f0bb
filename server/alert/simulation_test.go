package alert

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/hub"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

// The simulation: a month in which anything happens to some services, in a real store with the real router and sender.
// happen_test.go is what happens, tale_test.go what people and services would say of it, judge_test.go and verdict_test.go
// the rules, in few words, by which it is judged who was told. A seed gives the same month again. SIMULATE_SEEDS is how
// many are run, SIMULATE_FROM the first; make simulate runs thousands.
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
				t.Cleanup(func() {
					if t.Failed() {
						t.Logf("again with: make simulate FROM=%d SEEDS=1", seed)
					}
				})
				newMonth(t, storetest.Open(t, engine), uint64(seed)).live(t)
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

// month is what happens, and to what.
type month struct {
	*world
	*tale
	fixture *storetest.Fixture
	random  *rand.Rand
	judge   *judge
	mail    *postman
	sending *round
	rules   *hub.Subscription // wakes when people change what they decide
	made    int               // things that were given names
	leaves  api.Time          // when the server is away next
	end     api.Time
	open    []store.Incident // as of the last look
	dirty   bool             // something may have changed since
}

func newMonth(t *testing.T, f *storetest.Fixture, seed uint64) *month {
	t.Helper()
	m := &month{fixture: f, random: rand.New(rand.NewPCG(seed, 7)), mail: newPostman(), dirty: true}
	m.end = api.TimeOf(f.Clock.Now()).Add(simulatedTime)
	m.tale = newTale(func() api.Time { return api.TimeOf(f.Clock.Now()) })
	m.judge = newJudge(m.tale)
	m.mail.judge = m.judge
	p := newPost()
	p.answer = m.mail.take
	m.leaves = m.now().Add(m.until(5 * 24 * time.Hour))
	f.MarkAlive(t, m.leaves)
	m.begin(t, newWorld(t, f.Options, f.Store, f.Clock, p))
	m.settle(t)
	return m
}

func (m *month) now() api.Time { return m.tale.now() }

// until gives a time that is d on average.
func (m *month) until(d time.Duration) time.Duration {
	return time.Second + time.Duration(m.random.ExpFloat64()*float64(d)).Truncate(time.Second)
}

// live lets the month pass, and then everything end well: nothing may be left to do.
func (m *month) live(t *testing.T) {
	t.Helper()
	for m.now() < m.end && !t.Failed() {
		m.happen(t)
		wait := m.until(9 * time.Hour)
		if m.random.IntN(4) == 0 {
			wait = time.Duration(m.random.IntN(300)) * time.Second // things come together
		}
		m.spend(t, wait)
	}
	m.reconcile(t)
	for range 4 { // until the hours of a working day, for which a message may wait
		m.spend(t, 24*time.Hour)
	}
	for !t.Failed() && !atWork(m.now()) {
		m.spend(t, time.Hour)
	}
	m.mail.abandon() // of a month that has failed
	m.sending.drain()
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

// spend lets time pass in steps that grow, as most of what follows from something follows soon, and the server be away
// when its time has come.
func (m *month) spend(t *testing.T, d time.Duration) {
	t.Helper()
	const first, growth, last = 3 * time.Second, 6, 100 * time.Minute
	for step := first; d > 0 && !t.Failed(); {
		n := min(d, step, max(0, m.leaves.Sub(m.now())))
		if m.mail.busy() {
			n = min(n, 5*time.Second)
		} else {
			step = min(growth*step, last)
		}
		m.clock.Advance(n)
		d -= n
		if m.now() >= m.leaves {
			m.absent(t)
			step = first
		}
		m.pass(t)
	}
}

// pass is what services and server do at a moment.
func (m *month) pass(t *testing.T) {
	t.Helper()
	m.mail.release(m.now())
	if m.random.IntN(4) > 0 {
		m.pulses(t)
		m.sweep(t)
	} else {
		m.sweep(t)
		m.pulses(t)
	}
	m.work(t)
	m.look(t)
}

// pulses lets those pulse that are well and whose time it is.
func (m *month) pulses(t *testing.T) {
	t.Helper()
	for _, name := range simulated {
		if l := m.lives[name]; l.well && l.next <= m.now() {
			m.pulseOf(t, l, api.PulseSuccess)
		}
	}
}

func (m *month) pulseOf(t *testing.T, l *life, kind api.PulseKind) {
	t.Helper()
	w := store.PulseWrite{Name: l.Name, Pulse: api.Pulse{Kind: kind, ReceivedAt: m.now(), Time: m.now()}}
	if !l.exists {
		w.Create = &l.ServiceSettings
	}
	r := must(m.Pulses.Add(w))(t)
	m.dirty = m.dirty || r.State != r.From
	l.pulsed(kind, m.now())
}

func (m *month) sweep(t *testing.T) {
	t.Helper()
	for {
		swept := must(m.Services.Sweep(context.Background(), 0))(t)
		m.dirty = m.dirty || len(swept.Changes) > 0
		if !swept.More {
			return
		}
	}
}

// look lets the judge see how things are.
func (m *month) look(t *testing.T) {
	t.Helper()
	if m.dirty {
		m.open = must(m.Incidents.List(context.Background(), store.IncidentFilter{State: api.IncidentOpen, Limit: 100}))(t)
		m.dirty = false
	}
	m.judge.looks(t, m)
}
