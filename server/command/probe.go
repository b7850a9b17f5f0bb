package command

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"watchkeeper/api"
	"watchkeeper/api/client"
)

// probeSettings are the flags that say what is probed.
type probeSettings struct {
	flags             *pflag.FlagSet
	kind              string
	interval, timeout *durationValue
	headers           []string
	certificateDays   int
	values            api.ProbeSettings
}

// probeFlagNames are those flags, but for --probe.
var probeFlagNames = []string{
	"interval", "timeout", "url", "method", "header", "body", "status", "contains", "lacks", "redirects", "insecure", "proxy",
	"certificate-days", "address", "query", "record", "resolver", "answer",
}

func probeFlags(f *pflag.FlagSet) *probeSettings {
	s := &probeSettings{flags: f}
	v := &s.values
	f.StringVar(&s.kind, "probe", "", "let the server look at a target by itself: `kind` http, tcp, icmp or dns")
	s.interval = durationFlag(f, "interval", "probe: time between runs; unless given, 60s")
	s.timeout = durationFlag(f, "timeout", "probe: time that a run may take; unless given, 10s")
	f.StringVar(&v.URL, "url", "", "probe http: `url` that is asked")
	f.StringVar(&v.Method, "method", "", "probe http: `method`; unless given, GET")
	f.StringArrayVar(&s.headers, "header", nil, "probe http: `header` that is sent, as 'Name: value'; may be repeated")
	f.StringVar(&v.Body, "body", "", "probe http: `text` that is sent")
	f.StringSliceVar(&v.Statuses, "status", nil, "probe http: `statuses` that are right, such as 200,3xx,400-404; unless given, 2xx")
	f.StringVar(&v.Contains, "contains", "", "probe http: `text` that the answer must have")
	f.StringVar(&v.Lacks, "lacks", "", "probe http: `text` that the answer must not have")
	f.StringVar((*string)(&v.Redirects), "redirects", "", "probe http: `follow` them, or stop and judge the redirect itself")
	f.BoolVar(&v.Insecure, "insecure", false, "probe http: take any certificate")
	f.StringVar(&v.Proxy, "proxy", "", "probe http: `url` of a proxy to go through")
	f.IntVar(&s.certificateDays, "certificate-days", 14, "probe http: so many `days` before its end a warning of the certificate goes out; 0 is never")
	f.StringVar(&v.Address, "address", "", "probe tcp: `host:port`; probe icmp: host")
	f.StringVar(&v.Name, "query", "", "probe dns: `name` that is asked for")
	f.StringVar(&v.Record, "record", "", "probe dns: `type` of record, such as MX; unless given, A")
	f.StringVar(&v.Resolver, "resolver", "", "probe dns: name server to ask, `host` or host:port; unless given, those of the server's system")
	f.StringArrayVar(&v.Answers, "answer", nil, "probe dns: `record` that must be among the answers; may be repeated")
	return s
}

// given reports whether any of the flags was on the command line.
func (s *probeSettings) given() bool {
	return s.flags.Changed("probe") || slices.ContainsFunc(probeFlagNames, s.flags.Changed)
}

// over gives the settings of a probe with those that were given in their place; those of another kind do not count.
func (s *probeSettings) over(before api.ProbeSettings) (*api.ProbeSettings, error) {
	p := before
	if s.flags.Changed("probe") && s.kind != string(before.Kind) {
		p = api.ProbeSettings{Kind: api.ProbeKind(s.kind)}
	}
	v := &s.values
	for name, take := range map[string]func(){
		"interval": func() { p.Interval = *s.interval.seconds() },
		"timeout":  func() { p.Timeout = api.InSeconds(s.timeout.value) },
		"url":      func() { p.URL = v.URL }, "method": func() { p.Method = v.Method }, "body": func() { p.Body = v.Body },
		"status": func() { p.Statuses = v.Statuses }, "contains": func() { p.Contains = v.Contains }, "lacks": func() { p.Lacks = v.Lacks },
		"redirects": func() { p.Redirects = v.Redirects }, "insecure": func() { p.Insecure = v.Insecure }, "proxy": func() { p.Proxy = v.Proxy },
		"certificate-days": func() { p.CertificateDays = &s.certificateDays },
		"address":          func() { p.Address = v.Address }, "query": func() { p.Name = v.Name }, "record": func() { p.Record = v.Record },
		"resolver": func() { p.Resolver = v.Resolver }, "answer": func() { p.Answers = v.Answers },
	} {
		if s.flags.Changed(name) {
			take()
		}
	}
	if s.flags.Changed("interval") && !s.flags.Changed("timeout") && p.Timeout > float64(p.Interval) {
		p.Timeout = 0 // what was right for the former interval
	}
	if s.flags.Changed("header") {
		p.Headers = map[string]string{}
		for _, line := range s.headers {
			name, value, found := strings.Cut(line, ":")
			if !found {
				return nil, wrongUsage("a header is written 'Name: value'")
			}
			p.Headers[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	return &p, nil
}

// of gives the settings over those of the probe that a service has.
func (s *probeSettings) of(p *api.Probe) (*api.ProbeSettings, error) {
	if p == nil {
		if s.kind == "" {
			return nil, wrongUsage("the service has no probe: say what kind it is to be, with --probe http, tcp, icmp or dns")
		}
		p = &api.Probe{}
	}
	return s.over(p.ProbeSettings)
}

func (r *run) serviceProbeCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "probe NAME", Short: "Run the probe of a service now", Args: arguments("NAME"),
		Long: "Run the probe of a service now, and show what it found. That counts like any other run, unless the service\n" +
			"is paused. Exits 1 where the target is not as it should be.",
	}
	m := r.remoteFlags(c)
	m.completes(c, serviceNames())
	c.RunE = r.begin(func(c *cobra.Command, args []string) error {
		return m.ask(c, func(ctx context.Context, server *client.Client) error {
			found, err := server.RunProbe(ctx, args[0])
			if err != nil {
				return err
			}
			if err := m.print(func(p *page) { printProbeResult(p, &found) }); err != nil || found.OK {
				return err
			}
			return errAmiss
		})
	})
	return c
}

func printProbeResult(p *page, r *api.ProbeResult) { p.fields(probeResultFields(p, r)...) }

// probeFields tell of the probe of a service and what it found last, with nothing for one without.
func probeFields(p *page, s *api.ServiceView) []field {
	if s.Probe == nil {
		return nil
	}
	fields := []field{{"probe", string(s.Probe.Kind) + " " + s.Probe.Target()}, {"every", length(s.Probe.Interval)}}
	if names := slices.Sorted(maps.Keys(s.Probe.Headers)); len(names) > 0 {
		fields = append(fields, field{"sends", strings.Join(names, ", ")})
	}
	if s.Probe.FromFile {
		fields = append(fields, field{"probe from", "the configuration file"})
	}
	if s.ProbeResult == nil {
		return append(fields, field{"found", "it has not run yet"})
	}
	return append(fields, probeResultFields(p, s.ProbeResult)...)
}

func probeResultFields(p *page, r *api.ProbeResult) []field {
	found := r.Detail
	if !r.OK {
		found = string(r.Reason) + ": " + r.Detail
	}
	fields := []field{
		{"found", found}, {"at", p.clock.full(r.At.Std())}, {"took", seconds(r.Duration)}, {"address", r.Address},
	}
	if t := r.Timing; t != nil {
		ms := func(s float64) string {
			return time.Duration(s * float64(time.Second)).Round(100 * time.Microsecond).String()
		}
		fields = append(fields, field{"of that", fmt.Sprintf("name %s, connect %s, TLS %s, wait %s, read %s",
			ms(t.Name), ms(t.Connect), ms(t.TLS), ms(t.Wait), ms(t.Read))})
	}
	if r.CertificateExpires != 0 {
		fields = append(fields, field{"certificate ends", p.clock.moment(r.CertificateExpires)})
	}
	return fields
}
