package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/clock"
	"watchkeeper/server/hub"
	"watchkeeper/server/store"
)

var pulseTests = map[string]func(*testing.T, *Fixture){
	"the first pulse makes the service":                 firstPulse,
	"a pulse for an unknown service is not found":       unknownService,
	"history keeps what a pulse carried":                pulseHistory,
	"history is paged without loss":                     pulsePages,
	"the shortcut and the long way agree":               shortcutAgrees,
	"pulses of one service at once are all kept":        pulsesAtOnce,
	"names of any length and letters are told apart":    longNames,
	"a pulse after the deadline finds the service down": pulseAfterDeadline,
}

func firstPulse(t *testing.T, f *Fixture) {
	r := must(f.Pulses.Add(f.pulse("backup", 60)))(t)
	want := store.PulseResult{
		Name: "backup", Kind: api.PulseSuccess, Created: true, From: api.StateNew, State: api.StateUp, Last: f.now(),
		NextIn: 60, Expected: f.now().Add(time.Minute), Deadline: f.now().Add(time.Minute),
	}
	same(t, "result", r, want)
	f.Clock.Advance(30 * time.Second)
	r = must(f.Pulses.Add(f.pulse("backup", 90)))(t)
	want.Created, want.From, want.Last, want.NextIn = false, api.StateUp, f.now(), 90
	want.Expected, want.Deadline = f.now().Add(90*time.Second), f.now().Add(90*time.Second)
	same(t, "second result", r, want)
	s := f.service(t, "backup")
	same(t, "target", s.AlertType+":"+s.AlertTarget, "mail:me@example.org")
	same(t, "changes", f.flips(t, "backup"), []string{"new > up pulse"})
}

func unknownService(t *testing.T, f *Fixture) {
	w := f.pulse("nobody", 60)
	w.Create = nil
	_, err := f.Pulses.Add(w)
	wantKind(t, err, api.KindNotFound)
	w.Name, w.ID = "", "00000000-0000-7000-8000-000000000000"
	_, err = f.Pulses.Add(w)
	wantKind(t, err, api.KindNotFound)
}

func pulseHistory(t *testing.T, f *Fixture) {
	must(f.Pulses.Add(f.pulse("job", 60)))(t)
	f.Clock.Advance(time.Second)
	w := f.pulse("job", 0)
	w.Pulse.Kind, w.Pulse.ExitCode, w.HasExitCode, w.Pulse.RID = api.PulseSuccess, 3, true, "run-1"
	w.Pulse.Duration = 1500 * time.Millisecond
	w.Body = []byte{0, 1, 255, 'x'}
	w.UserAgent = strings.Repeat("ü", 300) + "\x00\xff"
	r := must(f.Pulses.Add(w))(t)
	same(t, "kind", r.Kind, api.PulseFail)
	list := must(f.Pulses.List(context.Background(), f.service(t, "job").ID, store.Mark{}, 10))(t)
	if len(list) != 2 {
		t.Fatalf("%d pulses in the history, want 2", len(list))
	}
	got := list[0]
	code := 3
	same(t, "record", got, api.PulseRecord{
		ID: got.ID, Kind: api.PulseFail, ReceivedAt: f.now(), Time: f.now(), Duration: 1.5, ExitCode: &code, RID: "run-1",
		Scheme: "https", Method: "POST", RemoteAddress: "192.0.2.7", UserAgent: strings.Repeat("ü", 100), Body: []byte{0, 1, 255, 'x'},
	})
	if list[1].Body != nil || list[1].ExitCode != nil {
		t.Errorf("the plain pulse has body %v and exit code %v, want none", list[1].Body, list[1].ExitCode)
	}
}

func pulsePages(t *testing.T, f *Fixture) {
	const n = 25
	for i := range n {
		must(f.Pulses.Add(f.pulse("job", api.Seconds(60+i))))(t)
		if i%3 == 0 { // several share a moment
			f.Clock.Advance(time.Second)
		}
	}
	id := f.service(t, "job").ID
	seen := map[int64]bool{}
	var mark store.Mark
	for {
		page := must(f.Pulses.List(context.Background(), id, mark, 4))(t)
		for _, p := range page {
			if seen[p.ID] {
				t.Fatalf("pulse %d comes twice", p.ID)
			}
			seen[p.ID] = true
			mark = store.Mark{Time: p.ReceivedAt, ID: p.ID}
		}
		if len(page) < 4 {
			break
		}
	}
	same(t, "number of pulses", len(seen), n)
}

func longNames(t *testing.T, f *Fixture) {
	long := strings.Repeat("😀", 999)
	for _, name := range []string{long + "a", long + "b", strings.Repeat("x", 255), strings.Repeat("x", 256), "a", "A", "ä", "'; drop table service; --", `"\`} {
		must(f.Pulses.Add(f.pulse(name, 60)))(t)
		same(t, "name", f.service(t, name).Name, name)
	}
	same(t, "services", must(f.Services.CountByState(context.Background()))(t), map[api.State]int64{api.StateUp: 9})
}

func pulseAfterDeadline(t *testing.T, f *Fixture) {
	must(f.Pulses.Add(f.pulse("job", 60)))(t)
	f.Clock.Advance(60 * time.Second)
	// Nobody has swept; the outage is recorded all the same, at the deadline, with what was known then.
	must(f.Pulses.Add(f.pulse("job", 60)))(t)
	same(t, "changes", f.flips(t, "job"), []string{"new > up pulse", "up > down timeout", "down > up pulse"})
	changes := must(f.Changes.OfService(context.Background(), f.service(t, "job").ID, 0, 10))(t)
	same(t, "moment of the outage", changes[1].At, api.TimeOf(Start.Add(time.Minute)))
	same(t, "last pulse before it", changes[1].Facts.LastPulse, api.TimeOf(Start))
}

func pulsesAtOnce(t *testing.T, f *Fixture) {
	const senders, each = 16, 20
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			for j := range each {
				w := f.pulse(fmt.Sprintf("job %d", (i+j)%3), 60)
				if j%5 == 4 {
					w.Pulse.Kind = api.PulseFail
				}
				if _, err := f.Pulses.Add(w); err != nil {
					t.Errorf("pulse %d of sender %d: %v", j, i, err)
				}
			}
		})
	}
	wg.Wait()
	total := 0
	for i := range 3 {
		total += len(must(f.Pulses.List(context.Background(), f.service(t, fmt.Sprintf("job %d", i)).ID, store.Mark{}, 1000))(t))
		flips := f.flips(t, fmt.Sprintf("job %d", i))
		for j := 1; j < len(flips); j++ {
			if strings.Fields(flips[j-1])[2] != strings.Fields(flips[j])[0] {
				t.Errorf("the changes of job %d do not follow each other: %v", i, flips)
			}
		}
	}
	same(t, "pulses kept", total, senders*each)
}

// shortcutAgrees runs random sequences on two databases, one with the bulk statement and one without, and demands the
// same rows and answers. judge_at alone may lag behind, and only where a sweep would find the row too early.
func shortcutAgrees(t *testing.T, f *Fixture) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	with, without := f, Open(t, f.Engine())
	without.Options.Shortcut = store.ShortcutOff
	without.Options.Clock, without.Clock = with.Clock, with.Clock
	without.Store = Reopen(t, without.Options)
	random := rand.New(rand.NewPCG(seed, 1))
	for _, side := range []*Fixture{with, without} {
		prepareMixed(t, side)
	}
	for step := range 150 {
		if random.IntN(4) == 0 {
			with.Clock.Advance(time.Duration(random.IntN(40_000)) * time.Millisecond)
		}
		if random.IntN(6) == 0 {
			with.sweepAll(t)
			without.sweepAll(t)
		}
		w := randomPulse(random, with)
		a, b := w, w
		ra, errA := with.Pulses.Add(a)
		rb, errB := without.Pulses.Add(b)
		if api.KindOf(errA) != api.KindOf(errB) {
			t.Fatalf("step %d: errors differ: %v and %v", step, errA, errB)
		}
		same(t, fmt.Sprintf("result of step %d (%+v)", step, w.Pulse), ra, rb)
		if t.Failed() {
			return
		}
	}
	for i := range mixedServices {
		name := mixedName(i)
		a, b := *with.service(t, name), *without.service(t, name)
		if a.JudgeAt > b.JudgeAt && b.JudgeAt != 0 || (a.JudgeAt == 0) != (b.JudgeAt == 0) {
			t.Errorf("%s would be judged at %s with the shortcut and must be at %s", name, a.JudgeAt, b.JudgeAt)
		}
		a.JudgeAt, a.ID, a.CreatedAt, a.UpdatedAt = b.JudgeAt, b.ID, b.CreatedAt, b.UpdatedAt
		same(t, name, a, b)
		same(t, "changes of "+name, with.flips(t, name), without.flips(t, name))
	}
}

const mixedServices = 8

func mixedName(i int) string { return fmt.Sprintf("mixed %d", i) }

// prepareMixed makes services of every sort: with and without a period, grace, cron expression, limits.
func prepareMixed(t *testing.T, f *Fixture) {
	for i := range mixedServices {
		s := api.ServiceSettings{Name: mixedName(i), Grace: api.Seconds(10 * (i % 3))}
		switch i {
		case 1, 2:
			s.NextIn = 30
		case 3:
			s.Cron, s.TimeZone = "* * * * *", "UTC"
		case 4:
			s.MaxRun = 20
		case 5:
			s.ManualResume = true
		}
		must(f.Services.Create(context.Background(), s))(t)
	}
}

func randomPulse(random *rand.Rand, f *Fixture) store.PulseWrite {
	w := f.pulse(mixedName(random.IntN(mixedServices)), 0)
	w.Create = nil
	kinds := []api.PulseKind{api.PulseSuccess, api.PulseSuccess, api.PulseSuccess, api.PulseSuccess, api.PulseStart, api.PulseFail, api.PulseLog}
	w.Pulse.Kind = kinds[random.IntN(len(kinds))]
	if random.IntN(2) == 0 {
		w.Pulse.NextIn = api.Seconds(1 + random.IntN(60))
	}
	switch random.IntN(6) {
	case 0:
		w.Pulse.Legacy.AlertTarget = "you@example.org"
	case 1, 2:
		w.Pulse.Legacy = nil
	}
	if random.IntN(8) == 0 {
		w.Pulse.Time = w.Pulse.ReceivedAt.Add(-time.Duration(random.IntN(90)) * time.Second)
	}
	if random.IntN(8) == 0 {
		w.Pulse.RID = "a"
	}
	return w
}

// second gives a fixture on the same database as another, as a second server would be.
func (f *Fixture) second(tb testing.TB, c *clock.Manual) *Fixture {
	tb.Helper()
	g := &Fixture{Clock: c, Hub: hub.New(), Options: f.Options}
	g.Options.Hub, g.Options.Clock = g.Hub, c
	g.Store = Reopen(tb, g.Options)
	return g
}
