package ping_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"watchkeeper/api"
	"watchkeeper/server/httpapi/httpapitest"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest/pgtest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(pgtest.Wrap(m))
}

// server is a server as whoever pings sees it.
type server struct{ *httpapitest.Server }

// onSQLite is for what cannot differ between the engines.
func onSQLite(tb testing.TB) server {
	tb.Helper()
	return server{httpapitest.SQLite(tb, httpapitest.Options{})}
}

func onEach(t *testing.T, test func(t *testing.T, s server)) {
	t.Helper()
	httpapitest.Each(t, httpapitest.Options{}, func(t *testing.T, s *httpapitest.Server) { test(t, server{s}) })
}

// ping sends a signal to what stands behind /ping/.
func (s server) ping(tb testing.TB, method, path, body string, header ...string) *httpapitest.Reply {
	tb.Helper()
	return s.Ask(tb, httpapitest.Ask{To: method + " /ping/" + path, Body: body, Password: httpapitest.None, Header: header})
}

// want ends the test unless a ping is answered with a status and a text.
func (s server) want(tb testing.TB, path string, status int, text string) {
	tb.Helper()
	if r := s.ping(tb, "GET", path, ""); r.Status != status || r.Body != text {
		tb.Fatalf("%s: %d %q, want %d %q", path, r.Status, r.Body, status, text)
	}
}

// ok sends a signal that must be taken.
func (s server) ok(tb testing.TB, path string) {
	tb.Helper()
	s.want(tb, path, 200, "OK")
}

// create makes a service and gives its id.
func (s server) create(tb testing.TB, settings api.ServiceSettings) string {
	tb.Helper()
	made, err := s.Services.Create(context.Background(), settings)
	if err != nil {
		tb.Fatal(err)
	}
	return made.ID
}

func (s server) service(tb testing.TB, id string) *api.Service {
	tb.Helper()
	svc, err := s.Services.Get(context.Background(), id)
	if err != nil {
		tb.Fatal(err)
	}
	return svc
}

// history gives the pulses of a service, oldest first.
func (s server) history(tb testing.TB, id string) []api.PulseRecord {
	tb.Helper()
	list, err := s.Pulses.List(context.Background(), id, store.Mark{}, 1000)
	if err != nil {
		tb.Fatal(err)
	}
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list
}

// changes gives what a service went through, oldest first.
func (s server) changes(tb testing.TB, id string) []string {
	tb.Helper()
	list, err := s.Changes.OfService(context.Background(), id, 0, 1000)
	if err != nil {
		tb.Fatal(err)
	}
	all := []string{}
	for i := len(list) - 1; i >= 0; i-- {
		all = append(all, fmt.Sprintf("%s > %s: %s", list[i].From, list[i].To, list[i].Reason))
	}
	return all
}

func same(tb testing.TB, what string, got, want any) {
	tb.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
