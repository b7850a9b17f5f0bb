package probe

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"watchkeeper/api"
	"watchkeeper/server/dial"
)

func TestTCP(t *testing.T) {
	listening := hanging(t).String()
	r := look(t, api.ProbeSettings{Kind: api.ProbeTCP, Address: listening})
	wantReason(t, "one that listens", r, api.ProbeOK)
	same(t, "address", r.Address, listening)
	wantReason(t, "nobody", look(t, api.ProbeSettings{Kind: api.ProbeTCP, Address: nobody(t)}), api.ProbeRefused)
	wantReason(t, "a name that is none", look(t, api.ProbeSettings{Kind: api.ProbeTCP, Address: "nowhere.invalid:1"}), api.ProbeNameFailed)
	wantReason(t, "a link-local address", look(t, api.ProbeSettings{Kind: api.ProbeTCP, Address: "169.254.1.1:80"}), api.ProbeNotAllowed)
	wantReason(t, "loopback under the strict policy", lookWith(t, dial.RefusePrivate, api.ProbeSettings{Kind: api.ProbeTCP, Address: listening}), api.ProbeNotAllowed)
}

// TestICMP sends real echo requests. Where this process may not, it runs itself again as root of a network of its own.
func TestICMP(t *testing.T) {
	wantReason(t, "a name that is none", look(t, api.ProbeSettings{Kind: api.ProbeICMP, Address: "nowhere.invalid"}), api.ProbeNameFailed)
	wantReason(t, "a multicast address", look(t, api.ProbeSettings{Kind: api.ProbeICMP, Address: "224.0.0.1"}), api.ProbeNotAllowed)
	wantReason(t, "loopback under the strict policy", lookWith(t, dial.RefusePrivate, api.ProbeSettings{Kind: api.ProbeICMP, Address: "127.0.0.1"}), api.ProbeNotAllowed)
	t.Run("permitted", func(t *testing.T) { inNetwork(t, "TestEchoes", "permitted") })
	t.Run("datagram", func(t *testing.T) { inNetwork(t, "TestEchoes", "datagram") })
	t.Run("refused", func(t *testing.T) { inNetwork(t, "TestEchoes", "refused") })
}

const networkOfItsOwn = "WATCHKEEPER_TEST_NETWORK"

// inNetwork runs a test of this program as root of a new user and network namespace.
func inNetwork(t *testing.T, test, way string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+test+"$", "-test.v")
	command.Env = append(os.Environ(), networkOfItsOwn+"="+way)
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	if way == "refused" { // in a namespace of the user alone, root has no say in the network
		command.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
	}
	out, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+test) {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestEchoes is run by TestICMP, in a network of its own; by itself it has nothing to do.
func TestEchoes(t *testing.T) {
	way := os.Getenv(networkOfItsOwn)
	if way == "" {
		return
	}
	const groups = "/proc/sys/net/ipv4/ping_group_range"
	if way != "refused" {
		loopbackUp(t)
		if way == "datagram" { // in a new network no group has the right, and only the raw socket is left
			if err := os.WriteFile(groups, []byte("0\t0"), 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, address := range []string{"127.0.0.1", "::1"} {
		p := api.ProbeSettings{Kind: api.ProbeICMP, Address: address, Timeout: 2}
		if way == "refused" {
			if span := string(must(os.ReadFile(groups))(t)); !strings.HasPrefix(span, "1\t0") {
				t.Logf("this system lets everybody send echo requests (%s): nothing can be refused", span)
				return
			}
			r := look(t, p)
			wantReason(t, address, r, api.ProbeNotPermitted)
			if !strings.Contains(r.Detail, "net.ipv4.ping_group_range") {
				t.Errorf("the detail does not name the setting: %s", r.Detail)
			}
			continue
		}
		e := must(newEcho(must(dial.New(dial.AllowPrivate).Resolve(t.Context(), address))(t)[0]))(t)
		if _ = e.conn.Close(); e.raw != (way == "permitted") {
			t.Errorf("%s: raw socket %v", address, e.raw)
		}
		var wg sync.WaitGroup
		for range 20 { // several at once must not take each other's replies
			wg.Go(func() {
				r := look(t, p)
				wantReason(t, address, r, api.ProbeOK)
				if r.Duration > 1 {
					t.Errorf("%s answered after %v s", address, r.Duration)
				}
			})
		}
		wg.Wait()
	}
	if way != "refused" {
		wantReason(t, "no way there", look(t, api.ProbeSettings{Kind: api.ProbeICMP, Address: "192.0.2.1", Timeout: 1}), api.ProbeUnreachable)
	}
}

// loopbackUp switches the loopback of a new network on.
func loopbackUp(t *testing.T) {
	t.Helper()
	socket := must(unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0))(t)
	defer func() { _ = unix.Close(socket) }()
	request := must(unix.NewIfreq("lo"))(t)
	request.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request); err != nil {
		t.Fatal(err)
	}
}

// nameServer answers from a list of records, over UDP and TCP on one port of loopback.
func nameServer(t *testing.T, records ...string) string {
	t.Helper()
	packets := must(net.ListenPacket("udp", "127.0.0.1:0"))(t)
	address := packets.LocalAddr().String()
	stream := must(net.Listen("tcp", address))(t)
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		name := q.Question[0].Name
		if name == "silent.example." {
			return
		}
		m := new(dns.Msg).SetReply(q)
		known := false
		for _, text := range records {
			record := must(dns.NewRR(text))(t)
			if !strings.EqualFold(record.Header().Name, name) {
				continue
			}
			known = true
			if record.Header().Rrtype == q.Question[0].Qtype || record.Header().Rrtype == dns.TypeCNAME {
				m.Answer = append(m.Answer, record)
			}
		}
		if !known {
			m.Rcode = dns.RcodeNameError
		}
		if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
			m.Truncate(512)
		}
		_ = w.WriteMsg(m)
	})
	for _, s := range []*dns.Server{{PacketConn: packets, Handler: handler}, {Listener: stream, Handler: handler}} {
		started, ended := make(chan struct{}), make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		go func() {
			defer close(ended)
			_ = s.ActivateAndServe()
		}()
		<-started
		t.Cleanup(func() { _ = s.Shutdown(); <-ended })
	}
	return address
}

func TestDNS(t *testing.T) {
	var long []string
	for i := range 60 {
		long = append(long, fmt.Sprintf("long.example. 60 IN A 192.0.2.%d", i+1))
	}
	server := nameServer(t, append(long,
		"web.example. 60 IN A 192.0.2.1", "web.example. 60 IN A 192.0.2.2", "web.example. 60 IN AAAA 2001:db8::1",
		"web.example. 60 IN MX 10 Mail.Example.", `web.example. 60 IN TXT "v=spf1 \"x\" " "-all"`, `web.example. 60 IN CAA 0 issue "ca.example"`,
		"_sip._tcp.example. 60 IN SRV 1 2 5060 sip.example.", "empty.example. 60 IN AAAA ::1")...)
	for _, c := range []struct {
		name, record string
		answers      []string
		want         api.ProbeReason
		got          []string
	}{
		{"web.example", "", nil, api.ProbeOK, []string{"192.0.2.1", "192.0.2.2"}},
		{"WEB.example.", "A", []string{"192.0.2.2"}, api.ProbeOK, []string{"192.0.2.1", "192.0.2.2"}},
		{"web.example", "A", []string{"192.0.2.2", "192.0.2.3"}, api.ProbeAnswer, []string{"192.0.2.1", "192.0.2.2"}},
		{"web.example", "AAAA", []string{"2001:DB8:0:0::1"}, api.ProbeOK, []string{"2001:db8::1"}},
		{"web.example", "MX", []string{"10 mail.example."}, api.ProbeOK, []string{"10 mail.example"}},
		{"web.example", "TXT", []string{`v=spf1 "x" -all`}, api.ProbeOK, []string{`v=spf1 "x" -all`}},
		{"web.example", "CAA", []string{`0 issue "ca.example"`}, api.ProbeOK, []string{"0 issue ca.example"}},
		{"_sip._tcp.example", "SRV", []string{"1 2 5060 sip.example"}, api.ProbeOK, []string{"1 2 5060 sip.example"}},
		{"empty.example", "A", nil, api.ProbeAnswer, nil},
		{"nobody.example", "A", nil, api.ProbeStatus, nil},
	} {
		r := look(t, api.ProbeSettings{Kind: api.ProbeDNS, Name: c.name, Record: c.record, Answers: c.answers, Resolver: server})
		wantReason(t, c.name+" "+c.record, r, c.want)
		same(t, "answers of "+c.name+" "+c.record, r.Answers, c.got)
	}
	r := look(t, api.ProbeSettings{Kind: api.ProbeDNS, Name: "long.example", Resolver: server, Answers: []string{"192.0.2.60"}})
	wantReason(t, "an answer that only fits into a stream", r, api.ProbeOK)
	same(t, "answers that are kept", len(r.Answers), api.MaxProbeExpectations)

	began := time.Now()
	wantReason(t, "a server that says nothing", look(t, api.ProbeSettings{Kind: api.ProbeDNS, Name: "silent.example", Resolver: server, Timeout: 0.3}), api.ProbeTimeout)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
	wantReason(t, "nobody", look(t, api.ProbeSettings{Kind: api.ProbeDNS, Name: "web.example", Resolver: nobody(t), Timeout: 1}), api.ProbeRefused)
	wantReason(t, "a refused address", look(t, api.ProbeSettings{Kind: api.ProbeDNS, Name: "web.example", Resolver: "169.254.169.254"}), api.ProbeNotAllowed)
}
