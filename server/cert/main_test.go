package cert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"watchkeeper/server/clock"
	"watchkeeper/server/hub"
	"watchkeeper/server/secret"
	"watchkeeper/server/store/storetest"
	"watchkeeper/server/store/storetest/pgtest"
)

func TestMain(m *testing.M) {
	// Neither Pebble nor the limit of certmagic, one for each account, has an end.
	goleak.VerifyTestMain(pgtest.Wrap(m), goleak.IgnoreAnyFunction("github.com/letsencrypt/pebble/v2/va.VAImpl.processTasks"),
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.(*RingBufferRateLimiter).loop"))
}

// machine is a machine whose names a test can change.
type machine struct {
	mu  sync.Mutex
	is  Machine
	err error
}

func (m *machine) set(is Machine, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.is, m.err = is, err
}

func (m *machine) ask() (Machine, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.is, m.err
}

func addresses(list ...string) []netip.Addr {
	var out []netip.Addr
	for _, a := range list {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

// logged is a log whose lines a test can count.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(b))
	return len(b), nil
}

func (l *logged) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, line := range l.lines {
		if strings.Contains(line, part) {
			n++
		}
	}
	return n
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func newSecret(t testing.TB, text string) *secret.Key {
	t.Helper()
	key, err := secret.New(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// selfOptions are those of a server on the database of f, with a folder of its own.
func selfOptions(t testing.TB, f *storetest.Fixture) Options {
	m := &machine{is: Machine{Host: "Box", Addresses: addresses("192.0.2.7", "2001:db8::7", "fe80::1")}}
	return Options{
		Mode: ModeSelf, Clock: f.Clock, Log: slog.New(slog.DiscardHandler), PublicURL: "https://watch.example.org:8443",
		Key: newSecret(t, "a secret of all servers"), Hub: f.Hub, Folder: t.TempDir(), Machine: m.ask,
	}
}

// another gives one more server on the database of f.
func another(t *testing.T, f *storetest.Fixture) *storetest.Fixture {
	t.Helper()
	g := &storetest.Fixture{Clock: f.Clock, Hub: hub.New(), Options: f.Options}
	g.Options.Hub = g.Hub
	g.Store = storetest.Reopen(t, g.Options)
	return g
}

func open(t testing.TB, o Options, f *storetest.Fixture) *Keeper {
	t.Helper()
	k, err := openErr(o, f)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// openErr opens a keeper, with the database of f where there is one.
func openErr(o Options, f *storetest.Fixture) (*Keeper, error) {
	k, err := New(o)
	if err != nil || f == nil {
		return k, err
	}
	return k, k.Open(context.Background(), f.Store)
}

// run runs a keeper in the background. What it gives lets so much time pass that the keeper looks again, and waits until
// it has looked.
func run(t *testing.T, k *Keeper, c *clock.Manual) (pass func(time.Duration)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var loop sync.WaitGroup
	loop.Go(func() {
		if err := k.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		loop.Wait()
	})
	c.BlockUntil(1)
	return func(d time.Duration) {
		c.Advance(d)
		c.BlockUntil(1)
	}
}

// serve serves "served" over HTTPS, as the program does, and gives the address.
func serve(t *testing.T, k *Keeper) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(w, r.Body)
			_, _ = io.WriteString(w, "served")
		}),
		TLSConfig:         k.TLS(),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.ServeTLS(k.Listen(l), "", "") })
	t.Cleanup(func() {
		_ = s.Close()
		serving.Wait()
	})
	return l.Addr().String()
}

// trusting gives the settings of a client that trusts an authority and has the time of a clock.
func trusting(pem []byte, c clock.Clock, name string) *tls.Config {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &tls.Config{RootCAs: roots, ServerName: name, Time: c.Now, NextProtos: []string{"h2", "http/1.1"}}
}

// shake connects and gives what the server showed.
func shake(t *testing.T, address string, config *tls.Config) (*x509.Certificate, error) {
	t.Helper()
	c, err := tls.Dial("tcp", address, config)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	return c.ConnectionState().PeerCertificates[0], nil
}

func authorityOf(t testing.TB, k *Keeper) Authority {
	t.Helper()
	a, ok := k.Authority()
	if !ok {
		t.Fatal("there is no authority")
	}
	return a
}
