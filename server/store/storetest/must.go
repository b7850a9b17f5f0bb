package storetest

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

// must gives v, or ends the test for its error.
func must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatalf("unexpected error: %v", err)
		}
		return v
	}
}

func wantKind(tb testing.TB, err error, kind api.ErrorKind) {
	tb.Helper()
	if got := api.KindOf(err); got != kind {
		tb.Fatalf("error %v is of kind %q, want %q", err, got, kind)
	}
}

func same(tb testing.TB, what string, got, want any) {
	tb.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("%s differs (-want +got):\n%s", what, diff)
	}
}

// now gives the moment of the fixture's clock.
func (f *Fixture) now() api.Time { return api.TimeOf(f.Clock.Now()) }

// service gives the service with a name.
func (f *Fixture) service(tb testing.TB, name string) *api.Service {
	tb.Helper()
	return must(f.Services.ByName(context.Background(), name))(tb)
}

// flips gives the changes of a service as text, oldest first.
func (f *Fixture) flips(tb testing.TB, name string) []string {
	tb.Helper()
	changes := must(f.Changes.OfService(context.Background(), f.service(tb, name).ID, 0, 1000))(tb)
	var out []string
	for i := len(changes) - 1; i >= 0; i-- {
		c := changes[i]
		out = append(out, string(c.From)+" > "+string(c.To)+" "+string(c.Reason))
	}
	return out
}

// sweepAll judges until nothing is due.
func (f *Fixture) sweepAll(tb testing.TB) {
	tb.Helper()
	for {
		swept := must(f.Services.Sweep(context.Background(), 0))(tb)
		if !swept.More {
			return
		}
	}
}

// pulse is a success as a watchTower client sends it.
func (f *Fixture) pulse(name string, nextIn api.Seconds) store.PulseWrite {
	now := f.now()
	return store.PulseWrite{
		Name: name, Create: &api.ServiceSettings{Name: name, Slug: api.Slugify(name)},
		Pulse: api.Pulse{
			Kind: api.PulseSuccess, ReceivedAt: now, Time: now, NextIn: nextIn,
			Legacy: &api.LegacyTarget{AlertType: "mail", AlertTarget: "me@example.org"},
		},
		Method: "POST", Scheme: "https", RemoteAddress: "192.0.2.7", UserAgent: "curl/8",
	}
}

// sameJSON is same for values that hold parsed patterns, by what clients see of them.
func sameJSON(tb testing.TB, what string, got, want any) {
	tb.Helper()
	same(tb, what, string(must(json.Marshal(got))(tb)), string(must(json.Marshal(want))(tb)))
}
