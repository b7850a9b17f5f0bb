package dial

import "net/netip"

// Policy says whether addresses of the own network may be connected to. Those that no alert can be meant for are
// refused under either.
type Policy string

// The policies.
const (
	AllowPrivate  Policy = "allow_private"
	RefusePrivate Policy = "refuse_private"
)

// Valid reports whether p is one of the policies.
func (p Policy) Valid() bool { return p == AllowPrivate || p == RefusePrivate }

// Reason says why a connection is refused.
type Reason string

// The reasons. Loopback and Private count under RefusePrivate only.
const (
	Metadata    Reason = "the metadata service of a cloud"
	Unspecified Reason = "an unspecified address"
	LinkLocal   Reason = "a link-local address"
	Multicast   Reason = "a multicast or broadcast address"
	Reserved    Reason = "a reserved address"
	Loopback    Reason = "a loopback address"
	Private     Reason = "a private address"
	NotTCP      Reason = "not a TCP address"
	NotUDP      Reason = "not a UDP address"
)

// Valid reports whether r is one of the reasons.
func (r Reason) Valid() bool {
	switch r {
	case Metadata, Unspecified, LinkLocal, Multicast, Reserved, Loopback, Private, NotTCP, NotUDP:
		return true
	}
	return false
}

// span is a range of addresses that is refused, and why.
type span struct {
	prefix netip.Prefix
	reason Reason
}

// refusals lists what is refused under a policy. The first span that holds an address names the reason, so what is
// narrow stands before what is wide. A policy that does not exist refuses like the stricter one.
func refusals(policy Policy) []span {
	of := func(prefix string, reason Reason) span { return span{netip.MustParsePrefix(prefix), reason} }
	spans := []span{
		of("169.254.169.254/32", Metadata),
		of("168.63.129.16/32", Metadata),       // Azure; also the channel of its agent
		of("192.0.0.192/32", Metadata),         // Oracle, the older cloud
		of("100.100.100.200/32", Metadata),     // Alibaba
		of("fd00:100::100:200/128", Metadata),  // Alibaba
		of("fd00:ec2::/32", Metadata),          // Amazon; also the credentials of pods, names and time
		of("fd20:ce::254/128", Metadata),       // Google
		of("fd00:c1::a9fe:a9fe/128", Metadata), // Oracle
		of("fd00:a9fe:a9fe::1/128", Metadata),  // Akamai
		of("fd00:42::42/128", Metadata),        // Scaleway
		of("0.0.0.0/8", Unspecified),           // Linux connects to itself
		of("::/128", Unspecified),              // Linux connects to itself
		of("169.254.0.0/16", LinkLocal),
		of("fe80::/10", LinkLocal),
		of("224.0.0.0/4", Multicast),
		of("255.255.255.255/32", Multicast),
		of("ff00::/8", Multicast),
		of("240.0.0.0/4", Reserved),
		of("192.0.0.0/24", Reserved), // protocol assignments
		of("100::/64", Reserved),     // discarded on purpose
	}
	if policy == AllowPrivate {
		return spans
	}
	return append(spans,
		of("127.0.0.0/8", Loopback),
		of("::1/128", Loopback),
		of("10.0.0.0/8", Private),
		of("172.16.0.0/12", Private),
		of("192.168.0.0/16", Private),
		of("fc00::/7", Private),
		of("fec0::/10", Private),
		of("100.64.0.0/10", Private), // shared by the customers of a provider, and used by overlay networks
		of("198.18.0.0/15", Private), // benchmarks of network equipment
		of("192.0.2.0/24", Private),  // documentation, as the next four
		of("198.51.100.0/24", Private),
		of("203.0.113.0/24", Private),
		of("2001:db8::/32", Private),
		of("3fff::/20", Private),
		of("64:ff9b:1::/48", Private), // translation within one network
		of("::/96", Private),          // IPv4-compatible, long given up
	)
}

// judge gives the reason to refuse address, and false when it may be connected to. An IPv4 address that travels inside
// an IPv6 address is judged as well as what carries it.
func judge(spans []span, address netip.Addr) (Reason, bool) {
	address = address.WithZone("").Unmap()
	addresses := []netip.Addr{address}
	if address.Is6() {
		addresses = append(addresses, embedded(address.As16())...)
	}
	for _, s := range spans {
		for _, a := range addresses {
			if s.prefix.Contains(a) {
				return s.reason, true
			}
		}
	}
	return "", false
}

// embedded gives the IPv4 addresses to which the network would forward what is sent to an IPv6 address. A network's own
// translation prefix outside of the well-known ones cannot be told from any other address.
func embedded(a [16]byte) []netip.Addr {
	under := func(prefix string) bool { return netip.MustParsePrefix(prefix).Contains(netip.AddrFrom16(a)) }
	v4 := func(at int) netip.Addr { return netip.AddrFrom4([4]byte(a[at : at+4])) }
	switch {
	case under("2002::/16"): // 6to4
		return []netip.Addr{v4(2)}
	case under("2001::/32"): // Teredo: its server, and the client with every bit turned
		client := [4]byte{^a[12], ^a[13], ^a[14], ^a[15]}
		return []netip.Addr{v4(4), netip.AddrFrom4(client)}
	case under("64:ff9b::/96"), under("64:ff9b:1::/48"), under("::ffff:0:0:0/96"): // translation
		return []netip.Addr{v4(12)}
	case under("::/96") && !under("::/120"): // IPv4-compatible, which :: and ::1 are not
		return []netip.Addr{v4(12)}
	case a[8]&^2 == 0 && a[9] == 0 && a[10] == 0x5e && a[11] == 0xfe: // ISATAP
		return []netip.Addr{v4(12)}
	}
	return nil
}
