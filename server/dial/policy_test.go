package dial

import (
	"net/netip"
	"testing"
)

func TestJudge(t *testing.T) {
	const public Reason = ""
	tests := []struct {
		address       string
		always, under Reason // under AllowPrivate and under RefusePrivate
	}{
		{"1.1.1.1", public, public},
		{"172.15.255.255", public, public},
		{"172.32.0.0", public, public},
		{"192.169.0.1", public, public},
		{"100.63.255.255", public, public},
		{"100.128.0.0", public, public},
		{"126.255.255.255", public, public},
		{"128.0.0.1", public, public},
		{"223.255.255.255", public, public},
		{"168.63.129.17", public, public},
		{"192.0.1.1", public, public},
		{"2606:4700:4700::1111", public, public},
		{"2001:4860:4860::8888", public, public},
		{"::ffff:1.1.1.1", public, public},
		{"2002:101:101::1", public, public},
		{"64:ff9b::1.1.1.1", public, public},
		{"::ffff:0:101:101", public, public},

		{"127.0.0.1", public, Loopback},
		{"127.255.255.254", public, Loopback},
		{"::1", public, Loopback},
		{"::ffff:127.0.0.1", public, Loopback},
		{"10.0.0.1", public, Private},
		{"172.16.0.1", public, Private},
		{"172.31.255.255", public, Private},
		{"192.168.178.1", public, Private},
		{"100.64.0.1", public, Private},
		{"198.18.0.1", public, Private},
		{"203.0.113.7", public, Private},
		{"fd12:3456::1", public, Private},
		{"fc00::1", public, Private},
		{"fec0::1", public, Private},
		{"2001:db8::1", public, Private},
		{"64:ff9b:1::1.1.1.1", public, Private},
		{"::ffff:192.168.0.1", public, Private},
		{"::192.168.0.1", public, Private},
		{"2002:c0a8:1::1", public, Private},
		{"64:ff9b::10.0.0.1", public, Private},
		{"64:ff9b::127.0.0.1", public, Loopback},
		{"2001:0:101:101::f5ff:fffe", public, Private},
		{"2606:4700::5efe:10.0.0.1", public, Private},
		{"2606:4700::200:5efe:10.0.0.1", public, Private},

		{"169.254.169.254", Metadata, Metadata},
		{"168.63.129.16", Metadata, Metadata},
		{"192.0.0.192", Metadata, Metadata},
		{"100.100.100.200", Metadata, Metadata},
		{"fd00:100::100:200", Metadata, Metadata},
		{"fd00:ec2::254", Metadata, Metadata},
		{"fd00:ec2::23", Metadata, Metadata},
		{"fd20:ce::254", Metadata, Metadata},
		{"fd00:c1::a9fe:a9fe", Metadata, Metadata},
		{"fd00:a9fe:a9fe::1", Metadata, Metadata},
		{"fd00:42::42", Metadata, Metadata},
		{"::ffff:169.254.169.254", Metadata, Metadata},
		{"::169.254.169.254", Metadata, Metadata},
		{"::ffff:0:169.254.169.254", Metadata, Metadata},
		{"64:ff9b::169.254.169.254", Metadata, Metadata},
		{"64:ff9b:1::169.254.169.254", Metadata, Metadata},
		{"2002:a9fe:a9fe::", Metadata, Metadata},
		{"2001:0:a9fe:a9fe::1", Metadata, Metadata},
		{"2001:0:101:101::5601:5601", Metadata, Metadata},
		{"2606:4700::5efe:169.254.169.254", Metadata, Metadata},
		{"169.254.0.1", LinkLocal, LinkLocal},
		{"169.254.170.2", LinkLocal, LinkLocal},
		{"169.254.255.255", LinkLocal, LinkLocal},
		{"fe80::1", LinkLocal, LinkLocal},
		{"fe80::1%eth0", LinkLocal, LinkLocal},
		{"febf::1", LinkLocal, LinkLocal},
		{"fe80::a9fe:a9fe", LinkLocal, LinkLocal},
		{"0.0.0.0", Unspecified, Unspecified},
		{"0.1.2.3", Unspecified, Unspecified},
		{"::", Unspecified, Unspecified},
		{"::ffff:0.0.0.0", Unspecified, Unspecified},
		{"64:ff9b::", Unspecified, Unspecified},
		{"224.0.0.1", Multicast, Multicast},
		{"239.255.255.250", Multicast, Multicast},
		{"255.255.255.255", Multicast, Multicast},
		{"ff02::1", Multicast, Multicast},
		{"240.0.0.1", Reserved, Reserved},
		{"192.0.0.1", Reserved, Reserved},
		{"100::1", Reserved, Reserved},
	}
	for _, test := range tests {
		address := netip.MustParseAddr(test.address)
		for policy, want := range map[Policy]Reason{
			AllowPrivate: test.always, RefusePrivate: test.under, "no such policy": test.under,
		} {
			got, refused := judge(refusals(policy), address)
			if got != want || refused != (want != public) {
				t.Errorf("%s under %s: %q, refused %v, want %q", test.address, policy, got, refused, want)
			}
		}
	}
}

func TestEnumsKnowTheirMembers(t *testing.T) {
	for _, p := range []Policy{AllowPrivate, RefusePrivate} {
		if !p.Valid() {
			t.Errorf("policy %q is not valid", p)
		}
	}
	for _, s := range append(refusals(RefusePrivate), span{reason: NotTCP}) {
		if !s.reason.Valid() {
			t.Errorf("reason %q is not valid", s.reason)
		}
	}
	if Policy("").Valid() || Reason("").Valid() {
		t.Error("nothing counts as valid")
	}
}

func FuzzJudge(f *testing.F) {
	for _, seed := range []string{"1.1.1.1", "::ffff:169.254.169.254", "fe80::1%eth0", "64:ff9b::7f00:1", "::"} {
		a := netip.MustParseAddr(seed)
		f.Add(a.AsSlice(), a.Zone())
	}
	allow, refuse := refusals(AllowPrivate), refusals(RefusePrivate)
	f.Fuzz(func(t *testing.T, raw []byte, zone string) {
		address, ok := netip.AddrFromSlice(raw)
		if !ok {
			return
		}
		reason, refused := judge(allow, address.WithZone(zone))
		if refused != reason.Valid() {
			t.Fatalf("%s: refused %v for %q", address, refused, reason)
		}
		stricter, refusedToo := judge(refuse, address)
		if refused && (!refusedToo || stricter != reason) {
			t.Fatalf("%s: refused for %q when private is allowed, %q when it is not", address, reason, stricter)
		}
		if address.Is4() {
			mapped, _ := judge(refuse, netip.AddrFrom16(address.As16()))
			if mapped != stricter {
				t.Fatalf("%s: %q, mapped into IPv6 %q", address, stricter, mapped)
			}
		}
	})
}
