package cert

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

const (
	maxDNSName   = 253
	maxDNSLabel  = 63
	maxTitle     = 64 // characters of a common name
	maxAddresses = 250
)

// Machine is under which names the machine can be reached, as far as it knows itself.
type Machine struct {
	Host      string
	Addresses []netip.Addr // of all interfaces
}

// ThisMachine asks the machine that the program runs on.
func ThisMachine() (Machine, error) {
	host, err := os.Hostname()
	if err != nil {
		return Machine{}, fmt.Errorf("asking for the name of the machine: %w", err)
	}
	list, err := net.InterfaceAddrs()
	if err != nil {
		return Machine{}, fmt.Errorf("asking for the addresses of the machine: %w", err)
	}
	m := Machine{Host: host}
	for _, a := range list {
		if network, ok := a.(*net.IPNet); ok {
			if address, ok := netip.AddrFromSlice(network.IP); ok {
				m.Addresses = append(m.Addresses, address.Unmap())
			}
		}
	}
	return m, nil
}

// names is what a certificate covers: each list sorted and without repetition.
type names struct {
	dns       []string
	addresses []netip.Addr
}

// gather gives what a certificate of the server must cover: the names that were asked for, those of the machine, and
// those by which every machine calls itself.
func gather(asked names, m Machine) names {
	all := names{dns: slices.Clone(asked.dns)}
	if host, err := dnsName(m.Host); err == nil {
		all.dns = append(all.dns, host)
		if !strings.Contains(host, ".") {
			all.dns = append(all.dns, host+".local") // by which neighbours without a name server find it
		}
	}
	all.dns = append(all.dns, "localhost")
	all.addresses = append(all.addresses, netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback())
	all.addresses = append(all.addresses, m.Addresses...)
	all = all.tidy()
	// A machine that balances load for a cluster has thousands, and clients take only so long a certificate.
	room := maxAddresses - min(len(asked.addresses), maxAddresses)
	if len(all.addresses) > room {
		slices.SortStableFunc(all.addresses, func(a, b netip.Addr) int { return rank(a) - rank(b) })
		all.addresses = all.addresses[:room]
	}
	all.addresses = append(all.addresses, asked.addresses...)
	return all.tidy()
}

// rank orders addresses by how likely somebody uses them in a URL.
func rank(a netip.Addr) int {
	switch {
	case a.IsLoopback():
		return 0
	case a.IsLinkLocalUnicast():
		return 2
	}
	return 1
}

func (n names) tidy() names {
	slices.Sort(n.dns)
	slices.SortFunc(n.addresses, netip.Addr.Compare)
	return names{dns: slices.Compact(n.dns), addresses: slices.Compact(n.addresses)}
}

// lasting leaves out link-local addresses: they come and go with every container, and hardly anybody uses them.
func (n names) lasting() names {
	return names{dns: n.dns, addresses: slices.DeleteFunc(slices.Clone(n.addresses), netip.Addr.IsLinkLocalUnicast)}
}

func (n names) equal(o names) bool {
	return slices.Equal(n.dns, o.dns) && slices.Equal(n.addresses, o.addresses)
}

// covered gives the names of a certificate.
func covered(c *x509.Certificate) names {
	n := names{dns: slices.Clone(c.DNSNames)}
	for _, ip := range c.IPAddresses {
		if address, ok := netip.AddrFromSlice(ip); ok {
			n.addresses = append(n.addresses, address.Unmap())
		}
	}
	return n.tidy()
}

// title is a name for people who look at the certificate; clients take no notice of it.
func (n names) title() string {
	for _, name := range n.dns {
		if name != "localhost" && len(name) <= maxTitle {
			return name
		}
	}
	return "localhost"
}

func (n names) ips() []net.IP {
	list := make([]net.IP, len(n.addresses))
	for i, a := range n.addresses {
		list[i] = a.AsSlice()
	}
	return list
}

// parseNames reads what settings ask for: names, wildcards and addresses, and the host of the public URL, if any.
func parseNames(list []string, publicURL string) (names, error) {
	var n names
	for _, text := range list {
		if err := n.add(text); err != nil {
			return names{}, fmt.Errorf("names of the certificate: %w", err)
		}
	}
	if publicURL != "" {
		public, err := url.Parse(publicURL)
		if err != nil {
			return names{}, fmt.Errorf("public URL: %w", err)
		}
		if err := n.add(public.Hostname()); err != nil {
			return names{}, fmt.Errorf("public URL: %w", err)
		}
	}
	return n.tidy(), nil
}

func (n *names) add(text string) error {
	text = strings.TrimSpace(text)
	if address, err := netip.ParseAddr(text); err == nil {
		n.addresses = append(n.addresses, address.WithZone("").Unmap())
		return nil
	}
	rest, wildcard := strings.CutPrefix(text, "*.")
	name, err := dnsName(rest)
	if err != nil {
		return err
	}
	if wildcard {
		name = "*." + name
	}
	n.dns = append(n.dns, name)
	return nil
}

// dnsName gives a name as certificates hold it: in lower case, and in ASCII where it is international.
func dnsName(text string) (string, error) {
	profile := idna.New(idna.MapForLookup(), idna.ValidateLabels(true), idna.CheckHyphens(false), idna.StrictDomainName(false))
	name, err := profile.ToASCII(strings.TrimSuffix(text, "."))
	if err != nil || len(name) > maxDNSName || !utf8.ValidString(text) {
		return "", fmt.Errorf("%q is no name of a host", text)
	}
	for label := range strings.SplitSeq(name, ".") {
		// Underscores are not for hosts, and some have them all the same.
		if label == "" || len(label) > maxDNSLabel || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return "", fmt.Errorf("%q is no name of a host", text)
		}
	}
	return name, nil
}
