package cert

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseNames(t *testing.T) {
	tests := []struct {
		name    string
		list    []string
		public  string
		dns     []string
		address []string
		bad     bool
	}{
		{name: "nothing"},
		{
			name: "both kinds, twice",
			list: []string{"b.example", "A.example.", "a.EXAMPLE", "192.0.2.1", "::ffff:192.0.2.1"},
			dns:  []string{"a.example", "b.example"}, address: []string{"192.0.2.1"},
		},
		{name: "wildcard", list: []string{"*.example.org"}, dns: []string{"*.example.org"}},
		{name: "zone", list: []string{"fe80::1%eth0"}, address: []string{"fe80::1"}},
		{name: "public name with port", public: "https://Watch.example:8443/x", dns: []string{"watch.example"}},
		{name: "public address", public: "https://[2001:db8::1]:8443", address: []string{"2001:db8::1"}},
		{name: "public URL without host", public: "watch.example", bad: true},
		{name: "public URL that is none", public: "https://a b/", bad: true},
		{name: "URL instead of a name", list: []string{"https://x.example"}, bad: true},
		{name: "control character", list: []string{"x\x00.example"}, bad: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseNames(test.list, test.public)
			if (err != nil) != test.bad {
				t.Fatal(err)
			}
			var address []string
			for _, a := range got.addresses {
				address = append(address, a.String())
			}
			if diff := cmp.Diff([][]string{test.dns, test.address}, [][]string{got.dns, address}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestManyAddressesAreCutWhereItHurtsLeast(t *testing.T) {
	m := Machine{Host: "box"}
	for i := range 5000 {
		m.Addresses = append(m.Addresses,
			netip.AddrFrom4([4]byte{169, 254, byte(i >> 8), byte(i)}),
			netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
	}
	asked, err := parseNames([]string{"203.0.113.9"}, "")
	if err != nil {
		t.Fatal(err)
	}
	got := gather(asked, m)
	if len(got.addresses) != maxAddresses {
		t.Errorf("%d addresses, want %d", len(got.addresses), maxAddresses)
	}
	has := map[string]bool{}
	for _, a := range got.addresses {
		if a.IsLinkLocalUnicast() {
			t.Fatal("a link-local address took the place of another")
		}
		has[a.String()] = true
	}
	for _, want := range []string{"203.0.113.9", "127.0.0.1", "::1", "10.0.0.0"} {
		if !has[want] {
			t.Errorf("%s is missing", want)
		}
	}
	if !got.equal(gather(asked, m)) {
		t.Error("not the same each time")
	}
}

// What is taken as a name must be one that a certificate can hold.
func FuzzDNSName(f *testing.F) {
	for _, text := range []string{"localhost", "Bücher.example", "*.x", "xn--x", "a_b", "1.2", strings.Repeat("a.", 130), "\xff"} {
		f.Add(text)
	}
	p, err := newAuthority(time.Unix(1_800_000_000, 0))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, err := dnsName(text)
		if err != nil {
			return
		}
		if again, err := dnsName(name); err != nil || again != name {
			t.Errorf("%q became %q, then %q, %v", text, name, again, err)
		}
		c, err := p.issue(names{dns: []string{name}}, time.Unix(1_800_000_000, 0))
		if err != nil {
			t.Fatalf("%q, from %q: %v", name, text, err)
		}
		if err := c.certificate.VerifyHostname(name); err != nil {
			t.Errorf("%q, from %q: %v", name, text, err)
		}
	})
}
