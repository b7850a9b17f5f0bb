package cert

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

const (
	lookAtFiles  = 5 * time.Second
	expiryNotice = 14 * 24 * time.Hour
)

// files takes the server's certificate from two files that somebody else renews.
type files struct {
	certificate, key string
	log              *slog.Logger

	served  fingerprint
	failed  fingerprint // of what could not be used at the last look
	loading complaint
	ending  complaint
	end     time.Time // of what is served
}

// fingerprint is of both files, or of the trouble in reading them.
type fingerprint [sha256.Size]byte

func newFiles(o Options) (*files, error) {
	if o.CertificateFile == "" || o.KeyFile == "" {
		return nil, errors.New("a certificate from files needs both the file of the certificate and that of its key")
	}
	return &files{
		certificate: o.CertificateFile, key: o.KeyFile, log: o.Log,
		loading: complaint{log: o.Log, what: "reading the certificate from its files"},
		ending:  complaint{log: o.Log, what: "renewal of the certificate in its files"},
	}, nil
}

func (f *files) pace() time.Duration { return lookAtFiles }

func (f *files) first(now time.Time) (*tls.Certificate, error) {
	next, found, err := f.load()
	if err != nil {
		return nil, fmt.Errorf("reading the certificate from its files: %w", err)
	}
	f.serve(next, found, now)
	return next, nil
}

// look gives the pair in the files when it is another one. They are read each time, since a time stamp may stay the same
// and a link may lead elsewhere. A broken pair is told of only when it is still there at the next look: two files cannot
// be replaced at once.
func (f *files) look(_ context.Context, now time.Time) *tls.Certificate {
	next, found, err := f.load()
	switch {
	case err != nil && found == f.failed:
		f.loading.tell(err)
	case err != nil:
		f.failed = found
	default:
		f.failed = fingerprint{}
		f.loading.tell(nil)
	}
	if err != nil || found == f.served {
		f.watchEnd(now)
		return nil
	}
	f.serve(next, found, now)
	f.log.Info("took a new certificate from its files", "until", f.end)
	return next
}

func (f *files) serve(next *tls.Certificate, found fingerprint, now time.Time) {
	f.served, f.end = found, next.Leaf.NotAfter
	f.watchEnd(now)
}

func (f *files) watchEnd(now time.Time) {
	switch left := f.end.Sub(now); {
	case left <= 0:
		f.ending.tell(fmt.Errorf("it ended at %s", f.end.UTC().Format(time.RFC3339)))
	case left < expiryNotice:
		f.ending.tell(fmt.Errorf("it ends at %s", f.end.UTC().Format(time.RFC3339)))
	default:
		f.ending.tell(nil)
	}
}

func (f *files) load() (*tls.Certificate, fingerprint, error) {
	certificate, err := readFile(f.certificate)
	if err != nil {
		return nil, sha256.Sum256([]byte(err.Error())), err
	}
	key, err := readFile(f.key)
	if err != nil {
		return nil, sha256.Sum256([]byte(err.Error())), err
	}
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%d\n%s%s", len(certificate), certificate, key) // a hash never fails
	found := fingerprint(h.Sum(nil))
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, found, err
	}
	return &pair, found, nil
}
