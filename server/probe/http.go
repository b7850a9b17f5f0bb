package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"watchkeeper/api"
)

const (
	maxRedirects = 10
	maxJudged    = 1 << 20 // bytes of an answer in which texts are looked for
	probeAgent   = "Watchkeeper-Probe"
)

// http asks a URL and judges the answer. Each run makes a connection of its own, as a visitor would.
func (c checker) http(ctx context.Context, p *api.ProbeSettings) api.ProbeResult {
	timing := &timing{}
	request, err := newRequest(httptrace.WithClientTrace(ctx, timing.trace()), p)
	if err != nil {
		return api.ProbeResult{Reason: api.ProbeProtocol, Detail: "the request cannot be made"}
	}
	transport := c.transport(p)
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: redirectRule(p)}
	response, err := client.Do(request)
	if err != nil {
		r := fail(ctx, p, err)
		r.Address = timing.connected()
		if wrong, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(wrong.UnverifiedCertificates) > 0 {
			r.CertificateExpires = api.TimeOf(wrong.UnverifiedCertificates[0].NotAfter)
		}
		return r
	}
	defer func() { _ = response.Body.Close() }()
	r := api.ProbeResult{Reason: api.ProbeOK, Status: response.StatusCode, Address: timing.connected()}
	if response.TLS != nil && len(response.TLS.PeerCertificates) > 0 {
		r.CertificateExpires = api.TimeOf(response.TLS.PeerCertificates[0].NotAfter)
	}
	if err := judgeAnswer(p, response); err != nil {
		failed := fail(ctx, p, err)
		r.Reason, r.Detail = failed.Reason, failed.Detail
	} else {
		r.Detail = "HTTP " + statusText(response.StatusCode)
	}
	r.Timing = timing.parts()
	return r
}

// transport connects with the guarded dialer, to the proxy where there is one.
func (c checker) transport(p *api.ProbeSettings) *http.Transport {
	t := c.dialer.Transport().Clone()
	t.DisableKeepAlives = true
	t.TLSClientConfig = &tls.Config{InsecureSkipVerify: p.Insecure} // as the probe's owner asked for
	t.ResponseHeaderTimeout = 0                                     // the time limit of the probe rules
	if p.Proxy != "" {
		if proxy, err := url.Parse(p.Proxy); err == nil {
			t.Proxy = http.ProxyURL(proxy)
		}
	}
	return t
}

func newRequest(ctx context.Context, p *api.ProbeSettings) (*http.Request, error) {
	var body io.Reader
	if p.Body != "" {
		body = strings.NewReader(p.Body)
	}
	request, err := http.NewRequestWithContext(ctx, p.Method, p.URL, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", probeAgent)
	for name, value := range p.Headers {
		if strings.EqualFold(name, "Host") {
			request.Host = value
			continue
		}
		request.Header.Set(name, value)
	}
	return request, nil
}

// redirectRule says how far redirects are followed. What the probe sends is meant for its own target: elsewhere neither
// headers nor a body go along.
func redirectRule(p *api.ProbeSettings) func(*http.Request, []*http.Request) error {
	return func(next *http.Request, via []*http.Request) error {
		if p.Redirects == api.RedirectsStop {
			return http.ErrUseLastResponse
		}
		if len(via) > maxRedirects {
			return found(api.ProbeRedirect, "more than %d redirects", maxRedirects)
		}
		next.Header.Del("Referer") // it would carry the parameters of the URL
		first := via[0].URL
		if next.URL.Scheme == first.Scheme && next.URL.Host == first.Host {
			return nil
		}
		if next.Body != nil && next.Body != http.NoBody {
			return found(api.ProbeRedirect, "the answer wants the body to be sent to another host, %s", next.URL.Host)
		}
		for name := range p.Headers {
			next.Header.Del(name)
		}
		next.Host = ""
		return nil
	}
}

// judgeAnswer gives why an answer is not the expected one, or that it could not be read.
func judgeAnswer(p *api.ProbeSettings, response *http.Response) error {
	statuses, _ := api.ParseStatuses(p.Statuses)
	if !api.StatusExpected(statuses, response.StatusCode) {
		return found(api.ProbeStatus, "HTTP %s, expected %s", statusText(response.StatusCode), strings.Join(p.Statuses, ", "))
	}
	if p.Contains == "" && p.Lacks == "" {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxJudged))
	if err != nil {
		return err
	}
	switch text := string(body); {
	case p.Contains != "" && !strings.Contains(text, p.Contains):
		return found(api.ProbeTextMissing, "HTTP %s, but the answer lacks the text %q", statusText(response.StatusCode), p.Contains)
	case p.Lacks != "" && strings.Contains(text, p.Lacks):
		return found(api.ProbeTextFound, "HTTP %s, but the answer has the text %q", statusText(response.StatusCode), p.Lacks)
	}
	return nil
}

func statusText(status int) string {
	return strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
}

// timing is where the time of the last request of a run goes. Several attempts to connect may tell of themselves at once.
type timing struct {
	mu                              sync.Mutex
	name, connect, handshake, first span
	address                         string
}

// span is from a moment to another, on the machine's clock.
type span struct{ from, to time.Time }

func (s span) seconds() float64 {
	if s.from.IsZero() || s.to.Before(s.from) {
		return 0
	}
	return float64(s.to.Sub(s.from).Microseconds()) / 1e6 // the parts are often shorter than a millisecond
}

func (t *timing) trace() *httptrace.ClientTrace {
	begin := func(s *span) func() {
		return func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			if s.from.IsZero() {
				s.from = startWatch().began
			}
		}
	}
	end := func(s *span) func() {
		return func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			s.to = startWatch().began
		}
	}
	return &httptrace.ClientTrace{
		GetConn: func(string) {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.name, t.connect, t.handshake, t.first = span{}, span{}, span{}, span{}
		},
		DNSStart:          func(httptrace.DNSStartInfo) { begin(&t.name)() },
		DNSDone:           func(httptrace.DNSDoneInfo) { end(&t.name)() },
		ConnectStart:      func(string, string) { begin(&t.connect)() },
		ConnectDone:       func(string, string, error) { end(&t.connect)() },
		TLSHandshakeStart: begin(&t.handshake),
		TLSHandshakeDone:  func(tls.ConnectionState, error) { end(&t.handshake)() },
		GotConn: func(info httptrace.GotConnInfo) {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.address = info.Conn.RemoteAddr().String()
		},
		WroteRequest:         func(httptrace.WroteRequestInfo) { begin(&t.first)() },
		GotFirstResponseByte: end(&t.first),
	}
}

func (t *timing) connected() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.address
}

// parts gives the spans up to now, when the answer was judged.
func (t *timing) parts() *api.ProbeTiming {
	t.mu.Lock()
	defer t.mu.Unlock()
	read := span{from: t.first.to, to: startWatch().began}
	return &api.ProbeTiming{
		Name: t.name.seconds(), Connect: t.connect.seconds(), TLS: t.handshake.seconds(), Wait: t.first.seconds(), Read: read.seconds(),
	}
}
