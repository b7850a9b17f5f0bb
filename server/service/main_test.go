package service_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"watchkeeper/api"
	"watchkeeper/server/secret"
	"watchkeeper/server/service"
	"watchkeeper/server/store/storetest"
	"watchkeeper/server/store/storetest/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Wrap(m)) }

// feature is the services on a store of one engine. Alerts can go to mail and to the channel ops.
func feature(f *storetest.Fixture) *service.Services {
	key, err := secret.New("a secret that is long enough")
	if err != nil {
		panic(err)
	}
	return service.New(service.Options{
		Store: f.Store, Hub: f.Hub, Clock: f.Clock, Log: slog.New(slog.DiscardHandler), Zone: "Europe/Paris", BodyLimit: 10,
		Sealer: key,
		CheckTarget: func(target string) error {
			if target == "ops" || strings.HasPrefix(target, "mail:") {
				return nil
			}
			return api.Errorf(api.KindInvalid, "there is no channel %s", target)
		},
	})
}

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

func same(tb testing.TB, what string, got, want any) {
	tb.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("%s differs (-want +got):\n%s", what, diff)
	}
}

func wantKind(tb testing.TB, err error, kind api.ErrorKind) {
	tb.Helper()
	if got := api.KindOf(err); got != kind {
		tb.Fatalf("error %v is of kind %q, want %q", err, got, kind)
	}
}

// locations gives where the faults of an error are.
func locations(err error) []string {
	var out []string
	for _, f := range api.ProblemOf(err).Errors {
		out = append(out, f.Location)
	}
	return out
}

// shown gives a value as JSON, as a client sees it.
func shown(tb testing.TB, v any) string {
	tb.Helper()
	return string(must(json.MarshalIndent(v, "", "\t"))(tb))
}

func now(f *storetest.Fixture) api.Time { return api.TimeOf(f.Clock.Now()) }

func byName(tb testing.TB, f *storetest.Fixture, name string) *api.Service {
	tb.Helper()
	return must(f.Services.ByName(context.Background(), name))(tb)
}
