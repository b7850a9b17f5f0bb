package dial

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

const (
	connectTimeout = 10 * time.Second
	answerTimeout  = 30 * time.Second // for the headers of an answer
	defaultTimeout = 30 * time.Second // for everything, in http.DefaultClient
	maxHeader      = 64 << 10
)

// Dialer connects to where its policy allows it to. Its methods may be called from any goroutine.
type Dialer struct {
	refused   []span
	dialer    net.Dialer
	transport *http.Transport
}

// New gives a dialer with a policy; one that does not exist refuses as much as RefusePrivate.
func New(policy Policy) *Dialer {
	d := &Dialer{refused: refusals(policy)}
	d.dialer = net.Dialer{Timeout: connectTimeout, ControlContext: d.control}
	d.transport = &http.Transport{
		Proxy:                  nil, // see the package comment
		DialContext:            d.DialContext,
		ForceAttemptHTTP2:      true, // not attempted by itself beside a DialContext
		MaxIdleConns:           100,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    connectTimeout,
		ResponseHeaderTimeout:  answerTimeout,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxHeader,
	}
	return d
}

// RefusedError says that a connection was not attempted, and will not be however often it is tried. It is found with
// errors.As in what a client or a dialer gives back.
type RefusedError struct {
	Address string // with port, where there is one
	Reason  Reason
}

// Error names the address and the reason.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("connecting to %s is not allowed: it is %s", e.Address, e.Reason)
}

// DialContext connects like net.Dialer, over TCP only, and gives a *RefusedError inside its error when none of the
// addresses of a host may be connected to.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if !strings.HasPrefix(network, "tcp") {
		return nil, &RefusedError{Address: address, Reason: NotTCP}
	}
	return d.dialer.DialContext(ctx, network, address)
}

// DialDatagram is DialContext for networks whose name begins with udp.
func (d *Dialer) DialDatagram(ctx context.Context, network, address string) (net.Conn, error) {
	if !strings.HasPrefix(network, "udp") {
		return nil, &RefusedError{Address: address, Reason: NotUDP}
	}
	return d.dialer.DialContext(ctx, network, address)
}

// Resolve gives the addresses of a host that may be sent to, for protocols without connections: whoever sends to one of
// these sends to what was judged. When none may be, it gives a *RefusedError inside its error.
func (d *Dialer) Resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	addresses, err := d.dialer.Resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("resolving %s: %w", host, err)
	}
	var allowed []netip.Addr
	var refused *RefusedError
	for _, address := range addresses {
		address = address.Unmap()
		if reason, no := judge(d.refused, address); no {
			refused = &RefusedError{Address: address.String(), Reason: reason}
			continue
		}
		allowed = append(allowed, address)
	}
	if len(allowed) == 0 && refused != nil {
		return nil, fmt.Errorf("resolving %s: %w", host, refused)
	}
	return allowed, nil
}

// control sees the address of each attempt after its name was resolved and before anything is sent.
func (d *Dialer) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	resolved, err := netip.ParseAddrPort(address)
	if err != nil {
		return &RefusedError{Address: address, Reason: NotTCP}
	}
	if reason, refused := judge(d.refused, resolved.Addr()); refused {
		return &RefusedError{Address: address, Reason: reason}
	}
	return nil
}

// Transport gives the transport that connects with this dialer. It is one and the same for all; clone it to change it.
func (d *Dialer) Transport() *http.Transport { return d.transport }

// Client gives a client for one use after another, with a limit of time for each request and all its redirects. Each
// redirect is connected to, and so checked, as the first address was.
func (d *Dialer) Client(timeout time.Duration) *http.Client {
	return &http.Client{Transport: d.transport, Timeout: timeout}
}

// InstallDefault makes the transport that of http.DefaultTransport, and so of every client of a library that does not
// bring its own, and gives http.DefaultClient, which has none, a limit of time. It changes variables of the whole
// process without a lock, so it belongs at the very start of the program; restore puts back what was there.
func (d *Dialer) InstallDefault() (restore func()) {
	transport, timeout := http.DefaultTransport, http.DefaultClient.Timeout
	http.DefaultTransport, http.DefaultClient.Timeout = d.transport, defaultTimeout
	return func() { http.DefaultTransport, http.DefaultClient.Timeout = transport, timeout }
}
