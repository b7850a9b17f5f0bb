package web

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/go-chi/chi/v5/middleware"
)

const forwardedFor = "X-Forwarded-For"

// proxies are the addresses whose X-Forwarded headers are believed.
type proxies []netip.Prefix

func (p proxies) trust(peer netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(peer.WithZone("")) {
			return true
		}
	}
	return false
}

// wrap gives next requests whose context holds the client's address as chi found it. Without trusted proxies there is
// nothing to find: the peer is the client.
func (p proxies) wrap(next http.Handler) http.Handler {
	if len(p) == 0 {
		return next
	}
	texts := make([]string, len(p))
	for i, prefix := range p {
		texts[i] = prefix.String()
	}
	walked := middleware.ClientIPFromXFF(texts...)(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for i, line := range r.Header[forwardedFor] {
			r.Header[forwardedFor][i] = withoutPorts(line)
		}
		walked.ServeHTTP(w, r)
	})
}

// locate fills in what only a trusted proxy can tell.
func (p proxies) locate(x *exchange, r *http.Request) {
	x.scheme = "http"
	if r.TLS != nil {
		x.scheme = "https"
	}
	if len(p) == 0 {
		return
	}
	x.address, x.located = middleware.GetClientIPAddr(r.Context()), true
	if !p.trust(peerAddress(r.RemoteAddr)) {
		return
	}
	switch proto := strings.ToLower(r.Header.Get("X-Forwarded-Proto")); proto {
	case "http", "https":
		x.scheme = proto
	}
}

// withoutPorts removes the ports that some proxies write behind the addresses of X-Forwarded-For: chi takes an address
// with a port for garbage.
func withoutPorts(line string) string {
	if !strings.ContainsAny(line, ":") {
		return line
	}
	entries := strings.Split(line, ",")
	for i, entry := range entries {
		entry = strings.TrimSpace(entry)
		if with, err := netip.ParseAddrPort(entry); err == nil {
			entry = with.Addr().String()
		} else if bare, found := strings.CutPrefix(entry, "["); found {
			entry = strings.TrimSuffix(bare, "]")
		}
		entries[i] = entry
	}
	return strings.Join(entries, ",")
}

// peerAddress reads the address at the other end of the connection; it is not valid for a Unix socket.
func peerAddress(remote string) netip.Addr {
	if with, err := netip.ParseAddrPort(remote); err == nil {
		return with.Addr().Unmap()
	}
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return address.Unmap()
}
