package cert

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

// pebble is a real ACME authority that believes nobody: it looks for itself at what servers show, at 127.0.0.1 for every
// name.
type pebble struct {
	url    string // of the directory
	caFile string // who signed the directory's certificate
	roots  *x509.CertPool
	orders atomic.Int64

	kept       *db.MemoryStore
	validation *va.VAImpl
	handler    atomic.Pointer[http.Handler]
	address    string
	server     *httptest.Server
}

// startPebble starts an authority that looks at the ports given.
func startPebble(t *testing.T, httpPort, tlsPort int) *pebble {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_WFE_NONCEREJECT", "0")
	t.Setenv("PEBBLE_AUTHZREUSE", "0") // each order is to be proved
	p := &pebble{roots: x509.NewCertPool(), address: "127.0.0.1:0", kept: db.NewMemoryStore()}
	p.validation = va.New(quiet, httpPort, tlsPort, true, nameServer(t), p.kept)
	p.issueFor(t, 90*day)
	p.start(t)
	p.caFile = filepath.Join(t.TempDir(), "pebble.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})
	if err := os.WriteFile(p.caFile, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.server.Close() })
	return p
}

var quiet = log.New(io.Discard, "", 0)

// issueFor lets certificates be good for so long from now on. They come from another root, which is trusted, too.
func (p *pebble) issueFor(t *testing.T, life time.Duration) {
	t.Helper()
	profile := ca.Profile{ValidityPeriod: uint64(life / time.Second)}
	authority := ca.New(quiet, p.kept, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": profile})
	front := wfe.New(quiet, p.kept, p.validation, authority, []string{"pebble.example"}, true, false, 0, 0)
	p.roots.AppendCertsFromPEM(authority.GetRootCert(0).PEM())
	handler := front.Handler()
	p.handler.Store(&handler)
}

func (p *pebble) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/order-plz" && r.Method == http.MethodPost {
		p.orders.Add(1)
	}
	(*p.handler.Load()).ServeHTTP(w, r)
}

// start serves, at the address of the last time where there was one.
func (p *pebble) start(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	p.server = httptest.NewUnstartedServer(p)
	_ = p.server.Listener.Close()
	p.server.Listener = l
	p.server.Config.ErrorLog = quiet
	p.server.StartTLS()
	p.address = l.Addr().String()
	p.url = p.server.URL + wfe.DirectoryPath
}

func (p *pebble) stop() { p.server.Close() }

// nameServer starts a name server for which every name is this machine, and gives its address.
func nameServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{Listener: l, Net: "tcp", Handler: dns.HandlerFunc(func(w dns.ResponseWriter, asked *dns.Msg) {
		answer := new(dns.Msg).SetReply(asked)
		if q := asked.Question[0]; q.Qtype == dns.TypeA {
			answer.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: q.Qclass}, A: net.IPv4(127, 0, 0, 1)}}
		}
		_ = w.WriteMsg(answer) // who asked has gone
	})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.ActivateAndServe()
	}()
	t.Cleanup(func() {
		_ = s.Shutdown()
		<-ended
	})
	return l.Addr().String()
}
