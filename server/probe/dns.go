package probe

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"watchkeeper/api"
)

const (
	dnsPort         = "53"
	systemResolvers = "/etc/resolv.conf"
	// dnsPatience is how long a name server is waited for before it is asked again, since datagrams may be lost.
	dnsPatience = 2 * time.Second
	dnsBuffer   = 1232 // bytes of an answer by datagram, which no network breaks up
)

// dns asks a name server and judges the answer.
func (c checker) dns(ctx context.Context, p *api.ProbeSettings) api.ProbeResult {
	question := new(dns.Msg).SetQuestion(dns.Fqdn(p.Name), dns.StringToType[p.Record])
	question.SetEdns0(dnsBuffer, false)
	resolvers, dialDatagram, dialStream := c.resolvers(p)
	if len(resolvers) == 0 {
		return api.ProbeResult{Reason: api.ProbeNameFailed, Detail: "the system of the server names no resolver; name one in the probe"}
	}
	var answer *dns.Msg
	var err error
	asked := ""
	for ctx.Err() == nil {
		for _, asked = range resolvers {
			if answer, err = ask(ctx, question, asked, dialDatagram); err == nil && answer.Truncated {
				answer, err = ask(ctx, question, asked, dialStream)
			}
			if err == nil || ctx.Err() != nil {
				break
			}
		}
		if err == nil || !isTimeout(err) {
			break
		}
	}
	if err == nil && answer == nil {
		err = ctx.Err()
	}
	if err != nil {
		r := fail(ctx, p, err)
		r.Address = asked
		return r
	}
	return judgeRecords(p, asked, answer)
}

// dialing connects over one network.
type dialing func(ctx context.Context, address string) (net.Conn, error)

// resolvers gives the name servers to ask, and how. Those of the system are trusted, as with every name that the server
// resolves: whoever made them resolvers rules over the machine. One that a probe names is judged.
func (c checker) resolvers(p *api.ProbeSettings) (list []string, datagram, stream dialing) {
	if p.Resolver != "" {
		address := p.Resolver
		if _, _, err := net.SplitHostPort(address); err != nil {
			address = net.JoinHostPort(strings.Trim(address, "[]"), dnsPort)
		}
		return []string{address},
			func(ctx context.Context, address string) (net.Conn, error) {
				return c.dialer.DialDatagram(ctx, "udp", address)
			},
			func(ctx context.Context, address string) (net.Conn, error) {
				return c.dialer.DialContext(ctx, "tcp", address)
			}
	}
	config, err := dns.ClientConfigFromFile(systemResolvers)
	if err != nil {
		return nil, nil, nil
	}
	for _, server := range config.Servers {
		list = append(list, net.JoinHostPort(server, config.Port))
	}
	var d net.Dialer
	return list,
		func(ctx context.Context, address string) (net.Conn, error) { return d.DialContext(ctx, "udp", address) },
		func(ctx context.Context, address string) (net.Conn, error) { return d.DialContext(ctx, "tcp", address) }
}

// ask puts a question once.
func ask(ctx context.Context, question *dns.Msg, address string, dial dialing) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, dnsPatience)
	defer cancel()
	conn, err := dial(ctx, address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	question = question.Copy()
	question.Id = dns.Id()
	answer, _, err := new(dns.Client{UDPSize: dnsBuffer, Timeout: dnsPatience}).ExchangeWithConnContext(ctx, question, &dns.Conn{Conn: conn})
	switch {
	case err == nil:
		return answer, nil
	case errors.As(err, new(*dns.Error)):
		return nil, found(api.ProbeProtocol, "the name server answered something that is no answer: %s", err)
	}
	return nil, err
}

// judgeRecords gives what an answer is worth.
func judgeRecords(p *api.ProbeSettings, asked string, answer *dns.Msg) api.ProbeResult {
	r := api.ProbeResult{Reason: api.ProbeOK, Address: asked}
	if answer.Rcode != dns.RcodeSuccess {
		r.Reason, r.Detail = api.ProbeStatus, p.Name+" "+p.Record+": "+dns.RcodeToString[answer.Rcode]
		return r
	}
	var all []string
	for _, record := range answer.Answer {
		if record.Header().Rrtype == dns.StringToType[p.Record] {
			all = append(all, recordText(p.Record, record))
		}
	}
	slices.Sort(all)
	r.Answers = all[:min(len(all), api.MaxProbeExpectations)]
	if len(all) == 0 {
		r.Reason, r.Detail = api.ProbeAnswer, p.Name+" has no "+p.Record+" record"
		return r
	}
	if missing, is := api.MissingAnswer(p.Record, p.Answers, all); is {
		r.Reason, r.Detail = api.ProbeAnswer, missing+" is not among the answers: "+strings.Join(r.Answers, ", ")
		return r
	}
	r.Detail = strings.Join(r.Answers, ", ")
	return r
}

// unescape undoes what the library does to quotes in texts.
var unescape = strings.NewReplacer(`\"`, `"`, `\\`, `\`)

// recordText gives the content of a record as people write it, in the spelling in which answers are compared.
func recordText(kind string, record dns.RR) string {
	if txt, ok := record.(*dns.TXT); ok {
		return api.CleanText(unescape.Replace(strings.Join(txt.Txt, "")))
	}
	_, content, _ := strings.Cut(record.String(), record.Header().String())
	return api.NormalAnswer(kind, api.CleanText(content))
}
