package cert

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"watchkeeper/server/secret"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

const day = 24 * time.Hour

func TestCertificateCoversTheNames(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	o := selfOptions(t, f)
	o.Names = []string{"Watch.Home.ARPA", "*.lan.example", "bücher.example", "198.51.100.9", "two_words"}
	k := open(t, o, f)
	address, authority := serve(t, k), authorityOf(t, k)
	for _, name := range []string{
		"localhost", "127.0.0.1", "::1", "box", "box.local", "192.0.2.7", "2001:db8::7", "fe80::1", "watch.example.org",
		"watch.home.arpa", "any.lan.example", "xn--bcher-kva.example", "198.51.100.9", "two_words",
	} {
		if _, err := shake(t, address, trusting(authority.PEM, f.Clock, name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"example.org", "192.0.2.8", "lan.example"} {
		if _, err := shake(t, address, trusting(authority.PEM, f.Clock, name)); err == nil {
			t.Errorf("%s is covered", name)
		}
	}
	tooLong := strings.Repeat("x.", 127) + "x"
	for _, bad := range []string{"", "a b", "x..y", "*", "a.*.b", "host:8443", strings.Repeat("x", 64), tooLong} {
		o.Names = []string{bad}
		if _, err := New(o); err == nil {
			t.Errorf("the name %q is taken", bad)
		}
	}
}

func TestWhatClientsDemand(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	k := open(t, selfOptions(t, f), f)
	address, a := serve(t, k), authorityOf(t, k)
	server, err := shake(t, address, trusting(a.PEM, f.Clock, "localhost"))
	if err != nil {
		t.Fatal(err)
	}
	if life := server.NotAfter.Sub(server.NotBefore); life < 90*day || life > 397*day {
		t.Errorf("good for %v", life)
	}
	if !server.NotAfter.Equal(k.NotAfter()) {
		t.Errorf("ends %v, said to end %v", server.NotAfter, k.NotAfter())
	}
	if !slices.Equal(server.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}) || server.IsCA {
		t.Errorf("for uses %v, authority %v", server.ExtKeyUsage, server.IsCA)
	}
	block, _ := pem.Decode(a.PEM)
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	years := root.NotAfter.Sub(f.Clock.Now()).Hours() / 24 / 365
	if !root.IsCA || !root.MaxPathLenZero || len(root.SubjectKeyId) == 0 || years < 9.9 || years > 10.1 {
		t.Errorf("authority: %+v", root)
	}
	certificate, key := sha256.Sum256(root.Raw), sha256.Sum256(root.RawSubjectPublicKeyInfo)
	plain := strings.ToLower(strings.ReplaceAll(a.Fingerprint, ":", ""))
	if plain != hex.EncodeToString(certificate[:]) || strings.Count(a.Fingerprint, ":") != len(certificate)-1 {
		t.Errorf("fingerprint %s", a.Fingerprint)
	}
	if a.Pin != hex.EncodeToString(key[:]) {
		t.Errorf("pin %s", a.Pin)
	}

	// A client that knows the pin only finds the authority in what the server shows.
	c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	state := c.ConnectionState()
	if last := state.PeerCertificates[len(state.PeerCertificates)-1]; !last.Equal(root) || state.NegotiatedProtocol != "h2" {
		t.Errorf("shows %v over %q", last.Subject, state.NegotiatedProtocol)
	}
	if _, err := shake(t, address, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
}

func TestOpenConnectionsOutliveTheirCertificate(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	o := selfOptions(t, f)
	m := &machine{is: Machine{Host: "box", Addresses: addresses("192.0.2.7")}}
	o.Machine = m.ask
	k := open(t, o, f)
	pass, address, authority := run(t, k, f.Clock), serve(t, k), authorityOf(t, k)

	transport := &http.Transport{TLSClientConfig: trusting(authority.PEM, f.Clock, "localhost"), ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	ask := func() string {
		t.Helper()
		answer, err := (&http.Client{Transport: transport}).Get("https://" + address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		if body, err := io.ReadAll(answer.Body); err != nil || string(body) != "served" {
			t.Fatalf("answered %q, %v", body, err)
		}
		return answer.TLS.PeerCertificates[0].SerialNumber.String()
	}
	before := ask()

	m.set(Machine{Host: "box", Addresses: addresses("192.0.2.7", "198.51.100.1")}, nil)
	pass(lookAtMachine)
	if ask() != before {
		t.Error("the open connection was dropped")
	}
	after, err := shake(t, address, trusting(authority.PEM, f.Clock, "198.51.100.1"))
	if err != nil || after.SerialNumber.String() == before {
		t.Fatalf("the new address is not covered: %v", err)
	}

	serial := func() string {
		t.Helper()
		c, err := shake(t, address, trusting(authority.PEM, f.Clock, "localhost"))
		if err != nil {
			t.Fatal(err)
		}
		return c.SerialNumber.String()
	}
	for _, step := range []struct {
		name  string
		is    Machine
		err   error
		anew  bool
		cover string // not covered any more
	}{
		{name: "nothing", is: Machine{Host: "box", Addresses: addresses("198.51.100.1", "192.0.2.7")}},
		{
			name: "link-local comes",
			is:   Machine{Host: "box", Addresses: addresses("198.51.100.1", "192.0.2.7", "fe80::5", "169.254.1.1")},
		},
		{name: "the machine does not say", err: errors.New("no answer")},
		{name: "an address goes", is: Machine{Host: "box", Addresses: addresses("192.0.2.7")}, anew: true, cover: "198.51.100.1"},
		{name: "the host is renamed", is: Machine{Host: "chest", Addresses: addresses("192.0.2.7")}, anew: true, cover: "box"},
	} {
		old := serial()
		m.set(step.is, step.err)
		pass(lookAtMachine)
		if anew := serial() != old; anew != step.anew {
			t.Errorf("%s: made anew %v, want %v", step.name, anew, step.anew)
		}
		if step.cover != "" {
			if _, err := shake(t, address, trusting(authority.PEM, f.Clock, step.cover)); err == nil {
				t.Errorf("%s: %s is covered yet", step.name, step.cover)
			}
		}
	}
}

func TestRenewalAtTwoThirds(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	k := open(t, selfOptions(t, f), f)
	pass, address, authority := run(t, k, f.Clock), serve(t, k), authorityOf(t, k)
	first, err := shake(t, address, trusting(authority.PEM, f.Clock, "localhost"))
	if err != nil {
		t.Fatal(err)
	}
	begin, life := first.NotBefore, first.NotAfter.Sub(first.NotBefore)
	f.Clock.Set(begin.Add(life*2/3 - lookAtMachine - time.Second))
	pass(lookAtMachine)
	if !k.NotAfter().Equal(first.NotAfter) {
		t.Error("renewed before two thirds of its life")
	}
	pass(lookAtMachine)
	next, err := shake(t, address, trusting(authority.PEM, f.Clock, "localhost"))
	if err != nil || next.NotAfter.Sub(f.Clock.Now()) < 170*day {
		t.Errorf("not renewed at two thirds of its life: %v, %v", next, err)
	}
	// The clock was wrong when it was made, and was put right.
	f.Clock.Set(begin.Add(-400 * day))
	pass(lookAtMachine)
	if left := k.NotAfter().Sub(f.Clock.Now()); left > 180*day || left < 170*day {
		t.Errorf("good for %v after the clock was set back", left)
	}
	if _, err := shake(t, address, trusting(authorityOf(t, k).PEM, f.Clock, "localhost")); err != nil {
		t.Errorf("after the clock was set back: %v", err)
	}
}

func TestRestartKeepsTheCertificate(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	o := selfOptions(t, f)
	serial := func(o Options) string { return open(t, o, f).self.server.certificate.SerialNumber.String() }
	first := serial(o)
	if serial(o) != first {
		t.Error("a restart makes another certificate")
	}
	moved := o
	moved.Folder = t.TempDir()
	if serial(moved) == first {
		t.Error("an empty folder gives the same certificate")
	}
	renamed := o
	renamed.Names = []string{"more.example"}
	second := serial(renamed)
	if second == first {
		t.Error("a restart with other names keeps the certificate")
	}
	if serial(renamed) != second {
		t.Error("what the restart made is not kept")
	}
	for _, content := range []string{"", "nonsense", "v1." + o.Key.ID() + ".AAAA"} {
		if err := os.WriteFile(filepath.Join(o.Folder, serverFile), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if serial(renamed) == second {
			t.Errorf("%q gives the certificate", content)
		}
	}
	f.Clock.Set(f.Clock.Now().Add(365 * day))
	if k := open(t, renamed, f); k.NotAfter().Before(f.Clock.Now()) {
		t.Error("a restart after a long time shows what ended meanwhile")
	}
	other := o
	other.Key = newSecret(t, "not the secret of all")
	if _, err := openErr(other, f); !errors.Is(err, secret.ErrOtherKey) {
		t.Errorf("with another secret: %v", err)
	}
}

func TestServingBeforeTheDatabase(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	o := selfOptions(t, f)
	k := open(t, o, nil)
	address := serve(t, k)
	if _, ok := k.Authority(); ok {
		t.Error("there is an authority before there is a database")
	}
	if _, err := shake(t, address, &tls.Config{InsecureSkipVerify: true}); err != nil {
		t.Errorf("nobody is served at the first start: %v", err)
	}
	if entries, err := os.ReadDir(o.Folder); err != nil || len(entries) != 0 {
		t.Errorf("something of the stopgap is kept: %v, %v", entries, err)
	}
	if err := k.Open(t.Context(), f.Store); err != nil {
		t.Fatal(err)
	}
	trusted := func(address string) error {
		_, err := shake(t, address, trusting(authorityOf(t, k).PEM, f.Clock, "localhost"))
		return err
	}
	if err := trusted(address); err != nil {
		t.Errorf("after the database came: %v", err)
	}

	if err := trusted(serve(t, open(t, o, nil))); err != nil {
		t.Errorf("a restart is not trusted until the database comes: %v", err)
	}
	f.Clock.Set(f.Clock.Now().Add(200 * day))
	if again := open(t, o, nil); again.NotAfter().Before(f.Clock.Now()) {
		t.Error("what has ended is shown until the database comes")
	}
	f.Clock.Set(storetest.Start)
	// Whatever lies in the folder: something is served.
	if err := os.WriteFile(filepath.Join(o.Folder, authorityFile), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := trusted(serve(t, open(t, o, nil))); err == nil {
		t.Error("trusted without the authority's certificate")
	}
}

func TestTroubleLeavesThingsAsTheyAre(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	o := selfOptions(t, f)
	lines := &logged{}
	o.Log = lines.logger()
	k := open(t, o, f)
	before := authorityOf(t, k)
	if err := f.Settings.Put(t.Context(), settingAuthority, "nonsense"); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(o.Folder); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if next := k.source.look(t.Context(), f.Clock.Now()); next != nil || authorityOf(t, k).Fingerprint != before.Fingerprint {
			t.Error("something changed")
		}
	}
	for _, what := range []string{"reading the authority failed", "keeping certificates in the data folder failed"} {
		if n := lines.count(what); n != 1 {
			t.Errorf("%d lines of %q, want 1: %q", n, what, lines.lines)
		}
	}
	if err := os.Mkdir(o.Folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := f.Settings.Put(t.Context(), settingAuthority, k.self.sealedAuthority); err != nil {
		t.Fatal(err)
	}
	k.source.look(t.Context(), f.Clock.Now())
	if n := lines.count("works again"); n != 2 {
		t.Errorf("%d lines say that the trouble is over, want 2: %q", n, lines.lines)
	}
	if there, err := os.ReadFile(filepath.Join(o.Folder, "ca.pem")); err != nil || !bytes.Equal(there, before.PEM) {
		t.Errorf("ca.pem was not written again: %v", err)
	}

	blocked := selfOptions(t, f)
	blocked.Folder = filepath.Join(t.TempDir(), "missing")
	if k := open(t, blocked, f); k.NotAfter().IsZero() {
		t.Error("no certificate without a data folder")
	}
}

func TestThisMachine(t *testing.T) {
	m, err := ThisMachine()
	if err != nil {
		t.Fatal(err)
	}
	if m.Host == "" || len(m.Addresses) == 0 {
		t.Errorf("the machine is %+v", m)
	}
	list, err := net.InterfaceAddrs()
	if err != nil || len(list) != len(m.Addresses) {
		t.Errorf("%d addresses of %v, %v", len(m.Addresses), list, err)
	}
}

func TestModeOff(t *testing.T) {
	k := open(t, Options{Mode: ModeOff}, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if k.TLS() != nil || k.Listen(l) != l || !k.NotAfter().IsZero() {
		t.Error("there is something of TLS")
	}
	if _, ok := k.Authority(); ok {
		t.Error("there is an authority")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := k.Run(ctx); err != nil {
		t.Error(err)
	}
	if _, err := New(Options{Mode: "on"}); err == nil {
		t.Error("an unknown mode is taken")
	}
}
