package service_test

import (
	"context"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/service"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

func TestPulse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		s := feature(f)
		sign := service.Sign{Name: "job", Create: &api.ServiceSettings{Name: "job"}, NextIn: 60, Body: []byte("more than is kept"), Method: "POST"}
		r := must(s.Pulse(sign))(t)
		same(t, "result", r, store.PulseResult{
			Name: "job", Kind: api.PulseSuccess, Created: true, From: api.StateNew, State: api.StateUp, Last: now(f), NextIn: 60,
			Expected: now(f).Add(time.Minute), Deadline: now(f).Add(time.Minute),
		})
		f.Clock.Advance(time.Second)
		exit := 2
		r = must(s.Pulse(service.Sign{ID: byName(t, f, "job").ID, ExitCode: &exit}))(t)
		same(t, "kind", r.Kind, api.PulseFail)
		same(t, "state", r.State, api.StateDown)

		list := must(f.Pulses.List(context.Background(), byName(t, f, "job").ID, store.Mark{}, 10))(t)
		same(t, "pulses", len(list), 2)
		same(t, "exit code", *list[0].ExitCode, 2)
		same(t, "body", string(list[1].Body), "more than ")
	})
}

func TestPulseThatIsRefused(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	s := feature(f)
	must(s.Create(context.Background(), api.ServiceInput{Name: new("job")}))(t)
	for name, c := range map[string]struct {
		sign service.Sign
		kind api.ErrorKind
	}{
		"a period below 0":       {service.Sign{Name: "job", NextIn: -1}, api.KindInvalid},
		"a period without bound": {service.Sign{Name: "job", NextIn: api.MaxSeconds + 1}, api.KindInvalid},
		"a name that is none":    {service.Sign{Name: "a\x00b", Create: &api.ServiceSettings{}}, api.KindInvalid},
		"an unknown name":        {service.Sign{Name: "nobody"}, api.KindNotFound},
		"an unknown id":          {service.Sign{ID: "00000000-0000-7000-8000-000000000000"}, api.KindNotFound},
	} {
		_, err := s.Pulse(c.sign)
		if api.KindOf(err) != c.kind {
			t.Errorf("%s: error %v, want one of kind %s", name, err, c.kind)
		}
	}
	same(t, "last pulse after refusals", byName(t, f, "job").LastPulse, api.Time(0))
}

// TestReceive checks what the REST interface sends, and the time that a sender names.
func TestReceive(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	s := feature(f)
	svc := must(s.Create(context.Background(), api.ServiceInput{Name: new("job")}))(t)
	receive := func(in api.PulseInput) api.PulseRecord {
		t.Helper()
		f.Clock.Advance(time.Minute)
		must(s.Receive(in, service.Sign{ID: svc.ID, Scheme: "https"}))(t)
		return must(f.Pulses.List(context.Background(), svc.ID, store.Mark{}, 1))(t)[0]
	}
	exit := 0
	got := receive(api.PulseInput{Kind: api.PulseLog, NextIn: 5, RID: "r", ExitCode: &exit, Duration: new(1.2345), Body: "text"})
	same(t, "pulse with everything", got, api.PulseRecord{
		ID: got.ID, Kind: api.PulseLog, ReceivedAt: now(f), Time: now(f), NextIn: 5, RID: "r", ExitCode: &exit, Duration: 1.235,
		Scheme: "https", Body: []byte("text"),
	})
	same(t, "pulse with nothing", receive(api.PulseInput{}).Kind, api.PulseSuccess)
	past := now(f)
	same(t, "time in the past", receive(api.PulseInput{Time: past}).Time, past)
	got = receive(api.PulseInput{Time: now(f).Add(3 * time.Hour)})
	same(t, "time too far ahead", got.Time, got.ReceivedAt)
}

func TestFindSlug(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	s := feature(f)
	ctx := context.Background()
	one := must(s.Create(ctx, api.ServiceInput{Name: new("one")}))(t)
	must(s.Create(ctx, api.ServiceInput{Name: new("two")}))(t)
	must(s.Create(ctx, api.ServiceInput{Name: new("Two!")}))(t)
	same(t, "the only one", must(s.FindSlug(ctx, "one"))(t), one.ID)
	_, err := s.FindSlug(ctx, "two")
	wantKind(t, err, api.KindConflict)
	_, err = s.FindSlug(ctx, "three")
	wantKind(t, err, api.KindNotFound)
}
