package alert

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/hub"
	"watchkeeper/server/store/storetest"
)

// begin lets a server do the work of the month.
func (m *month) begin(t *testing.T, w *world) {
	t.Helper()
	m.world = w
	m.alerts.DefaultRoute = nil
	for _, text := range defaults {
		m.alerts.DefaultRoute = append(m.alerts.DefaultRoute, api.ParseTarget(text))
	}
	sender := NewSender(m.alerts)
	sender.random = func() float64 { return 0.5 }
	m.sending = newRound(context.Background(), sender)
	m.rules = w.hub.Subscribe(hub.Routes, hub.Silences, hub.Maintenance, hub.Channels)
	m.hub.WakeLocal(hub.Routes)
	t.Cleanup(m.mail.abandon)
}

// work does what router and sender would do now, until nothing is due but what is slow.
func (m *month) work(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	select {
	case <-m.rules.C(): // else nobody has changed them, and reading them is what costs most
		if err := m.router.keepUp(ctx); err != nil {
			t.Fatal(err)
		}
		m.dirty = true
	default:
	}
	for {
		m.attend(t)
		if err := m.sending.send(ctx); err != nil {
			t.Fatal(err)
		}
		if m.rest() == 0 {
			return
		}
		m.dirty = true
	}
}

func (m *month) attend(t *testing.T) {
	t.Helper()
	for must(m.Incidents.Attend(context.Background(), m.alerts.policy().decide))(t).Incidents > 0 {
		m.dirty = true
	}
}

// rest waits until all that is being sent is slow, and gives how many attempts have come to their end.
func (m *month) rest() (ended int) {
	for {
		if m.sending.lanes.total == m.mail.waiting() && len(m.sending.ended) == 0 {
			return ended
		}
		select {
		case lane := <-m.sending.ended:
			m.sending.lanes.end(lane)
			ended++
		case <-m.mail.stalled:
		case <-time.After(10 * time.Second): // the machine stood still, and what could not be recorded is tried again
			m.clock.Advance(recordAgain)
		}
	}
}

// restart kills the server between any two of its steps, and another begins on the same database: what was claimed is
// neither sent nor recorded, or sent and not recorded.
func (m *month) restart(t *testing.T) {
	t.Helper()
	m.kill(t)
	m.start(t)
}

func (m *month) kill(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	stage := m.random.IntN(3)
	if stage > 0 {
		m.attend(t)
	}
	if stage > 1 {
		m.mail.hasty = true
		for _, d := range must(m.Deliveries.Claim(ctx, claimAll()))(t) {
			m.judge.lose(d.ID)
			content := must(m.Deliveries.Content(ctx, d))(t)
			if _, kept := m.alerts.policy().withheld(&d, &content, m.now()); kept || d.About == api.AboutDigest || m.random.IntN(2) == 0 {
				continue
			}
			if letter, left := m.alerts.message(d, content, m.now()); left {
				_, _ = m.alerts.hand(ctx, d, &letter)
			}
		}
		m.mail.hasty = false
	}
	must(0, m.Store.Close())(t)
	m.sending.stop(errStopping) // nobody is left to record what becomes of those that are slow
	m.mail.end(m.random.IntN(2) == 0)
	m.sending.wait.Wait()
}

func (m *month) start(t *testing.T) {
	t.Helper()
	o := m.base
	o.Hub = hub.New()
	m.begin(t, newWorld(t, o, storetest.Reopen(t, o), m.clock, m.post))
	m.dirty = true
}

// absent lets time pass in which there is no server: it was killed and is started again, or it was asleep.
func (m *month) absent(t *testing.T) {
	t.Helper()
	length := 10*time.Second + m.until([]time.Duration{time.Minute, 20 * time.Minute, 5 * time.Hour}[m.random.IntN(3)])
	gap := api.Gap{From: m.now(), To: m.now().Add(length)}
	m.leaves = gap.To.Add(m.until(5 * 24 * time.Hour))
	killed := m.random.IntN(2) == 0
	if killed {
		m.kill(t)
	} else {
		m.mail.end(m.random.IntN(2) == 0)
		m.rest()
	}
	m.clock.Advance(length)
	m.absences = append(m.absences, gap)
	m.note("the server was away since %s, killed: %t", gap.From, killed)
	if killed {
		m.start(t) // which sees the gap
	} else {
		m.beat(t)
	}
	m.fixture.MarkAlive(t, m.leaves)
	for _, l := range m.lives { // whoever could not reach the server tries again
		if l.well && l.next <= m.now() {
			l.next = m.now().Add(min(20*time.Second, l.NextIn.Duration()/4))
		}
	}
	m.dirty = true
}

// postman takes what the server sends. Some of those whom it goes to refuse it, or take long to answer.
type postman struct {
	judge   *judge
	mu      sync.Mutex
	refuse  map[string]error         // by recipient, or by kind
	slow    map[string]time.Duration // from half a minute on the attempt ends without an answer
	stalls  []*stall
	stalled chan struct{}
	hasty   bool // nobody is slow
}

// stall is an attempt that takes long.
type stall struct {
	letter letter
	until  api.Time
	answer error
	lost   bool // it never arrives
	over   chan struct{}
}

func newPostman() *postman {
	return &postman{refuse: map[string]error{}, slow: map[string]time.Duration{}, stalled: make(chan struct{}, 1000)}
}

var errNoAnswer = notify.Fail(notify.Persist, "no answer in time", nil)

func (p *postman) take(_ context.Context, l letter) error {
	p.mu.Lock()
	for _, whom := range []string{l.to, kindOf(l.to)} {
		if err := p.refuse[whom]; err != nil {
			p.mu.Unlock()
			return err
		}
	}
	p.judge.leaves(l)
	length := p.slow[l.to]
	if length == 0 || p.hasty {
		p.mu.Unlock()
		p.judge.arrives(l)
		return nil
	}
	s := &stall{letter: l, until: p.judge.now().Add(length), over: make(chan struct{})}
	if length >= notify.SendTimeout {
		s.answer = errNoAnswer
		p.judge.lose(l.delivery)
	}
	p.stalls = append(p.stalls, s)
	p.mu.Unlock()
	p.stalled <- struct{}{}
	<-s.over
	if !s.lost {
		p.judge.arrives(l)
	}
	return s.answer
}

func (p *postman) waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.stalls)
}

func (p *postman) busy() bool { return p.waiting() > 0 }

// release ends the attempts whose time has come.
func (p *postman) release(now api.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalls = slices.DeleteFunc(p.stalls, func(s *stall) bool {
		if s.until <= now {
			close(s.over)
		}
		return s.until <= now
	})
}

// end ends all of them, without an answer.
func (p *postman) end(arrive bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.stalls {
		p.judge.lose(s.letter.delivery)
		s.lost, s.answer = !arrive, errNoAnswer
		close(s.over)
	}
	p.stalls = nil
}

// abandon ends what would wait for ever.
func (p *postman) abandon() { p.end(false) }
