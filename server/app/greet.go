package app

import (
	"fmt"
	"net/url"
	"path/filepath"
)

// greet prints what a person needs after the start, never a secret.
func (s *server) greet() {
	p := func(format string, args ...any) { _, _ = fmt.Fprintf(s.Out, format+"\n", args...) }
	p("")
	p("Watchkeeper %s is running.", s.Version)
	p("")
	p("  Address       %s", s.publicURL)
	if u, err := url.Parse(s.publicURL); err == nil && u.Hostname() != "localhost" {
		p("                %s://localhost:%s on this machine", schemeOf(s.Config.TLS), portOf(s.http.listener.Addr()))
	}
	p("  Password      watchkeeper password show --data %s", s.Config.Data)
	if authority, ours := s.keeper.Authority(); ours {
		p("  Certificate   its authority has the SHA-256 fingerprint")
		p("                %s", authority.Fingerprint)
		p("                To trust it on this machine:")
		p("                sudo install -m 644 %s /usr/local/share/ca-certificates/watchkeeper.crt && sudo update-ca-certificates",
			filepath.Join(s.Config.Data, "ca.pem"))
	}
	if len(s.Config.DefaultRoute) == 0 {
		p("")
		p("  Nobody is told of services that name no alert target: set WATCHKEEPER_DEFAULT_ROUTE, such as mail:me@example.org")
	}
	p("")
}
