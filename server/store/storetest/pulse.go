package storetest

import (
	"context"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

func (f *Fixture) pulse(name string, nextIn api.Seconds) store.PulseWrite {
	now := api.TimeOf(f.Clock.Now())
	return store.PulseWrite{
		Name: name, Create: &api.ServiceSettings{Name: name, Slug: api.Slugify(name)},
		Pulse: api.Pulse{Kind: api.PulseSuccess, ReceivedAt: now, Time: now, NextIn: nextIn, Legacy: &api.LegacyTarget{AlertType: "mail", AlertTarget: "me@example.org"}},
	}
}

func pulseCreates(t *testing.T, f *Fixture) {
	for range 3 {
		r, err := f.Pulses.Add(f.pulse("backup", 60))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v", r)
		f.Clock.Advance(30 * time.Second)
	}
	f.Clock.Advance(31 * time.Second)
	swept, err := f.Services.Sweep(context.Background(), 0)
	t.Logf("%+v %v", swept, err)
	r, err := f.Pulses.Add(f.pulse("backup", 60))
	t.Logf("%+v %v", r, err)
	s, err := f.Services.ByName(context.Background(), "backup")
	t.Logf("%+v %v", s, err)
	ch, err := f.Changes.OfService(context.Background(), s.ID, 0, 10)
	t.Logf("%+v %v", ch, err)
	ev, err := f.Events.Page(context.Background(), store.EventFilter{}, 10)
	t.Logf("%+v %v", ev, err)
	ps, err := f.Pulses.List(context.Background(), s.ID, store.Mark{}, 10)
	t.Logf("%+v %v", ps, err)
	a, err := f.Events.Add([]api.Event{{Service: "x", Message: "hello", Alert: true, Time: 5, ReceivedAt: api.TimeOf(f.Clock.Now())}}, nil)
	t.Logf("%+v %v", a, err)
}
