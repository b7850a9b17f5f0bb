package command

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"watchkeeper/api/client"
	"watchkeeper/server/app"
	"watchkeeper/server/config"
)

// authorityFile is where a server leaves the certificate of its own authority in the data folder.
const authorityFile = "ca.pem"

// target is the server that a command asks, and what may be told to it.
type target struct {
	local  bool   // the one on this machine, because no other was named
	own    []byte // the authority in the data folder, empty where there is none
	option client.Options
}

// trust decides whose certificates are taken for that of the server.
func (t *target) trust(c config.Config, caFile string) error {
	var err error
	if caFile != "" {
		if t.option.CA, err = os.ReadFile(caFile); err != nil {
			return wrongUsage("the certificate authority of the server: %w", err)
		}
		return nil
	}
	path := filepath.Join(c.Data, authorityFile)
	t.own, err = os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return refusal{fmt.Errorf("the certificate authority of the server: %w; run this as the user of the server, or name it with --ca", err)}
	}
	switch {
	case t.local && (c.TLS == config.TLSSelf || c.TLS == config.TLSACME): // this machine is no name that anybody orders for
		if len(t.own) == 0 {
			return refusal{fmt.Errorf("no server was started with the data folder %s, it has no %s: name the folder with --data, "+
				"or the server with --server", c.Data, authorityFile)}
		}
		t.option.CA = t.own
	case t.local && c.TLS == config.TLSFiles:
		t.option.CA, t.option.ServerName, err = ownCertificate(c.TLSCert)
		return err
	case !t.local && len(t.own) > 0:
		t.option.Roots, err = x509.SystemCertPool()
		if err != nil {
			return fmt.Errorf("reading whom the system trusts: %w", err)
		}
		t.option.Roots.AppendCertsFromPEM(t.own)
	}
	return nil
}

// ownCertificate gives the certificate that the server on this machine shows, and a name in it, since the address at
// which it is asked is not.
func ownCertificate(path string) (chain []byte, name string, err error) {
	chain, err = os.ReadFile(path)
	if err != nil {
		return nil, "", refusal{fmt.Errorf("the certificate of the server: %w", err)}
	}
	block, _ := pem.Decode(chain)
	if block == nil {
		return nil, "", refusal{fmt.Errorf("the certificate of the server: %s holds none in PEM form", path)}
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	switch {
	case err != nil:
		return nil, "", refusal{fmt.Errorf("the certificate of the server: %w", err)}
	case len(leaf.DNSNames) > 0:
		return chain, strings.Replace(leaf.DNSNames[0], "*", "any", 1), nil
	case len(leaf.IPAddresses) > 0:
		return chain, leaf.IPAddresses[0].String(), nil
	}
	return nil, "", refusal{fmt.Errorf("the certificate of the server, %s, is for no name", path)}
}

// password takes the password of this installation as the credential, where it may be told to the server: one on this
// machine, or one that proves by its certificate that it belongs to the installation.
func (t *target) password(ctx context.Context, o app.DatabaseOptions) error {
	if o.Config.Password == "" && !t.local && !isLoopback(t.option.URL) {
		if !strings.HasPrefix(t.option.URL, "https://") || len(t.own) == 0 {
			return nil // the server will say what it needs
		}
		t.option.Roots, t.option.CA = nil, t.own
	}
	password, _, err := passwordOf(ctx, o)
	if err != nil {
		return refusal{fmt.Errorf("no token is given, and the password of the server is not known here: %w", err)}
	}
	t.option.Password = password
	return nil
}

// isLoopback reports whether an address leads nowhere but to this machine.
func isLoopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	if u.Hostname() == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && ip.IsLoopback()
}
