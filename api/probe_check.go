package api

import (
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Check adds the rules that the settings, with their defaults, break to f. at is their place, such as "body.probe".
func (p *ProbeSettings) Check(at string, f *Fields) {
	c := probeCheck{ProbeSettings: p, at: at + ".", fields: f}
	if !p.Kind.Valid() {
		c.add("kind", "must be one of http, tcp, icmp, dns")
		return
	}
	c.times()
	c.strangers()
	switch p.Kind {
	case ProbeHTTP:
		c.http()
	case ProbeTCP:
		if reason := checkHostPort(p.Address); reason != "" {
			c.add("address", "%s", reason)
		}
	case ProbeICMP:
		if !validProbeHost(p.Address) {
			c.add("address", "must be a host name or an IP address, without a port")
		}
	case ProbeDNS:
		c.dns()
	}
}

type probeCheck struct {
	*ProbeSettings
	at     string
	fields *Fields
}

func (c *probeCheck) add(field, format string, args ...any) {
	c.fields.Add(c.at+field, format, args...)
}

func (c *probeCheck) times() {
	if c.Interval < 1 || c.Interval > MaxProbeInterval {
		c.add("interval", "must be 1 to %d seconds", MaxProbeInterval)
		return
	}
	if !(c.Timeout >= MinProbeTimeout && c.Timeout <= MaxProbeTimeout) {
		c.add("timeout", "must be %v to %v seconds", MinProbeTimeout, MaxProbeTimeout)
	} else if c.Timeout > float64(c.Interval) {
		c.add("timeout", "must not be above the interval")
	}
}

// strangers finds fields that belong to another kind: they would be ignored, and somebody relies on them.
func (c *probeCheck) strangers() {
	http, dns := c.Kind == ProbeHTTP, c.Kind == ProbeDNS
	address := c.Kind == ProbeTCP || c.Kind == ProbeICMP
	for _, field := range []struct {
		name      string
		given, is bool
	}{
		{"url", c.URL != "", http},
		{"method", c.Method != "", http},
		{"headers", len(c.Headers) > 0, http},
		{"body", c.Body != "", http},
		{"statuses", len(c.Statuses) > 0, http},
		{"contains", c.Contains != "", http},
		{"lacks", c.Lacks != "", http},
		{"redirects", c.Redirects != "", http},
		{"insecure", c.Insecure, http},
		{"proxy", c.Proxy != "", http},
		{"certificate_days", c.CertificateDays != nil, http},
		{"address", c.Address != "", address},
		{"name", c.Name != "", dns},
		{"record", c.Record != "", dns},
		{"resolver", c.Resolver != "", dns},
		{"answers", len(c.Answers) > 0, dns},
	} {
		if field.given && !field.is {
			c.add(field.name, "is not for probes of kind %s", c.Kind)
		}
	}
}

func (c *probeCheck) http() {
	c.url("url", c.URL)
	if c.Proxy != "" {
		c.url("proxy", c.Proxy)
	}
	if !validToken(c.Method) || len(c.Method) > 20 || slices.Contains([]string{"CONNECT", "TRACE"}, strings.ToUpper(c.Method)) {
		c.add("method", "must be a method such as GET, HEAD or POST")
	}
	if len(c.Headers) > MaxProbeHeaders {
		c.add("headers", "must be at most %d", MaxProbeHeaders)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		if reason := checkProbeHeader(name, c.Headers[name]); reason != "" {
			c.add("headers", "%s", reason)
			break
		}
	}
	if len(c.Body) > MaxProbeBody {
		c.add("body", "must be at most %d bytes", MaxProbeBody)
	} else if c.Body == ProbeMask {
		c.add("body", "must be given: %s stands for one that was not shown", ProbeMask)
	}
	if len(c.Statuses) > MaxProbeExpectations {
		c.add("statuses", "must be at most %d", MaxProbeExpectations)
	} else if _, wrong := ParseStatuses(c.Statuses); wrong != "" || slices.Contains(c.Statuses, "") {
		c.add("statuses", "must be such as 200, 2xx or 200-299, from 100 to 599")
	}
	for name, text := range map[string]string{"contains": c.Contains, "lacks": c.Lacks} {
		if utf8.RuneCountInString(text) > MaxProbeText || !cleanText(text) {
			c.add(name, "must be at most %d characters of text", MaxProbeText)
		}
	}
	if !c.Redirects.Valid() {
		c.add("redirects", "must be follow or stop")
	}
	if c.CertificateDays != nil && (*c.CertificateDays < 0 || *c.CertificateDays > MaxCertificateDays) {
		c.add("certificate_days", "must be 0 to %d", MaxCertificateDays)
	}
}

func (c *probeCheck) url(field, text string) {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", strings.ContainsFunc(text, isBlankOrControl), !utf8.ValidString(text):
		c.add(field, "must be an address such as https://example.org/health")
	case len(text) > MaxProbeURL:
		c.add(field, "must be at most %d bytes", MaxProbeURL)
	case u.Port() != "" && !validPort(u.Port()):
		c.add(field, "must have a port from 1 to 65535")
	case strings.Contains(text, ProbeMask):
		c.add(field, "must be given in full: %s stands for what was not shown", ProbeMask)
	}
}

func (c *probeCheck) dns() {
	if !validProbeHost(c.Name) {
		c.add("name", "must be a name such as example.org")
	} else if _, err := netip.ParseAddr(c.Name); err == nil {
		c.add("name", "must be a name, not an address; the one for an address ends with in-addr.arpa or ip6.arpa")
	}
	if !slices.Contains(RecordTypes, c.Record) {
		c.add("record", "must be one of %s", strings.Join(RecordTypes, ", "))
	}
	if c.Resolver != "" && !validProbeHost(c.Resolver) {
		if reason := checkHostPort(c.Resolver); reason != "" {
			c.add("resolver", "must be a host or host:port, such as 192.0.2.53 or [2001:db8::53]:53")
		}
	}
	if len(c.Answers) > MaxProbeExpectations {
		c.add("answers", "must be at most %d", MaxProbeExpectations)
	}
	for _, answer := range c.Answers {
		if answer == "" || len(answer) > MaxProbeAnswer || !cleanText(answer) {
			c.add("answers", "an answer must be 1 to %d bytes of text", MaxProbeAnswer)
			break
		}
		if _, err := netip.ParseAddr(strings.TrimSpace(answer)); err != nil && (c.Record == "A" || c.Record == "AAAA") {
			c.add("answers", "the answers for %s must be IP addresses", c.Record)
			break
		}
	}
}

// checkProbeHeader gives why a header cannot be sent, or "".
func checkProbeHeader(name, value string) string {
	switch {
	case !validToken(name) || len(name) > 100:
		return "a name must be 1 to 100 letters, digits and hyphens"
	case slices.Contains([]string{
		"connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
	}, strings.ToLower(name)):
		return name + " cannot be set: it belongs to the connection"
	case len(value) > MaxProbeHeader || !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl):
		return name + " must be at most 4000 bytes without control characters"
	case value == ProbeMask:
		return name + " must be given: " + ProbeMask + " stands for a value that was not shown"
	}
	return ""
}

func checkHostPort(text string) string {
	const form = "must be host:port, such as db.example.org:5432 or [2001:db8::1]:22"
	i := strings.LastIndexByte(text, ':')
	if i < 0 || !validPort(text[i+1:]) {
		return form
	}
	host := text[:i]
	inner, bracketed := strings.CutPrefix(host, "[")
	if bracketed {
		if inner, bracketed = strings.CutSuffix(inner, "]"); !bracketed {
			return form
		}
		host = inner
	}
	if !validProbeHost(host) || bracketed != strings.Contains(host, ":") {
		return form
	}
	return ""
}

func validPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0 && text[0] != '+'
}

// validProbeHost reports whether a text can be a host name or is an address without a zone.
func validProbeHost(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return address.Zone() == ""
	}
	if host == "" || len(host) > MaxProbeHost || strings.HasPrefix(host, ".") || strings.Contains(host, "..") {
		return false
	}
	return !strings.ContainsFunc(host, func(r rune) bool {
		return !isASCIILetterOrDigit(r) && r != '.' && r != '-' && r != '_'
	})
}

// validToken reports whether a text is a token of HTTP.
func validToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return !isASCIILetterOrDigit(r) && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

// cleanText reports whether a text can be kept as it is.
func cleanText(text string) bool { return CleanText(text) == text }
