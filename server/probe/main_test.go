package probe

import (
	"context"
	"encoding/base64"
	"log/slog"
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"watchkeeper/api"
	"watchkeeper/server/dial"
	"watchkeeper/server/service"
	"watchkeeper/server/store/storetest"
	"watchkeeper/server/store/storetest/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Wrap(m)) }

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

// look looks at a target once, where private addresses are allowed.
func look(t *testing.T, p api.ProbeSettings) api.ProbeResult {
	t.Helper()
	return lookWith(t, dial.AllowPrivate, p)
}

func lookWith(t *testing.T, policy dial.Policy, p api.ProbeSettings) api.ProbeResult {
	t.Helper()
	p = p.WithDefaults()
	var wrong api.Fields
	if p.Check("probe", &wrong); len(wrong) > 0 {
		t.Fatalf("the probe of the test is wrong: %v", wrong)
	}
	d := dial.New(policy)
	t.Cleanup(d.Transport().CloseIdleConnections)
	r := checker{dialer: d}.check(t.Context(), &p)
	if !r.Reason.Valid() || r.OK != (r.Reason == api.ProbeOK) || r.Detail == "" || r.Duration <= 0 {
		t.Errorf("a result that is none: %+v", r)
	}
	return r
}

// wantReason checks why a target failed.
func wantReason(t *testing.T, what string, r api.ProbeResult, want api.ProbeReason) {
	t.Helper()
	if r.Reason != want {
		t.Errorf("%s: %s (%s), want %s", what, r.Reason, r.Detail, want)
	}
}

// hanging listens, takes connections and never says a word.
func hanging(t testing.TB) net.Addr {
	t.Helper()
	listener := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		var held []net.Conn
		for {
			conn, err := listener.Accept()
			if err != nil {
				break
			}
			held = append(held, conn)
		}
		for _, conn := range held {
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr()
}

// nobody gives the address of a port where nothing listens.
func nobody(t *testing.T) string {
	t.Helper()
	listener := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// plainSealer seals in a way that a test can see through, which does for the tests of those who only hand it on.
type plainSealer struct{}

func (plainSealer) Seal(purpose string, plain []byte) (string, error) {
	return purpose + "." + base64.StdEncoding.EncodeToString(plain), nil
}

func (plainSealer) Open(purpose, sealed string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(sealed[len(purpose)+1:])
}

// features makes services and probes on a store, as a server with an id.
func features(t testing.TB, f *storetest.Fixture, server string) (*service.Services, *Probes) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	services := service.New(service.Options{
		Store: f.Store, Hub: f.Hub, Clock: f.Clock, Log: log, Zone: "UTC", BodyLimit: 1000, Sealer: plainSealer{},
		CheckTarget: func(string) error { return nil },
	})
	dialer := dial.New(dial.AllowPrivate)
	t.Cleanup(dialer.Transport().CloseIdleConnections)
	return services, New(Options{
		Store: f.Store, Hub: f.Hub, Clock: f.Clock, Log: log, Dialer: dialer, Server: server, Open: services.OpenProbe,
	})
}

// create makes a service with a probe.
func create(t testing.TB, services *service.Services, name string, p api.ProbeSettings) *api.Service {
	t.Helper()
	return must(services.Create(context.Background(), api.ServiceInput{Name: &name, Probe: &p}))(t)
}
