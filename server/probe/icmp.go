package probe

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"watchkeeper/api"
)

// maxEchoes is how many requests one run sends, so that a single one that is lost is no outage.
const maxEchoes = 3

// icmp sends echo requests until one is answered. Names are resolved and judged once; what is sent goes to that address.
func (c checker) icmp(ctx context.Context, p *api.ProbeSettings) api.ProbeResult {
	addresses, err := c.dialer.Resolve(ctx, p.Address)
	if err == nil && len(addresses) == 0 {
		err = found(api.ProbeNameFailed, "resolving %s: no address", p.Address)
	}
	if err != nil {
		return fail(ctx, p, err)
	}
	target := addresses[0]
	e, err := newEcho(target)
	if err != nil {
		return fail(ctx, p, err)
	}
	defer func() { _ = e.conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = e.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := e.exchange(ctx, p.TimeLimit()); err != nil {
		r := fail(ctx, p, err)
		r.Address = target.String()
		return r
	}
	return api.ProbeResult{Reason: api.ProbeOK, Detail: "answered by " + target.String(), Address: target.String()}
}

// echo is a conversation of echo requests and replies with one address.
type echo struct {
	conn     *icmp.PacketConn
	target   netip.Addr
	to       net.Addr
	raw      bool // the socket sees the replies to others, too
	id       int
	token    [16]byte // of this run, so that nothing older is taken for its reply
	protocol int
	request  icmp.Type
	reply    icmp.Type
}

// newEcho opens a socket: one that any user may open where the system allows it, else one for which the process needs a
// right of its own.
func newEcho(target netip.Addr) (*echo, error) {
	const protocolICMP, protocolICMPv6 = 1, 58
	e := &echo{target: target, id: os.Getpid() & 0xffff, protocol: protocolICMP, request: ipv4.ICMPTypeEcho, reply: ipv4.ICMPTypeEchoReply}
	datagram, raw, any := "udp4", "ip4:icmp", "0.0.0.0"
	if target.Is6() {
		e.protocol, e.request, e.reply = protocolICMPv6, ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply
		datagram, raw, any = "udp6", "ip6:ipv6-icmp", "::"
	}
	if _, err := rand.Read(e.token[:]); err != nil {
		return nil, err
	}
	var err error
	if e.conn, err = icmp.ListenPacket(datagram, any); err == nil {
		e.to = &net.UDPAddr{IP: target.AsSlice(), Zone: target.Zone()}
		return e, nil
	}
	if e.conn, err = icmp.ListenPacket(raw, any); err == nil {
		e.raw, e.to = true, &net.IPAddr{IP: target.AsSlice(), Zone: target.Zone()}
		return e, nil
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, found(api.ProbeNotPermitted, "the system of this server does not let it send echo requests: "+
			"set the sysctl net.ipv4.ping_group_range so that it holds the group %d of the server, as in \"0 2147483647\", or give it CAP_NET_RAW",
			os.Getegid())
	}
	return nil, err
}

// exchange sends requests, spread over the time, until a reply comes.
func (e *echo) exchange(ctx context.Context, within time.Duration) error {
	began := startWatch()
	for n := 1; n <= maxEchoes; n++ {
		message := icmp.Message{Type: e.request, Body: &icmp.Echo{ID: e.id, Seq: n, Data: e.token[:]}}
		packet, err := message.Marshal(nil)
		if err != nil {
			return fmt.Errorf("making an echo request: %w", err)
		}
		if _, err := e.conn.WriteTo(packet, e.to); err != nil {
			return err
		}
		until := within * time.Duration(n) / maxEchoes
		if err := e.conn.SetReadDeadline(began.began.Add(until)); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil { // what ended the socket's time then was undone by the line above
			return err
		}
		err = e.await()
		if err == nil || n == maxEchoes || !isTimeout(err) {
			return err
		}
	}
	return nil
}

// await reads until a reply to this run comes.
func (e *echo) await() error {
	buffer := make([]byte, 1500)
	for {
		n, from, err := e.conn.ReadFrom(buffer)
		if err != nil {
			return err
		}
		if addressOf(from) != e.target.WithZone("") {
			continue
		}
		message, err := icmp.ParseMessage(e.protocol, buffer[:n])
		if err != nil || message.Type != e.reply {
			continue
		}
		body, ok := message.Body.(*icmp.Echo)
		// The kernel gives a datagram socket an id of its own and only the replies to it.
		if ok && (!e.raw || body.ID == e.id) && len(body.Data) == len(e.token) &&
			binary.BigEndian.Uint64(body.Data) == binary.BigEndian.Uint64(e.token[:8]) && string(body.Data[8:]) == string(e.token[8:]) {
			return nil
		}
	}
}

func addressOf(a net.Addr) netip.Addr {
	var ip net.IP
	switch a := a.(type) {
	case *net.UDPAddr:
		ip = a.IP
	case *net.IPAddr:
		ip = a.IP
	}
	address, _ := netip.AddrFromSlice(ip)
	return address.Unmap()
}
