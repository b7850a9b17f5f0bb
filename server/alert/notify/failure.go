package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"time"

	"watchkeeper/server/dial"
)

// Persistence says how long it is worth while to try again after an attempt that failed.
type Persistence string

// The persistences.
const (
	Persist Persistence = "persist" // as long as the delivery is young enough: the cause may pass
	TryFew  Persistence = "try_few" // FewAttempts in all: it will hardly pass, and yet is known to
	GiveUp  Persistence = "give_up" // not once more: the same message would fail the same way
)

// Valid reports whether p is one of the above.
func (p Persistence) Valid() bool { return p == Persist || p == TryFew || p == GiveUp }

// FewAttempts is how many attempts, the first included, a failure with TryFew is worth.
const FewAttempts = 4

// Failure is the error of an attempt to send. Its text is for people, in the API, in logs and in mails: one line of
// bounded length without secrets. The cause is for errors.Is and errors.As only and may hold secrets.
type Failure struct {
	Persistence Persistence
	RetryAfter  time.Duration // what the other side asked for; 0 when it did not
	Answer      string        // what the other side said, or what kept it from saying anything
	cause       error
}

// Fail makes a failure whose text is the answer, cleaned of control characters and cut, but not of secrets.
func Fail(p Persistence, answer string, cause error) *Failure {
	return &Failure{Persistence: p, Answer: Cut(OneLine(answer), MaxAnswer), cause: cause}
}

// Error gives the text for people.
func (f *Failure) Error() string { return f.Answer }

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.cause }

// Permanent reports whether the attempt that gave err, the attempts-th for its delivery, was the last one worth while.
func Permanent(err error, attempts int) bool {
	var f *Failure
	if !errors.As(err, &f) {
		return false
	}
	return f.Persistence == GiveUp || f.Persistence == TryFew && attempts >= FewAttempts
}

// RetryAfter gives how long the other side asked us to wait before the next attempt; 0 when it did not.
func RetryAfter(err error) time.Duration {
	var f *Failure
	if !errors.As(err, &f) {
		return 0
	}
	return f.RetryAfter
}

// FailConnection makes the failure of a conversation that the network or TLS ended, in plain words. Only an address
// that may never be connected to is final: networks recover, certificates are renewed, names are entered late.
func FailConnection(err error) *Failure {
	if refused := (*dial.RefusedError)(nil); errors.As(err, &refused) {
		return Fail(GiveUp, refused.Error(), err)
	}
	return Fail(Persist, describe(err), err)
}

func describe(err error) string {
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		err = outer.Err // its own text holds the URL, which may be a secret
	}
	if text := describeTLS(err); text != "" {
		return text
	}
	var name *net.DNSError
	var op *net.OpError
	switch {
	case errors.Is(err, context.Canceled):
		return "the attempt was broken off because the server stops"
	case errors.As(err, &name) && name.IsNotFound:
		return "the name " + name.Name + " does not exist"
	case errors.As(err, &name):
		return "the name " + name.Name + " could not be resolved"
	case timedOut(err):
		return "no answer in time"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused" + at(err)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed before the answer was complete"
	case errors.As(err, &op):
		return op.Op + at(err) + ": " + op.Err.Error()
	}
	return err.Error()
}

func describeTLS(err error) string {
	var (
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		alert     tls.AlertError
	)
	switch {
	case errors.As(err, &authority):
		return "the certificate is not trusted: it is signed by an authority that this machine does not know"
	case errors.As(err, &host):
		return "the certificate is not trusted: " + host.Error()
	case errors.As(err, &invalid):
		return "the certificate is not trusted: " + invalid.Error()
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "the other side does not speak TLS on this port"
	case errors.As(err, &alert):
		return "the other side ended TLS: " + alert.Error()
	}
	return ""
}

func timedOut(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &n) && n.Timeout()
}

func at(err error) string {
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Addr != nil {
		return fmt.Sprintf(" by %s", op.Addr)
	}
	return ""
}
