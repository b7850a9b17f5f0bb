package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/hub"
	"watchkeeper/server/store"
)

var probeTests = map[string]func(*testing.T, *Fixture){
	"a probe comes back as it was set":            probeKept,
	"the run of a probe is recorded with a pulse": probeRecorded,
	"a run that must not count leaves nothing":    probeRefused,
	"what is paused or gone is not probed":        probeWatched,
}

func webProbe(url string) *api.Probe {
	return &api.Probe{ProbeSettings: api.ProbeSettings{
		Kind: api.ProbeHTTP, URL: url, Headers: map[string]string{"X": "***"},
	}.WithDefaults(), Sealed: "sealed " + url}
}

// probed makes a service with a probe.
func (f *Fixture) probed(tb testing.TB, name string) *api.Service {
	tb.Helper()
	return must(f.Services.Create(context.Background(), api.ServiceSettings{Name: name, Grace: 60, Probe: webProbe("http://" + name)}))(tb)
}

func probeKept(t *testing.T, f *Fixture) {
	ctx := context.Background()
	woken := f.Hub.Subscribe(hub.Probes)
	defer woken.Close()
	expectWake := func(what string, want bool) {
		t.Helper()
		select {
		case <-woken.C():
			if !want {
				t.Errorf("%s woke those who probe", what)
			}
		default:
			if want {
				t.Errorf("%s woke nobody", what)
			}
		}
	}
	made := f.probed(t, "web")
	expectWake("making it", true)
	same(t, "probe", f.service(t, "web").Probe, webProbe("http://web"))
	same(t, "by id", must(f.Services.Get(ctx, made.ID))(t).Probe, webProbe("http://web"))
	edit := func(change func(*api.ServiceSettings)) *api.Service {
		t.Helper()
		return must(f.Services.Update(ctx, made.ID, func(s api.Service) (api.ServiceSettings, error) {
			change(&s.ServiceSettings)
			return s.ServiceSettings, nil
		}))(t)
	}
	edit(func(s *api.ServiceSettings) { s.Tags = []string{"a"} })
	same(t, "probe after another change", f.service(t, "web").Probe, webProbe("http://web"))
	expectWake("another tag", false)

	f.Clock.Advance(time.Second)
	edit(func(s *api.ServiceSettings) { p := *s.Probe; p.Sealed = "another secret"; s.Probe = &p })
	same(t, "what is sealed, after a change of that alone", f.service(t, "web").Probe.Sealed, "another secret")
	same(t, "updated", f.service(t, "web").UpdatedAt, f.now())
	expectWake("another secret", true)

	edit(func(s *api.ServiceSettings) { s.Probe = nil; s.NextIn = 60 })
	if p := f.service(t, "web").Probe; p != nil {
		t.Errorf("a probe that was taken away is there: %+v", p)
	}
	expectWake("taking it away", true)
	same(t, "watched", len(must(f.Probes.Watched(ctx))(t)), 0)
	edit(func(s *api.ServiceSettings) { s.Probe = webProbe("http://new"); s.NextIn = 0 })
	same(t, "given again", f.service(t, "web").Probe, webProbe("http://new"))
	expectWake("giving it again", true)
	must(f.Services.Create(ctx, api.ServiceSettings{Name: "a plain one"}))(t)
	listed := must(f.Services.List(ctx, store.ServiceFilter{Order: store.ByServiceName, Limit: 5, Probed: store.OnlyProbed}))(t)
	same(t, "in the list", listed[0].Probe, webProbe("http://new"))
}

// run is the pulse of a run of a probe.
func (f *Fixture) run(s *api.Service, lease *store.Lease, ok bool) store.PulseWrite {
	now := f.now()
	kind, reason := api.PulseSuccess, api.ProbeOK
	if !ok {
		kind, reason = api.PulseFail, api.ProbeStatus
	}
	return store.PulseWrite{
		ID:    s.ID,
		Pulse: api.Pulse{Kind: kind, ReceivedAt: now, Time: now, NextIn: s.Probe.NextIn(), Duration: 120 * time.Millisecond},
		Body:  []byte("HTTP 500"), Scheme: "probe", Method: "http",
		Probe: &store.ProbeRun{Of: s.Probe, Lease: lease, Result: api.ProbeResult{
			At: now.Add(-120 * time.Millisecond), OK: ok, Reason: reason, Duration: 0.12, Status: 500, CertificateExpires: now,
			Timing: &api.ProbeTiming{Connect: 0.01, Wait: 0.1},
		}},
	}
}

func probeRecorded(t *testing.T, f *Fixture) {
	ctx := context.Background()
	s := f.probed(t, "web")
	other := f.probed(t, "other")
	var lastOK api.Time
	for i, c := range []struct {
		ok       bool
		failures int
	}{{true, 0}, {false, 1}, {false, 2}, {true, 0}, {false, 1}} {
		f.Clock.Advance(time.Second)
		lease := must(f.Leases.Acquire(ctx, "probe", "one"))(t)
		w := f.run(s, &lease, c.ok)
		result := must(f.Pulses.Add(w))(t)
		same(t, "failures", result.Failures, c.failures)
		found := must(f.Probes.Results(ctx, s.ID, other.ID))(t)
		want := w.Probe.Result
		if c.ok {
			lastOK = want.At
		}
		want.LastOK = lastOK
		same(t, "results", found, map[string]*api.ProbeResult{s.ID: &want})
		watched := must(f.Probes.Watched(ctx))(t)
		same(t, "watched", watched[0], store.Probed{ID: s.ID, Name: "web", Probe: s.Probe, RanAt: want.At, Failures: c.failures})
		same(t, "pulses", len(must(f.Pulses.List(ctx, s.ID, store.Mark{}, 10))(t)), i+1)
	}
	got := f.service(t, "web")
	same(t, "duration", got.LastDuration, 0.12)
	same(t, "period in force", got.NextInForce(), s.Probe.NextIn())

	f.Clock.Advance(time.Second)
	changed := must(f.Services.Update(ctx, s.ID, func(old api.Service) (api.ServiceSettings, error) {
		old.Probe = webProbe("http://elsewhere")
		return old.ServiceSettings, nil
	}))(t)
	same(t, "results of a probe that begins anew", len(must(f.Probes.Results(ctx, s.ID))(t)), 0)
	same(t, "its watch", must(f.Probes.Watched(ctx))(t)[0], store.Probed{ID: s.ID, Name: "web", Probe: changed.Probe})
}

func probeRefused(t *testing.T, f *Fixture) {
	ctx := context.Background()
	s := f.probed(t, "web")
	lease := must(f.Leases.Acquire(ctx, "probe", "one"))(t)
	refused := func(what string, w store.PulseWrite, want error) {
		t.Helper()
		if _, err := f.Pulses.Add(w); !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", what, err, want)
		}
		same(t, "pulses after "+what, len(must(f.Pulses.List(ctx, s.ID, store.Mark{}, 10))(t)), 0)
		same(t, "results after "+what, len(must(f.Probes.Results(ctx, s.ID))(t)), 0)
	}
	foreign := lease
	foreign.Holder = "two"
	refused("a run of a server that never led", f.run(s, &foreign, true), store.ErrNotLeader)
	older := *s
	older.Probe = webProbe("http://former")
	refused("a run of former settings", f.run(&older, &lease, true), store.ErrProbeOutdated)

	f.Clock.Advance(store.LeaseTime + time.Millisecond)
	refused("a run under a lease that ended", f.run(s, &lease, true), store.ErrNotLeader)
	must(f.Leases.Acquire(ctx, "probe", "two"))(t)
	again := f.run(s, &lease, false)
	refused("a run under a lease that another has", again, store.ErrNotLeader)

	must(f.Services.Pause(ctx, s.ID, api.ReasonPaused))(t)
	refused("a run by hand of a probe that was paused meanwhile", f.run(s, nil, true), store.ErrProbeOutdated)
	same(t, "state", f.service(t, "web").State, api.StatePaused)

	plain := must(f.Services.Create(ctx, api.ServiceSettings{Name: "plain", NextIn: 60}))(t)
	plain.Probe = webProbe("http://web")
	refused("a run of a service without a probe", f.run(plain, nil, true), store.ErrProbeOutdated)
	must(f.Services.Delete(ctx, s.ID))(t)
	_, err := f.Pulses.Add(f.run(s, nil, true))
	wantKind(t, err, api.KindNotFound)
}

func probeWatched(t *testing.T, f *Fixture) {
	ctx := context.Background()
	names := func() (out []string) {
		for _, p := range must(f.Probes.Watched(ctx))(t) {
			out = append(out, p.Name)
		}
		return out
	}
	one, two := f.probed(t, "one"), f.probed(t, "two")
	must(f.Services.Create(ctx, api.ServiceSettings{Name: "plain", NextIn: 60}))(t)
	same(t, "watched", names(), []string{"one", "two"})
	woken := f.Hub.Subscribe(hub.Probes)
	defer woken.Close()
	must(f.Services.Pause(ctx, one.ID, api.ReasonPaused))(t)
	<-woken.C()
	same(t, "with one paused", names(), []string{"two"})
	same(t, "all", len(must(f.Probes.All(ctx))(t)), 2)
	must(f.Services.Resume(ctx, one.ID))(t)
	<-woken.C()
	must(f.Services.Delete(ctx, two.ID))(t)
	<-woken.C()
	same(t, "with one resumed and one gone", names(), []string{"one"})
}
