package probe

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

// world is servers that probe targets which note when they are asked.
type world struct {
	*storetest.Fixture
	targets *httptest.Server
	broken  atomic.Bool // then every target fails
	mu      sync.Mutex
	asked   map[string][]api.Time
	running map[*Probes]bool
}

func newWorld(t *testing.T, f *storetest.Fixture) *world {
	w := &world{Fixture: f, asked: map[string][]api.Time{}, running: map[*Probes]bool{}}
	w.targets = httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.asked[r.URL.Path[1:]] = append(w.asked[r.URL.Path[1:]], w.now())
		if w.broken.Load() {
			answer.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(w.targets.Close)
	return w
}

func (w *world) now() api.Time { return api.TimeOf(w.Clock.Now()) }

// server runs the loop of a server until stop is called, which is how a server dies: it gives up nothing.
func (w *world) server(t *testing.T, id string) (stop func()) {
	t.Helper()
	_, p := features(t, w.Fixture, id)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	w.running[p] = true
	w.Clock.BlockUntil(2 * len(w.running))
	stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		delete(w.running, p)
	})
	t.Cleanup(stop)
	return stop
}

// pass lets time pass while the loops keep up with it.
func (w *world) pass(t *testing.T, d time.Duration) {
	t.Helper()
	const step = 100 * time.Millisecond
	for range d / step {
		w.Clock.Advance(step)
		w.Clock.BlockUntil(2 * len(w.running)) // of each loop, and of its hold on the lease
		for p := range w.running {
			for p.Underway() > 0 { // the network and the database take real time
				time.Sleep(50 * time.Microsecond)
			}
		}
	}
}

// runs gives when a target was asked, from a moment on.
func (w *world) runs(name string, from api.Time) []api.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.asked[name]), func(at api.Time) bool { return at < from })
}

func (w *world) service(t *testing.T, name string) *api.Service {
	t.Helper()
	return must(w.Services.ByName(context.Background(), name))(t)
}

// settle waits until what is under way has ended, as it shows in the store.
func (w *world) settle(t *testing.T, name string, want api.State) *api.Service {
	t.Helper()
	for range 1000 {
		if s := w.service(t, name); s.State == want {
			return s
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("%s is %s, want %s", name, w.service(t, name).State, want)
	return nil
}

const slack = 2 * time.Second // what the test's own steps may add while the machine is busy

// TestOneOfTwoServersProbes checks that each probe runs once in each interval, and that another server goes on after the
// one that probed has died.
func TestOneOfTwoServersProbes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		w := newWorld(t, f)
		services, _ := features(t, f, "setup")
		const probes, interval = 20, 10
		for i := range probes {
			name := fmt.Sprintf("web%d", i)
			create(t, services, name, api.ProbeSettings{Kind: api.ProbeHTTP, URL: w.targets.URL + "/" + name, Interval: interval})
		}
		stopFirst := w.server(t, "one")
		w.pass(t, 2*time.Second)
		w.server(t, "two")
		w.pass(t, 12*time.Second) // every one has run for the first time
		begin := w.now()
		w.pass(t, 60*time.Second)
		for i := range probes {
			name := fmt.Sprintf("web%d", i)
			times := w.runs(name, begin)
			if len(times) < 5 || len(times) > 7 {
				t.Errorf("%s ran %d times in 60 s", name, len(times))
			}
			for n := 1; n < len(times); n++ {
				if apart := times[n].Sub(times[n-1]); apart < interval*time.Second-slack || apart > interval*time.Second+slack {
					t.Errorf("%s ran %v apart", name, apart)
				}
			}
		}
		lease := must(f.Leases.Acquire(context.Background(), leaseName, "one"))(t)
		same(t, "terms", lease.Fence, int64(1))

		stopFirst()
		died := w.now()
		w.pass(t, 30*time.Second)
		for i := range probes {
			name := fmt.Sprintf("web%d", i)
			times := w.runs(name, died)
			if len(times) == 0 || times[0].Sub(died) > store.LeaseTime+2*renewEvery+interval*time.Second+slack {
				t.Errorf("%s ran at %v after the first server died at %v", name, times, died)
			}
		}
		for {
			if swept := must(f.Services.Sweep(context.Background(), 0))(t); !swept.More {
				break
			}
		}
		same(t, "states", must(f.Services.CountByState(context.Background()))(t), map[api.State]int64{api.StateUp: probes})
	})
}

// TestRestart checks that the time without a server makes nobody down, and that what was missed does not come all at
// once.
func TestRestart(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		ctx := context.Background()
		w := newWorld(t, f)
		f.Servers.Register(store.Presence{ID: "one"})
		must(f.Servers.Beat(ctx))(t)
		services, _ := features(t, f, "one")
		const probes, interval = 30, 30
		for i := range probes {
			name := fmt.Sprintf("web%d", i)
			create(t, services, name, api.ProbeSettings{Kind: api.ProbeHTTP, URL: w.targets.URL + "/" + name, Interval: interval})
		}
		stop := w.server(t, "one")
		for range 15 {
			w.pass(t, time.Second)
			must(f.Servers.Beat(ctx))(t)
		}
		stop()
		f.Clock.Advance(20 * time.Minute)
		must(f.Servers.Beat(ctx))(t)
		back := w.now()
		w.server(t, "two")
		for range 40 {
			must(f.Services.Sweep(ctx, 0))(t)
			w.pass(t, time.Second)
			must(f.Servers.Beat(ctx))(t)
		}
		must(f.Services.Sweep(ctx, 0))(t)
		perSecond := map[int64]int{}
		for i := range probes {
			s := w.service(t, fmt.Sprintf("web%d", i))
			for _, c := range must(f.Changes.OfService(ctx, s.ID, 0, 10))(t) {
				if c.To != api.StateUp {
					t.Errorf("%s was %s: %s", s.Name, c.To, c.Reason)
				}
			}
			times := w.runs(s.Name, back)
			if len(times) == 0 || times[0].Sub(back) > interval*time.Second+slack+store.LeaseTime {
				t.Errorf("%s ran %v after the restart", s.Name, times)
				continue
			}
			perSecond[times[0].Unix()]++
		}
		for second, n := range perSecond {
			if n > probes/3 {
				t.Errorf("%d of %d probes ran in second %d", n, probes, second-back.Unix())
			}
		}
	})
}

// TestOutage follows a target that fails: what its pulses say, that it is tried again soon, and that it comes back.
func TestOutage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		ctx := context.Background()
		w := newWorld(t, f)
		services, byHand := features(t, f, "hand")
		svc := create(t, services, "web", api.ProbeSettings{
			Kind: api.ProbeHTTP, URL: w.targets.URL + "/web", Interval: 300, Headers: map[string]string{"X-Key": "geheim"},
		})
		w.server(t, "one")
		w.pass(t, 12*time.Second)
		up := w.settle(t, "web", api.StateUp)
		if up.Probe == nil || up.LastDuration <= 0 || up.NextInForce() != up.Probe.NextIn() {
			t.Errorf("after its first run: %+v", up)
		}
		w.broken.Store(true)
		begin := w.now()
		w.pass(t, 320*time.Second)
		times := w.runs("web", begin)
		if len(times) < 2 || times[1].Sub(times[0]) > 15*time.Second+slack {
			t.Fatalf("after the first failure it ran at %v", times)
		}
		w.settle(t, "web", api.StateDown)
		pulses := must(f.Pulses.List(ctx, svc.ID, store.Mark{}, 10))(t)
		same(t, "what the newest pulse says", []string{string(pulses[0].Kind), string(pulses[0].Body), pulses[0].Scheme, pulses[0].Method},
			[]string{"fail", "HTTP 503 Service Unavailable, expected 2xx", "probe", "http"})
		if pulses[0].Duration <= 0 || pulses[0].RemoteAddress == "" {
			t.Errorf("the newest pulse: %+v", pulses[0])
		}

		changes := must(f.Changes.OfService(ctx, svc.ID, 0, 1))(t)
		same(t, "what the change knows", changes[0].Facts.Found, "HTTP 503 Service Unavailable, expected 2xx")

		w.broken.Store(false)
		found := must(byHand.RunNow(ctx, w.service(t, "web")))(t)
		same(t, "run by hand", found.OK, true)
		same(t, "state after a run by hand", w.service(t, "web").State, api.StateUp)

		must(f.Services.Pause(ctx, svc.ID, api.ReasonPaused))(t)
		paused := w.service(t, "web")
		found = must(byHand.RunNow(ctx, paused))(t)
		same(t, "run by hand of a paused service", found.OK, true)
		same(t, "state after that", w.service(t, "web").State, api.StatePaused)
		begin = w.now()
		w.pass(t, time.Second)
		must(f.Services.Resume(ctx, svc.ID))(t)
		w.pass(t, 300*time.Second)
		if len(w.runs("web", begin.Add(time.Second))) == 0 {
			t.Error("a service that was resumed is not probed")
		}
		plain := must(services.Create(ctx, api.ServiceInput{Name: new("plain"), NextIn: new(api.Seconds(60))}))(t)
		if _, err := byHand.RunNow(ctx, plain); api.KindOf(err) != api.KindConflict {
			t.Errorf("a run of a service without a probe: %v", err)
		}
	})
}

// TestCertificateIsWarnedOf checks that each notice goes out once, whoever probes, and that a renewed one ends it.
func TestCertificateIsWarnedOf(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		ctx := context.Background()
		services, one := features(t, f, "one")
		_, two := features(t, f, "two")
		day := 24 * time.Hour
		server := tlsServer(t, storetest.Start.Add(20*day))
		svc := create(t, services, "web", api.ProbeSettings{Kind: api.ProbeHTTP, URL: server.URL + "/?key=geheim", Insecure: true})
		warned := func() (messages []string) {
			t.Helper()
			for range 2 {
				for _, p := range []*Probes{one, two} {
					must(p.RunNow(ctx, svc))(t)
					f.Clock.Advance(time.Minute)
				}
			}
			for _, e := range must(f.Events.After(ctx, 0, 100))(t) {
				if e.Alert {
					messages = append(messages, e.Service+": "+e.Message)
				}
			}
			return messages
		}
		address := server.URL + "/?key=***"
		first := "web: The certificate of " + address + " ends in 13 days, on 2026-03-21 12:00 UTC"
		last := "web: The certificate of " + address + " ends in 2 days, on 2026-03-21 12:00 UTC"
		same(t, "20 days before", warned(), []string(nil))
		f.Clock.Advance(6 * day)
		same(t, "14 days before", warned(), []string{first})
		f.Clock.Advance(5 * day)
		same(t, "9 days before", warned(), []string{first})
		f.Clock.Advance(6 * day)
		same(t, "3 days before", warned(), []string{first, last})
		incidents := must(f.Incidents.List(ctx, store.IncidentFilter{SubjectKind: api.SubjectEvent, Limit: 10}))(t)
		same(t, "incidents", len(incidents), 2)

		svc = must(services.Patch(ctx, svc.ID, api.ServiceInput{Probe: &api.ProbeSettings{
			Kind: api.ProbeHTTP, URL: tlsServer(t, storetest.Start.Add(100*day)).URL, Insecure: true,
		}}))(t)
		same(t, "renewed", warned(), []string{first, last})
	})
}
