package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode"

	"watchkeeper/api"
	"watchkeeper/server/dial"
)

// checker looks at targets.
type checker struct{ dialer *dial.Dialer }

// check looks at a target once, within its time limit. What it finds has no moment yet. When ctx itself ends, what comes
// back means nothing.
func (c checker) check(ctx context.Context, p *api.ProbeSettings) api.ProbeResult {
	ctx, cancel := context.WithTimeout(ctx, p.TimeLimit())
	defer cancel()
	watch := startWatch()
	var r api.ProbeResult
	switch p.Kind {
	case api.ProbeHTTP:
		r = c.http(ctx, p)
	case api.ProbeTCP:
		r = c.tcp(ctx, p)
	case api.ProbeICMP:
		r = c.icmp(ctx, p)
	case api.ProbeDNS:
		r = c.dns(ctx, p)
	}
	r.Duration = max(api.InSeconds(watch.elapsed()), api.InSeconds(time.Millisecond)) // 0 would say that nobody knows
	r.OK = r.Reason == api.ProbeOK
	r.Detail = oneLine(redact(p, r.Detail))
	return r
}

// fail gives the result for a failure, found in the error.
func fail(ctx context.Context, p *api.ProbeSettings, err error) api.ProbeResult {
	reason, detail := explain(err)
	if reason != api.ProbeNotAllowed && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		reason = api.ProbeTimeout
	}
	if reason == api.ProbeTimeout {
		detail = fmt.Sprintf("no answer within %s", p.TimeLimit())
	}
	return api.ProbeResult{Reason: reason, Detail: detail}
}

// explain finds out what an error of a connection means, in words that hold neither URL nor header.
func explain(err error) (api.ProbeReason, string) {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if known, ok := errors.AsType[*foundError](err); ok {
		return known.reason, known.detail
	}
	if refused, ok := errors.AsType[*dial.RefusedError](err); ok {
		return api.ProbeNotAllowed, refused.Error()
	}
	if name, ok := errors.AsType[*net.DNSError](err); ok {
		return api.ProbeNameFailed, fmt.Sprintf("resolving %s: %s", name.Name, name.Err)
	}
	if wrong, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return api.ProbeCertificate, wrong.Err.Error()
	}
	if isX509(err) {
		return api.ProbeCertificate, err.Error()
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || isTimeout(err) {
		return api.ProbeTimeout, ""
	}
	if errors.As(err, new(tls.RecordHeaderError)) || errors.As(err, new(tls.AlertError)) || strings.HasPrefix(err.Error(), "remote error: tls:") ||
		strings.HasPrefix(err.Error(), "tls:") || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") {
		return api.ProbeTLS, "no secure connection: " + err.Error()
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return api.ProbeRefused, "the connection was refused"
	}
	if system, ok := errors.AsType[syscall.Errno](err); ok {
		return api.ProbeUnreachable, system.Error()
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return api.ProbeUnreachable, op.Err.Error()
	}
	if strings.HasSuffix(err.Error(), "EOF") {
		return api.ProbeUnreachable, "the connection was closed without an answer"
	}
	return api.ProbeProtocol, err.Error()
}

func isX509(err error) bool {
	return errors.As(err, new(x509.UnknownAuthorityError)) || errors.As(err, new(x509.HostnameError)) ||
		errors.As(err, new(x509.CertificateInvalidError))
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// foundError is what a check has found while others, such as the HTTP client, hand it through.
type foundError struct {
	reason api.ProbeReason
	detail string
}

func (e *foundError) Error() string { return e.detail }

func found(reason api.ProbeReason, format string, args ...any) *foundError {
	return &foundError{reason, fmt.Sprintf(format, args...)}
}

// redact masks the secrets of a probe in what the other side or a library says, since either may repeat them.
func redact(p *api.ProbeSettings, text string) string {
	const shortest = 4 // masking less would riddle a text, and tell by its holes what the secret is
	mask := func(secret string) {
		if len(secret) >= shortest {
			text = strings.ReplaceAll(text, secret, api.ProbeMask)
		}
	}
	for _, value := range p.Headers {
		mask(value)
	}
	mask(p.Body)
	for _, address := range []string{p.URL, p.Proxy} {
		u, err := url.Parse(address)
		if err != nil {
			continue
		}
		if password, has := u.User.Password(); has {
			mask(password)
		}
		for _, values := range u.Query() {
			for _, value := range values {
				mask(value)
				mask(url.QueryEscape(value))
			}
		}
	}
	return text
}

// maxDetail is how many bytes of an explanation are kept.
const maxDetail = 300

// oneLine makes one line of bounded length of a text from outside.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, api.CleanText(text))
	return strings.TrimSpace(api.CutText(text, maxDetail))
}

// watch measures how long something takes on this machine, as only a monotonic clock can.
type watch struct{ began time.Time }

func startWatch() watch { return watch{time.Now()} }

func (w watch) elapsed() time.Duration { return time.Since(w.began) }
