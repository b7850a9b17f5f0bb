package mail

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"watchkeeper/api"
)

// encryption says how a conversation is protected.
type encryption string

// The encryptions, as the setting starttls names them.
const (
	offered  encryption = "offered"  // STARTTLS when the server has it
	required encryption = "required" // STARTTLS or nothing
	off      encryption = "off"      // never: the way to the server is trusted
	implicit encryption = "implicit" // TLS from the first byte: smtps
)

// server is where mail goes out.
type server struct {
	host           string
	port           string
	user, password string
	encryption     encryption
	local          bool // it is this machine
}

const wantURL = "must be of the form smtp://user:password@host:port or smtps://..., " +
	"with special characters of the password percent-encoded"

// parseServer reads the URL of a mail server. starttls, where not empty, wins over the parameter of that name in the
// URL. The error never holds any of the URL, which has a password in it.
func parseServer(text, starttls string) (server, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Opaque != "" || strings.Trim(u.Path, "/") != "" || u.Fragment != "" {
		return server{}, api.Errorf(api.KindInvalid, wantURL)
	}
	s := server{host: u.Hostname(), port: u.Port(), user: u.User.Username(), encryption: offered}
	s.local = isLocal(s.host)
	s.password, _ = u.User.Password()
	for name, values := range u.Query() {
		if name != "starttls" || len(values) != 1 {
			return server{}, api.Errorf(api.KindInvalid, "may have the one parameter starttls=offered, required or off")
		}
		if starttls == "" {
			starttls = values[0]
		}
	}
	switch encryption(starttls) {
	case "":
	case offered, required, off:
		s.encryption = encryption(starttls)
	default:
		return server{}, api.Errorf(api.KindInvalid, "starttls must be offered, required or off")
	}
	switch u.Scheme {
	case "smtp":
		s.usePort(s.defaultPort())
	case "smtps":
		s.encryption = implicit
		s.usePort("465")
	default:
		return server{}, api.Errorf(api.KindInvalid, wantURL)
	}
	if n, err := strconv.ParseUint(s.port, 10, 16); err != nil || n == 0 {
		return server{}, api.Errorf(api.KindInvalid, wantURL)
	}
	return s, nil
}

// defaultPort is that of submission for whoever signs in, and that of relaying for others.
func (s *server) defaultPort() string {
	if s.user != "" {
		return "587"
	}
	return "25"
}

func (s *server) usePort(port string) {
	if s.port == "" {
		s.port = port
	}
}

func (s *server) address() string { return net.JoinHostPort(s.host, s.port) }

func isLocal(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.Unmap().IsLoopback()
}

func (s *server) tlsConfig(roots *x509.CertPool) *tls.Config {
	return &tls.Config{
		ServerName: s.host, MinVersion: tls.VersionTLS12, RootCAs: roots, InsecureSkipVerify: !s.verify(),
	}
}

// verify says whether the server's certificate must be right. Where encryption is taken only if offered, somebody in
// between could simply not offer it, so that checking the certificate keeps nobody out who wants to read a message, and
// refuses the many small servers with a certificate of their own making. A password is another matter: it is never
// sent to a server that has not proved its name, this machine excepted.
func (s *server) verify() bool {
	switch s.encryption {
	case required, implicit:
		return true
	}
	return s.user != "" && !s.local
}

// mayLogIn says whether the password may be sent over a connection that is or is not encrypted.
func (s *server) mayLogIn(encrypted bool) bool {
	return encrypted || s.encryption == off || s.local
}
