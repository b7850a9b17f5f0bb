package cert

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/clock"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

// acmeServer is a server that orders its certificate, on a listener of its own.
type acmeServer struct {
	*Keeper
	clock   *clock.Manual
	address string
	pass    func(time.Duration)
}

// acmeOptions are those of a server on the database of f, which serves at l. Certificates of an authority elsewhere are
// of the real time, and so is the clock.
func acmeOptions(t *testing.T, f *storetest.Fixture, p *pebble, l net.Listener) Options {
	o := selfOptions(t, f)
	o.Mode, o.Clock, o.Names = ModeACME, clock.NewManual(time.Now().Add(time.Minute)), []string{"also.example.org"}
	o.ACME = ACME{Directory: p.url, CAFile: p.caFile, Email: "ops@example.org", Address: l.Addr()}
	return o
}

func portAt(t *testing.T) (net.Listener, int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l, l.Addr().(*net.TCPAddr).Port
}

// startACME starts a server as the program does: it serves first, and then there is a database.
func startACME(t *testing.T, f *storetest.Fixture, o Options, l net.Listener) *acmeServer {
	t.Helper()
	k, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &http.Server{
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "served") }),
		TLSConfig: k.TLS(), ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: log.New(io.Discard, "", 0),
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.ServeTLS(k.Listen(l), "", "") })
	t.Cleanup(func() {
		_ = s.Close()
		serving.Wait()
	})
	if err := k.Open(t.Context(), f.Store); err != nil {
		t.Fatal(err)
	}
	c := o.Clock.(*clock.Manual)
	return &acmeServer{Keeper: k, clock: c, address: l.Addr().String(), pass: run(t, k, c)}
}

// shown gives what a client sees that asks for a name and trusts an authority.
func (s *acmeServer) shown(t *testing.T, roots *x509.CertPool, name string) (*x509.Certificate, error) {
	t.Helper()
	return shake(t, s.address, &tls.Config{RootCAs: roots, ServerName: name, Time: s.clock.Now, NextProtos: []string{"h2", "http/1.1"}})
}

func (s *acmeServer) wantOrdered(t *testing.T, p *pebble) *x509.Certificate {
	t.Helper()
	var last *x509.Certificate
	for _, name := range []string{"watch.example.org", "also.example.org"} {
		got, err := s.shown(t, p.roots, name)
		if err != nil {
			t.Fatalf("%s: %v; %+v", name, err, s.Status())
		}
		last = got
	}
	s.wantOwn(t, "localhost")
	if status := s.Status(); status.Problem != "" || status.NotAfter != api.TimeOf(last.NotAfter) {
		t.Errorf("the status is %+v", status)
	}
	return last
}

// wantOwn asks by a name for which the self-made certificate serves.
func (s *acmeServer) wantOwn(t *testing.T, name string) {
	t.Helper()
	own := x509.NewCertPool()
	own.AppendCertsFromPEM(authorityOf(t, s.Keeper).PEM)
	if _, err := s.shown(t, own, name); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

func wantOrders(t *testing.T, p *pebble, want int64) {
	t.Helper()
	if got := p.orders.Load(); got != want {
		t.Errorf("%d orders, want %d", got, want)
	}
}

func TestACMEObtainsAndRenews(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		l, port := portAt(t)
		p := startPebble(t, 1, port)
		o := acmeOptions(t, f, p, l)
		s := startACME(t, f, o, l)
		first := s.wantOrdered(t, p)
		for range 5 { // nothing is due
			s.pass(day)
		}
		wantOrders(t, p, 1)
		p.issueFor(t, 365*day) // by the real time, so that the next one is not due by ours at once
		s.pass(56 * day)
		second := s.wantOrdered(t, p)
		if second.SerialNumber.Cmp(first.SerialNumber) == 0 {
			t.Error("it was not renewed when two thirds of its time were over")
		}
		wantOrders(t, p, 2)
		keys, err := f.Certificates.Keys(t.Context(), "")
		if err != nil || len(keys) == 0 {
			t.Fatalf("%v, %v", keys, err)
		}
		for _, key := range keys {
			item, err := f.Certificates.Get(t.Context(), key)
			if err != nil || !o.Key.Sealed(item.Value) {
				t.Errorf("%s lies open: %.40s, %v", key, item.Value, err)
			}
			if strings.Contains(key, "challenge") {
				t.Errorf("%s was left behind", key)
			}
		}
	})
}

// An authority that cannot reach the port of TLS looks at plain HTTP.
func TestACMEByPlainHTTP(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	l, _ := portAt(t)
	free, httpPort := portAt(t)
	_ = free.Close()
	p := startPebble(t, httpPort, 1)
	o := acmeOptions(t, f, p, l)
	o.ACME.HTTP = fmt.Sprintf("127.0.0.1:%d", httpPort)
	s := startACME(t, f, o, l)
	s.wantOrdered(t, p)

	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	for path, want := range map[string]string{
		"/gui/": "https://watch.example.org:8443/gui/", "//evil.example/": "https://watch.example.org:8443//evil.example/",
	} {
		r, err := client.Get("http://" + o.ACME.HTTP + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if got := r.Header.Get("Location"); r.StatusCode != http.StatusFound || got != want {
			t.Errorf("%s leads to %q, %d", path, got, r.StatusCode)
		}
	}
	r, err := client.Post("http://"+o.ACME.HTTP+"/ping/x", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
	if r.StatusCode != http.StatusNotFound {
		t.Errorf("a POST in plain HTTP: %d", r.StatusCode)
	}
	taken := acmeOptions(t, f, p, l)
	taken.ACME.HTTP = o.ACME.HTTP
	if _, err := New(taken); err == nil || !strings.Contains(err.Error(), "acme.http") {
		t.Errorf("an address that is taken: %v", err)
	}
}

// Servers of one database order one certificate, and each takes over what another has renewed.
func TestACMEIsSharedByServers(t *testing.T) {
	f := storetest.Open(t, store.Postgres)
	l, port := portAt(t)
	p := startPebble(t, 1, port)
	options := []Options{acmeOptions(t, f, p, l), {}}
	others, _ := portAt(t)
	second := another(t, f)
	options[1] = acmeOptions(t, second, p, others)
	servers := make([]*acmeServer, 2)
	var starting sync.WaitGroup
	starting.Go(func() { servers[0] = startACME(t, f, options[0], l) })
	starting.Go(func() { servers[1] = startACME(t, second, options[1], others) })
	starting.Wait()
	a, b := servers[0].wantOrdered(t, p), servers[1].wantOrdered(t, p)
	if a.SerialNumber.Cmp(b.SerialNumber) != 0 {
		t.Error("each has its own")
	}
	wantOrders(t, p, 1)
	p.issueFor(t, 365*day)
	servers[1].pass(61 * day)
	wantOrders(t, p, 2)
	servers[0].pass(lookAtMachine)
	if a, b = servers[0].wantOrdered(t, p), servers[1].wantOrdered(t, p); a.SerialNumber.Cmp(b.SerialNumber) != 0 {
		t.Error("the first did not take over what the second renewed")
	}
	wantOrders(t, p, 2)
}

func TestACMEAfterARestart(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	l, port := portAt(t)
	p := startPebble(t, 1, port)
	o := acmeOptions(t, f, p, l)
	var first *x509.Certificate
	t.Run("first", func(t *testing.T) { first = startACME(t, f, o, l).wantOrdered(t, p) })
	p.stop() // nobody is asked
	again, _ := portAt(t)
	o.ACME.Address = again.Addr()
	s := startACME(t, f, o, again)
	if got := s.wantOrdered(t, p); got.SerialNumber.Cmp(first.SerialNumber) != 0 {
		t.Error("it is another certificate after a restart")
	}
	wantOrders(t, p, 1)

	// Another name is a reason to order, and until that works the certificate that is there serves.
	more, _ := portAt(t)
	o.Names, o.ACME.Address = append(o.Names, "third.example.org"), more.Addr()
	o.Clock = clock.NewManual(o.Clock.Now())
	s = startACME(t, f, o, more)
	if got, err := s.shown(t, p.roots, "watch.example.org"); err != nil || got.SerialNumber.Cmp(first.SerialNumber) != 0 {
		t.Errorf("while the new one cannot be had: %v", err)
	}
	if status := s.Status(); status.Problem == "" || status.NextTry == 0 || status.NotAfter != api.TimeOf(first.NotAfter) {
		t.Errorf("the status is %+v", status)
	}
	p.start(t)
	s.wantOwn(t, "third.example.org")
}

func TestACMEWhileTheDirectoryIsDown(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	l, port := portAt(t)
	p := startPebble(t, 1, port)
	p.stop()
	s := startACME(t, f, acmeOptions(t, f, p, l), l)
	s.wantOwn(t, "watch.example.org")
	status := s.Status()
	if !strings.Contains(status.Problem, "connection refused") || status.NotAfter != 0 || status.NextTry != api.TimeOf(s.clock.Now().Add(time.Minute)) {
		t.Errorf("the status is %+v", status)
	}
	p.start(t)
	s.pass(30 * time.Second)
	wantOrders(t, p, 0)
	s.pass(30 * time.Second)
	s.wantOrdered(t, p)
	wantOrders(t, p, 1)
	p.stop()
	s.pass(90 * day) // it has ended, and no other can be had
	s.wantOwn(t, "watch.example.org")
}

// An authority that cannot see the names says so, and is not asked again and again.
func TestACMEThatCannotBeProved(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	l, _ := portAt(t)
	p := startPebble(t, 1, 1)
	s := startACME(t, f, acmeOptions(t, f, p, l), l)
	s.wantOwn(t, "watch.example.org")
	if problem := s.Status().Problem; !strings.Contains(problem, "urn:ietf:params:acme:error:") {
		t.Errorf("the status says %q", problem)
	}
	asked := p.orders.Load()
	s.pass(time.Minute - lookAtMachine)
	wantOrders(t, p, asked)
	s.pass(lookAtMachine)
	if p.orders.Load() == asked {
		t.Error("it was not ordered again")
	}
	asked = p.orders.Load()
	s.pass(5*time.Minute - lookAtMachine)
	wantOrders(t, p, asked)
}

func TestACMESettings(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	l, _ := portAt(t)
	o := selfOptions(t, f)
	o.Mode, o.ACME = ModeACME, ACME{Directory: "https://127.0.0.1:1/dir", Address: l.Addr()}
	for name, change := range map[string]func(*Options){
		"needs the name":       func(o *Options) { o.PublicURL = "https://192.0.2.7:8443" },
		"challenge by DNS":     func(o *Options) { o.Names = []string{"*.example.org"} },
		"no such file":         func(o *Options) { o.ACME.CAFile = "nowhere.pem" },
		"holds no certificate": func(o *Options) { o.ACME.CAFile = "acme_test.go" },
	} {
		broken := o
		change(&broken)
		if _, err := New(broken); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
