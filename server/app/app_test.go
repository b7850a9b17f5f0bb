package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"watchkeeper/server/config"
	"watchkeeper/server/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTeardownGoesBackwards(t *testing.T) {
	var order []string
	var down teardown
	fault := errors.New("stuck")
	for _, name := range []string{"first", "second", "third"} {
		down.add(name, func() error {
			order = append(order, name)
			if name == "second" {
				return fault
			}
			return nil
		})
	}
	err := down.run(slog.New(slog.DiscardHandler))
	if want := []string{"third", "second", "first"}; !slices.Equal(order, want) {
		t.Errorf("stopped in the order %v, want %v", order, want)
	}
	if !errors.Is(err, fault) || err.Error() != "stopping second: stuck" {
		t.Errorf("error %v, want that of the second step by its name", err)
	}
	if err := down.run(slog.New(slog.DiscardHandler)); err != nil || len(order) != 3 {
		t.Errorf("a second run stopped again: %v (%v)", order, err)
	}
}

func TestPublicURL(t *testing.T) {
	at := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 8443} }
	for _, c := range []struct {
		set      string
		way      config.TLS
		listener net.Addr
		want     string
	}{
		{"https://watch.example.org", config.TLSOff, at("192.0.2.1"), "https://watch.example.org"},
		{"", config.TLSSelf, at("192.0.2.1"), "https://192.0.2.1:8443"},
		{"", config.TLSFiles, at("2001:db8::1"), "https://[2001:db8::1]:8443"},
		{"", config.TLSOff, at("127.0.0.1"), "http://127.0.0.1:8443"},
	} {
		var log bytes.Buffer
		got := publicURL(config.Config{PublicURL: c.set, TLS: c.way}, c.listener, slog.New(slog.NewTextHandler(&log, nil)))
		if got != c.want {
			t.Errorf("%q, %s, %s: %s, want %s", c.set, c.way, c.listener, got, c.want)
		}
		if warned := strings.Contains(log.String(), "level=WARN"); warned != (c.set == "") {
			t.Errorf("%q: warned %v (%s)", c.set, warned, log.String())
		}
	}
	// On every address it is that towards the internet, or localhost on a machine without one.
	got := publicURL(config.Config{TLS: config.TLSOff}, at("::"), slog.New(slog.DiscardHandler))
	want := "http://localhost:8443"
	if a := routedAddress(); a.IsValid() {
		want = fmt.Sprintf("http://%s:8443", a)
	}
	if got != want {
		t.Errorf("on every address: %s, want %s", got, want)
	}
}

// running is a server in this process.
type running struct {
	url    string
	stop   context.CancelFunc
	result chan error
	log    *logBuffer
}

func run(t *testing.T, c config.Config) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{stop: cancel, result: make(chan error, 1), log: &logBuffer{}}
	ready := make(chan string, 1)
	go func() {
		r.result <- Run(ctx, Options{Config: c, Version: "test", Log: slog.New(slog.NewTextHandler(r.log, nil)), Ready: func(a string) { ready <- a }})
	}()
	t.Cleanup(cancel)
	select {
	case address := <-ready:
		r.url = "http://" + address
	case err := <-r.result:
		t.Fatalf("the server did not start: %v", err)
	}
	return r
}

func settings(t *testing.T) config.Config {
	c := config.Default()
	c.Listen, c.Data, c.TLS, c.Password, c.PublicURL = "127.0.0.1:0", t.TempDir(), config.TLSOff, "correct horse", "http://watch.example.org"
	return c
}

type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// TestStop checks the order of a stop from outside: systemd hears of it, a stream is ended politely, Run gives nil, and
// the folder and the port are free for the next.
func TestStop(t *testing.T) {
	told := systemd(t, "@watchkeeper-test-"+t.Name())
	c := settings(t)
	r := run(t, c)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/api/v1/events/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("password", c.Password)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	stream, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	if stream.StatusCode != http.StatusOK {
		t.Fatalf("the stream answers %s", stream.Status)
	}

	began := time.Now()
	r.stop()
	if _, err := io.ReadAll(stream.Body); err != nil {
		t.Errorf("the stream was broken off: %v", err)
	}
	if err := <-r.result; err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if took := time.Since(began); took > c.ShutdownTimeout {
		t.Errorf("stopping took %s", took)
	}
	if _, err := client.Get(r.url + "/healthz"); err == nil {
		t.Error("the port is still served")
	}
	if strings.Contains(r.log.String(), "level=ERROR") {
		t.Errorf("a good stop logs errors:\n%s", r.log)
	}
	var states []string
	for len(told) > 0 {
		if state := <-told; !strings.HasPrefix(state, "EXTEND") {
			states = append(states, state)
		}
	}
	if want := []string{"READY=1", "STOPPING=1"}; !slices.Equal(states, want) {
		t.Errorf("systemd was told %v, want %v", states, want)
	}

	next := run(t, c)
	next.stop()
	if err := <-next.result; err != nil {
		t.Errorf("the next server ended with %v", err)
	}
}

// TestStartThatFails checks that a start leaves nothing behind when a later step of it fails.
func TestStartThatFails(t *testing.T) {
	c := settings(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*config.Config){
		"the port is taken":    func(c *config.Config) { c.Listen = taken.Addr().String() },
		"the secret is short":  func(c *config.Config) { c.Secret = "short" },
		"a route to nowhere":   func(c *config.Config) { c.DefaultRoute = []string{":me@example.org"} },
		"no certificate there": func(c *config.Config) { c.TLS, c.TLSCert, c.TLSKey = config.TLSFiles, "none", "none" },
	} {
		spoiled := c
		spoil(&spoiled)
		ctx, cancel := context.WithCancel(t.Context())
		err := Run(ctx, Options{Config: spoiled, Version: "test", Log: slog.New(slog.DiscardHandler), Ready: func(string) { cancel() }})
		cancel()
		if err == nil {
			t.Errorf("%s: the server started and stopped in good order", name)
		}
	}
	_ = taken.Close()
	r := run(t, c)
	r.stop()
	if err := <-r.result; err != nil {
		t.Errorf("the server ended with %v", err)
	}
}

// TestSecondServerOnAFolder checks that embedded data serves one server at a time.
func TestSecondServerOnAFolder(t *testing.T) {
	c := settings(t)
	first := run(t, c)
	err := Run(t.Context(), Options{Config: c, Version: "test", Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "in use by another watchkeeper") {
		t.Errorf("the second server ended with %v", err)
	}
	first.stop()
	if err := <-first.result; err != nil {
		t.Errorf("the first server ended with %v", err)
	}
}

// TestADatabaseThatCanNeverBeReached is refused at once: waiting would not help.
func TestADatabaseThatCanNeverBeReached(t *testing.T) {
	c := config.Default()
	c.Listen, c.Data, c.Database = "127.0.0.1:0", t.TempDir(), "postgres://me:hunter2@127.0.0.1:1/x?pool_max_conns=many"
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := Run(ctx, Options{Config: c, Log: slog.New(slog.DiscardHandler)})
	if !errors.Is(err, store.ErrDatabaseURL) || ctx.Err() != nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}
