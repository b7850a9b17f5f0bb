package dial

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

func TestClientReachesLoopbackUnlessPrivateIsRefused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "here")
	}))
	defer server.Close()
	allow, refuse := dialer(t, AllowPrivate), dialer(t, RefusePrivate)
	answer, err := allow.Client(time.Minute).Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil || string(body) != "here" {
		t.Errorf("body %q, %v", body, err)
	}
	if err := answer.Body.Close(); err != nil {
		t.Error(err)
	}
	wantRefused(t, get(refuse.Client(time.Minute), server.URL), Loopback, server.Listener.Addr().String())
}

func TestRefusedErrorIsFoundInEveryWayToConnect(t *testing.T) {
	d := dialer(t, AllowPrivate)
	for _, target := range []string{
		"169.254.169.254:80", "[::ffff:169.254.169.254]:80", "[64:ff9b::a9fe:a9fe]:80",
	} {
		_, err := d.DialContext(t.Context(), "tcp", target)
		wantRefused(t, err, Metadata, "")
		wantRefused(t, get(d.Client(time.Minute), "http://"+target), Metadata, "")
		wantRefused(t, get(d.Client(time.Minute), "https://"+target), Metadata, "")
	}
	_, err := d.DialContext(t.Context(), "tcp4", "0.0.0.0:80")
	wantRefused(t, err, Unspecified, "0.0.0.0:80")
	for _, network := range []string{"udp", "unix", "ip4:icmp", ""} {
		_, err := d.DialContext(t.Context(), network, "127.0.0.1:53")
		wantRefused(t, err, NotTCP, "127.0.0.1:53")
	}
}

func TestRedirectsAreChecked(t *testing.T) {
	server := httptest.NewServer(http.RedirectHandler("http://169.254.169.254/latest/", http.StatusTemporaryRedirect))
	defer server.Close()
	wantRefused(t, get(dialer(t, AllowPrivate).Client(time.Minute), server.URL), Metadata, "169.254.169.254:80")
}

// A name that leads to an allowed address when it is looked at, and to another when it is connected to.
func TestNameThatChangesItsMind(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	d := dialer(t, AllowPrivate)
	names := nameServer(t)
	d.dialer.Resolver = names.resolver()
	client := d.Client(time.Minute)
	client.Transport.(*http.Transport).DisableKeepAlives = true

	names.address.Store(&[4]byte{127, 0, 0, 1})
	if err := get(client, "http://rebinding.example:"+port); err != nil {
		t.Fatalf("connecting to an allowed address: %v", err)
	}
	names.address.Store(&[4]byte{169, 254, 169, 254})
	wantRefused(t, get(client, "http://rebinding.example:"+port), Metadata, "169.254.169.254:"+port)
}

func TestProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	if proxy := dialer(t, AllowPrivate).Transport().Proxy; proxy != nil {
		t.Error("the transport asks for a proxy")
	}
}

func TestTransportSpeaksHTTP2(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	transport := dialer(t, AllowPrivate).Transport().Clone()
	transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	transport.TLSClientConfig.NextProtos = nil
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport}).Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil {
		t.Error(err)
	}
	if answer.ProtoMajor != 2 {
		t.Errorf("spoken: %s", answer.Proto)
	}
}

func TestInstallDefault(t *testing.T) {
	before, timeout := http.DefaultTransport, http.DefaultClient.Timeout
	restore := dialer(t, AllowPrivate).InstallDefault()
	for name, client := range map[string]*http.Client{
		"default": http.DefaultClient, "made later": {}, "cloned": {
			Transport: http.DefaultTransport.(*http.Transport).Clone(),
		},
	} {
		if err := get(client, "http://169.254.169.254/"); !errors.As(err, new(*RefusedError)) {
			t.Errorf("%s client: %v", name, err)
		}
	}
	if http.DefaultClient.Timeout != defaultTimeout {
		t.Errorf("http.DefaultClient has a limit of %v", http.DefaultClient.Timeout)
	}
	restore()
	if http.DefaultTransport != before || http.DefaultClient.Timeout != timeout {
		t.Error("restore left something behind")
	}
}

func dialer(t *testing.T, policy Policy) *Dialer {
	d := New(policy)
	t.Cleanup(d.transport.CloseIdleConnections)
	return d
}

func get(client *http.Client, target string) error {
	answer, err := client.Get(target)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

func wantRefused(t *testing.T, err error, reason Reason, address string) {
	t.Helper()
	var refused *RefusedError
	if !errors.As(err, &refused) {
		t.Errorf("error %v, want one that is refused: %s", err, reason)
		return
	}
	if refused.Reason != reason || address != "" && refused.Address != address {
		t.Errorf("refused: %v, want %s at %s", refused, reason, address)
	}
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) && wrapped.Timeout() {
		t.Errorf("%v looks like a timeout, which would be tried again", err)
	}
}

// names answers every question for an IPv4 address with address, and says that the name does not exist while there is
// none.
type names struct {
	conn    net.PacketConn
	address atomic.Pointer[[4]byte]
}

func nameServer(t *testing.T) *names {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &names{conn: conn}
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.serve()
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return n
}

func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", n.conn.LocalAddr().String())
	}}
}

func (n *names) serve() {
	buffer := make([]byte, 1500)
	for {
		size, from, err := n.conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		var message dnsmessage.Message
		if message.Unpack(buffer[:size]) != nil || len(message.Questions) != 1 {
			continue
		}
		question := message.Questions[0]
		answer := dnsmessage.Message{
			Header:    dnsmessage.Header{ID: message.ID, Response: true, RCode: dnsmessage.RCodeNameError},
			Questions: message.Questions,
		}
		if address := n.address.Load(); address != nil {
			answer.RCode = dnsmessage.RCodeSuccess
			if question.Type == dnsmessage.TypeA {
				answer.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: question.Name, Class: question.Class},
					Body:   &dnsmessage.AResource{A: *address},
				}}
			}
		}
		packed, err := answer.Pack()
		if err != nil {
			continue
		}
		_, _ = n.conn.WriteTo(packed, from)
	}
}

func TestDatagramsAreJudged(t *testing.T) {
	there, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = there.Close() }()
	conn, err := dialer(t, AllowPrivate).DialDatagram(t.Context(), "udp", there.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("here")); err != nil {
		t.Error(err)
	}
	buffer := make([]byte, 10)
	if n, from, err := there.ReadFrom(buffer); err != nil || string(buffer[:n]) != "here" || from.String() != conn.LocalAddr().String() {
		t.Errorf("%q from %v, %v", buffer[:n], from, err)
	}
	_ = conn.Close()
	_, err = dialer(t, RefusePrivate).DialDatagram(t.Context(), "udp", there.LocalAddr().String())
	wantRefused(t, err, Loopback, there.LocalAddr().String())
	_, err = dialer(t, AllowPrivate).DialDatagram(t.Context(), "udp", "169.254.169.254:53")
	wantRefused(t, err, Metadata, "")
	_, err = dialer(t, AllowPrivate).DialDatagram(t.Context(), "tcp", "127.0.0.1:53")
	wantRefused(t, err, NotUDP, "127.0.0.1:53")
}

func TestResolve(t *testing.T) {
	d := dialer(t, AllowPrivate)
	names := nameServer(t)
	d.dialer.Resolver = names.resolver()
	names.address.Store(&[4]byte{127, 0, 0, 1})
	if got, err := d.Resolve(t.Context(), "here.example"); err != nil || len(got) != 1 || got[0].String() != "127.0.0.1" {
		t.Errorf("an allowed address: %v, %v", got, err)
	}
	names.address.Store(&[4]byte{169, 254, 169, 254})
	_, err := d.Resolve(t.Context(), "here.example")
	wantRefused(t, err, Metadata, "169.254.169.254")
	names.address.Store(nil)
	if _, err := d.Resolve(t.Context(), "here.example"); !errors.As(err, new(*net.DNSError)) {
		t.Errorf("a name without an address: %v", err)
	}
}
