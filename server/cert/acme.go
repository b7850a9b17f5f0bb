package cert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"watchkeeper/api"
	"watchkeeper/server/secret"
	"watchkeeper/server/store"
)

// ACME is where certificates are ordered, for ModeACME.
type ACME struct {
	Directory string // its URL
	Email     string // where the authority writes to; may be empty
	CAFile    string // who signs the directory's own certificate, in PEM; empty for those that the system trusts
	HTTP      string // address to answer challenges at in plain HTTP; empty to answer them on the port of TLS alone
	Address   net.Addr
}

// acme orders a certificate for all names from an authority, and has self for everybody who asks for another name, and
// for the time in which there is no other.
type acme struct {
	*self
	names     []string
	log       *slog.Logger
	key       *secret.Key
	issuer    *certmagic.ACMEIssuer
	magic     *certmagic.Config
	cache     *certmagic.Cache
	shelf     *shelf
	challenge net.Listener // nil when challenges are answered on the port of TLS alone
	redirect  string       // where everybody else at it is sent

	current atomic.Pointer[tls.Certificate] // nil while there is none
	state   atomic.Pointer[api.CertificateStatus]
	stored  []byte // what current was read from

	reading, ordering complaint
}

const (
	// orderTime is what one order may take; authorities look from several places, with patience.
	orderTime = 3 * time.Minute
	// maxOrderError is how much of what an authority says is shown.
	maxOrderError = 500
)

func newACME(o Options) (*acme, error) {
	own, err := newSelf(o)
	if err != nil {
		return nil, err
	}
	a := &acme{
		self: own, log: o.Log, key: o.Key, redirect: strings.TrimSuffix(o.PublicURL, "/"),
		reading:  complaint{log: o.Log, what: "reading the ordered certificate"},
		ordering: complaint{log: o.Log, what: "ordering a certificate"},
	}
	if a.names, err = orderedNames(own.asked); err != nil {
		return nil, err
	}
	template, err := o.ACME.template()
	if err != nil {
		return nil, err
	}
	a.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return a.magic, nil }, Logger: zap.NewNop(),
	})
	a.magic = certmagic.New(a.cache, certmagic.Config{Storage: missing{}, Logger: zap.NewNop()})
	a.issuer = certmagic.NewACMEIssuer(a.magic, template)
	a.magic.Issuers = []certmagic.Issuer{a.issuer}
	a.state.Store(&api.CertificateStatus{Names: a.names, Problem: "none was ordered yet"})
	if o.ACME.HTTP != "" {
		if a.challenge, err = net.Listen("tcp", o.ACME.HTTP); err != nil {
			a.cache.Stop()
			return nil, fmt.Errorf("listening on %s (setting acme.http): %w", o.ACME.HTTP, err)
		}
	}
	return a, nil
}

// orderedNames gives the names that an authority elsewhere can have a look at.
func orderedNames(asked names) ([]string, error) {
	ordered := slices.DeleteFunc(slices.Clone(asked.dns), func(name string) bool { return name == "localhost" })
	if len(ordered) == 0 {
		return nil, errors.New("a certificate by ACME needs the name of the server: set the public URL, or the names of the certificate")
	}
	for _, name := range ordered {
		if strings.HasPrefix(name, "*.") {
			return nil, fmt.Errorf("a certificate by ACME cannot be had for %s: that would need a challenge by DNS", name)
		}
	}
	return ordered, nil
}

func (o *ACME) template() (certmagic.ACMEIssuer, error) {
	t := certmagic.ACMEIssuer{
		CA: o.Directory, Email: o.Email, Agreed: true, DisableHTTPChallenge: o.HTTP == "", Logger: zap.NewNop(),
	}
	var err error
	if t.ListenHost, t.AltTLSALPNPort, err = hostAndPort(o.Address.String()); err != nil {
		return t, err
	}
	if o.HTTP != "" {
		if _, t.AltHTTPPort, err = hostAndPort(o.HTTP); err != nil {
			return t, fmt.Errorf("the setting acme.http: %w", err)
		}
	}
	if o.CAFile != "" {
		content, err := readFile(o.CAFile)
		if err != nil {
			return t, fmt.Errorf("reading who signs the certificate of the ACME directory: %w", err)
		}
		t.TrustedRoots = x509.NewCertPool()
		if !t.TrustedRoots.AppendCertsFromPEM(content) {
			return t, fmt.Errorf("%s holds no certificate in PEM form", o.CAFile)
		}
	}
	return t, nil
}

func hostAndPort(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err == nil {
		port, err = strconv.Atoi(text)
	}
	return host, port, err
}

// missing is where the client keeps things before the database is open: nowhere.
type missing struct{ certmagic.Storage }

func (missing) Load(context.Context, string) ([]byte, error) { return nil, fs.ErrNotExist }

// open takes the certificate that is in the database, if any; another is ordered by look.
func (a *acme) open(ctx context.Context, st *store.Store, now time.Time) (*tls.Certificate, error) {
	fallback, err := a.self.open(ctx, st.Settings, now)
	if err != nil {
		return nil, err
	}
	a.shelf = newShelf(st, a.key)
	a.magic.Storage = a.shelf
	failed, err := a.read(ctx)
	a.reading.tell(err)
	a.note(failed)
	return fallback, nil
}

// look orders a certificate when one is needed and the last failure is long enough ago. What it gives is self's.
func (a *acme) look(ctx context.Context, now time.Time) *tls.Certificate {
	fallback := a.self.look(ctx, now)
	failed, err := a.read(ctx)
	if ctx.Err() != nil {
		return fallback
	}
	if a.reading.tell(err); err != nil {
		return fallback
	}
	if a.reason(now) != reissueNone && !now.Before(failed.next()) {
		failed, err = a.order(ctx, now)
		if ctx.Err() != nil {
			return fallback
		}
		a.ordering.tell(err)
	}
	a.note(failed)
	return fallback
}

func (a *acme) reason(now time.Time) reissue {
	current := a.current.Load()
	if current == nil {
		return orderReason(nil, a.names, now)
	}
	return orderReason(current.Leaf, a.names, now)
}

// note makes what is known what the status shows.
func (a *acme) note(failed failure) {
	s := &api.CertificateStatus{Names: a.names, Problem: failed.Error, NextTry: api.TimeOf(failed.next())}
	if current := a.current.Load(); current != nil {
		s.NotAfter = api.TimeOf(current.Leaf.NotAfter)
	} else if s.Problem == "" {
		s.Problem = "none was ordered yet"
	}
	a.state.Store(s)
}

// The keys of what is kept of each authority, beside what the client keeps.
func (a *acme) certificateKey() string { return "watchkeeper/" + a.issuer.IssuerKey() + "/certificate" }
func (a *acme) failureKey() string     { return "watchkeeper/" + a.issuer.IssuerKey() + "/failure" }

// ordered is a certificate as it is kept, both in PEM.
type ordered struct {
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
}

// read takes over the certificate that this or another server has ordered, and gives what failed since.
func (a *acme) read(ctx context.Context) (failure, error) {
	var failed failure
	plain, err := a.shelf.Load(ctx, a.failureKey())
	if err == nil {
		err = json.Unmarshal(plain, &failed)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failed, err
	}
	plain, err = a.shelf.Load(ctx, a.certificateKey())
	if errors.Is(err, fs.ErrNotExist) || err == nil && string(plain) == string(a.stored) {
		return failed, nil
	}
	if err != nil {
		return failed, err
	}
	var kept ordered
	if err := json.Unmarshal(plain, &kept); err != nil {
		return failed, err
	}
	next, err := tls.X509KeyPair([]byte(kept.Certificate), []byte(kept.Key))
	if err != nil {
		return failed, err
	}
	a.stored = plain
	a.current.Store(&next)
	a.log.Info("took an ordered certificate", "names", covered(next.Leaf).dns, "until", next.Leaf.NotAfter)
	return failed, nil
}

// order gets a certificate, unless another server has done so, or failed to, while this one waited for its turn.
func (a *acme) order(ctx context.Context, now time.Time) (failed failure, err error) {
	ctx, cancel := context.WithTimeout(ctx, orderTime)
	defer cancel()
	if err := a.shelf.Lock(ctx, "order"); err != nil {
		return failed, err
	}
	defer func() { err = errors.Join(err, a.shelf.Unlock(ctx, "order")) }()
	if failed, err = a.read(ctx); err != nil || a.reason(now) == reissueNone || now.Before(failed.next()) {
		return failed, err
	}
	a.log.Info("ordering a certificate", "reason", string(a.reason(now)), "names", a.names, "directory", a.issuer.CA)
	err = a.issue(ctx)
	if err == nil {
		if _, err = a.read(ctx); err == nil && a.reason(now) != reissueNone {
			err = errors.New("what was issued is not good by the clock of this server") // or it would be ordered again at once
		}
	}
	switch {
	case err == nil:
		return failure{}, a.shelf.Delete(ctx, a.failureKey())
	case errors.Is(err, context.Canceled):
		return failed, err
	}
	failed = failure{Count: failed.Count + 1, At: now.UnixMilli(), Error: oneLine(err)}
	plain, marshalErr := json.Marshal(failed)
	// The time for the order may be over, and what came of it is worth keeping all the same.
	keep, done := context.WithTimeout(context.WithoutCancel(ctx), lockLeave)
	defer done()
	return failed, errors.Join(err, marshalErr, a.shelf.Store(keep, a.failureKey(), plain))
}

func oneLine(err error) string {
	return api.CutText(api.CleanText(strings.Join(strings.Fields(err.Error()), " ")), maxOrderError)
}

// issue orders a certificate for all names and keeps it.
func (a *acme) issue(ctx context.Context) error {
	key, err := newKey()
	if err != nil {
		return err
	}
	request, err := newRequest(a.names, key)
	if err != nil {
		return err
	}
	if err := a.issuer.PreCheck(ctx, a.names, false); err != nil {
		return err
	}
	issued, err := a.issuer.Issue(ctx, request)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("writing the key: %w", err)
	}
	plain, err := json.Marshal(ordered{
		Certificate: string(issued.Certificate), Key: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		return err
	}
	return a.shelf.Store(ctx, a.certificateKey(), plain)
}

// certificate gives what a client is shown: the ordered one to who asks for one of its names.
func (a *acme) certificate(hello *tls.ClientHelloInfo, now time.Time) *tls.Certificate {
	current := a.current.Load()
	if current == nil || !now.Before(current.Leaf.NotAfter) || hello.ServerName == "" || current.Leaf.VerifyHostname(hello.ServerName) != nil {
		return nil
	}
	return current
}

// challengeProtocol is what an authority speaks to see whether a name is ours (RFC 8737).
const challengeProtocol = "acme-tls/1"

// configFor gives the settings for a connection of an authority that looks at a challenge, nil for all others.
func (a *acme) configFor(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	if !slices.Equal(hello.SupportedProtos, []string{challengeProtocol}) {
		return nil, nil
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{challengeProtocol}, GetCertificate: a.magic.GetCertificate,
	}, nil
}

// serveChallenges answers at the address of plain HTTP until it is closed, and sends browsers to the port of TLS.
func (a *acme) serveChallenges() error {
	elsewhere := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "this port only leads to https", http.StatusNotFound)
			return
		}
		http.Redirect(w, r, a.redirect+r.URL.EscapedPath(), http.StatusFound)
	})
	s := &http.Server{
		Handler: a.issuer.HTTPChallengeHandler(elsewhere), ReadTimeout: headTime, WriteTimeout: headTime, IdleTimeout: headTime,
		MaxHeaderBytes: maxHead, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	if err := s.Serve(a.challenge); !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("answering challenges in plain HTTP: %w", err)
	}
	return s.Close()
}

func (a *acme) close() error {
	a.cache.Stop()
	if a.challenge == nil {
		return nil
	}
	if err := a.challenge.Close(); !errors.Is(err, net.ErrClosed) { // as when challenges were answered
		return err
	}
	return nil
}
