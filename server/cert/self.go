package cert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"watchkeeper/server/secret"
	"watchkeeper/server/store"
)

const (
	settingAuthority = "ca"
	purposeAuthority = "setting:" + settingAuthority
	purposeServer    = "file:" + serverFile
	lookAtMachine    = 10 * time.Second
)

// self makes the server's certificates with the authority of the database.
type self struct {
	settings *store.Settings // nil until open
	key      *secret.Key
	log      *slog.Logger
	folder   string
	asked    names
	machine  func() (Machine, error)

	authority       pair
	sealedAuthority string // as last read
	server          pair
	sealedServer    string
	shown           atomic.Pointer[Authority]

	reading, renewing, naming, issuing, writing complaint
}

func newSelf(o Options) (*self, error) {
	asked, err := parseNames(o.Names, o.PublicURL)
	if err != nil {
		return nil, err
	}
	s := &self{
		key: o.Key, log: o.Log, folder: o.Folder, asked: asked, machine: o.Machine,
		reading:  complaint{log: o.Log, what: "reading the authority"},
		renewing: complaint{log: o.Log, what: "renewing the authority"},
		naming:   complaint{log: o.Log, what: "asking for the machine's names"},
		issuing:  complaint{log: o.Log, what: "making the server's certificate"},
		writing:  complaint{log: o.Log, what: "keeping certificates in the data folder"},
	}
	if s.machine == nil {
		s.machine = ThisMachine
	}
	return s, nil
}

func (s *self) pace() time.Duration { return lookAtMachine }

// first gives the certificate of the last time while it is good, and else one of an authority that nobody keeps.
func (s *self) first(now time.Time) (*tls.Certificate, error) {
	if kept, value := s.readServer(); kept.certificate != nil && now.Before(kept.certificate.NotAfter) {
		root, err := s.readAuthority()
		if err == nil && kept.certificate.CheckSignatureFrom(root) == nil {
			s.server, s.sealedServer = kept, value
			return present(kept, root), nil
		}
	}
	m, err := s.machine()
	s.naming.tell(err)
	stopgap, err := newAuthority(now)
	if err != nil {
		return nil, err
	}
	server, err := stopgap.issue(gather(s.asked, m), now)
	if err != nil {
		return nil, err
	}
	return present(server, stopgap.certificate), nil
}

// open gives the certificate to go on with: that of the last time if it will do, else a new one.
func (s *self) open(ctx context.Context, settings *store.Settings, now time.Time) (*tls.Certificate, error) {
	s.settings = settings
	if err := s.openAuthority(ctx, now); err != nil {
		return nil, err
	}
	next := s.look(ctx, now)
	if s.server.certificate == nil {
		return nil, fmt.Errorf("making the server's certificate: %s", s.issuing.told)
	}
	if next == nil {
		next = present(s.server, s.authority.certificate)
	}
	return next, nil
}

// openAuthority gives the authority of the database. Of several servers that start on an empty one at the same time, all
// take the authority of the one that was first.
func (s *self) openAuthority(ctx context.Context, now time.Time) error {
	value, found, err := s.settings.Get(ctx, settingAuthority)
	if err != nil {
		return fmt.Errorf("reading the authority: %w", err)
	}
	if !found {
		made, err := newAuthority(now)
		if err != nil {
			return fmt.Errorf("making the authority: %w", err)
		}
		if value, err = s.seal(purposeAuthority, made); err != nil {
			return err
		}
		if value, err = s.settings.PutNew(ctx, settingAuthority, value); err != nil {
			return fmt.Errorf("keeping the authority: %w", err)
		}
	}
	return s.adopt(value)
}

func (s *self) adopt(value string) error {
	next, err := s.unseal(purposeAuthority, value)
	if err != nil {
		return fmt.Errorf("opening the authority: %w", err)
	}
	if s.authority.certificate != nil && !s.authority.key.Equal(next.key) {
		s.log.Warn("the authority was replaced; clients need the new ca.pem")
	}
	s.sealedAuthority, s.authority = value, next
	s.shown.Store(next.authority())
	return nil
}

// look gives a new certificate when one is needed, and nil when the present one will do. Trouble is told to the log and
// leaves things as they are.
func (s *self) look(ctx context.Context, now time.Time) *tls.Certificate {
	before := s.authority.certificate
	s.reading.tell(s.follow(ctx))
	if s.authority.authorityDue(now) {
		s.renewing.tell(s.renew(ctx, now))
	}
	remade, err := s.remake(now)
	s.issuing.tell(err)
	s.writing.tell(errors.Join(
		s.write(authorityFile, s.shown.Load().PEM, 0o644),
		s.write(serverFile, []byte(s.sealedServer), 0o600),
	))
	if remade || s.server.certificate != nil && s.authority.certificate != before {
		return present(s.server, s.authority.certificate)
	}
	return nil
}

// remake makes a certificate of the server if there is reason to, and reports whether it did.
func (s *self) remake(now time.Time) (bool, error) {
	m, err := s.machine()
	s.naming.tell(err)
	wanted := gather(s.asked, m)
	if err != nil && s.server.certificate != nil {
		wanted = covered(s.server.certificate)
	}
	reason := s.reason(wanted, now)
	if reason == reissueNone {
		return false, nil
	}
	next, err := s.authority.issue(wanted, now)
	if err != nil {
		return false, err
	}
	value, err := s.seal(purposeServer, next)
	if err != nil {
		return false, err
	}
	s.server, s.sealedServer = next, value
	s.log.Info("made a certificate of the server", "reason", string(reason), "until", next.certificate.NotAfter,
		"names", len(wanted.dns)+len(wanted.addresses))
	return true, nil
}

// follow takes over an authority that another server renewed, or that was replaced.
func (s *self) follow(ctx context.Context) error {
	value, found, err := s.settings.Get(ctx, settingAuthority)
	if err != nil || !found || value == s.sealedAuthority {
		return err
	}
	return s.adopt(value)
}

// renew needs no agreement with other servers that do the same: what any of them makes is for the same key, and the last
// one stays.
func (s *self) renew(ctx context.Context, now time.Time) error {
	next, err := s.authority.renewAuthority(now)
	if err != nil {
		return err
	}
	value, err := s.seal(purposeAuthority, next)
	if err != nil {
		return err
	}
	if err := s.settings.Put(ctx, settingAuthority, value); err != nil {
		return err
	}
	s.log.Info("renewed the authority; clients go on with the old ca.pem until it ends",
		"old", s.authority.certificate.NotAfter, "until", next.certificate.NotAfter)
	return s.adopt(value)
}

// reissue is why a certificate of the server is made.
type reissue string

const (
	reissueNone      reissue = ""
	reissueFirst     reissue = "there is none"
	reissueAuthority reissue = "the authority changed"
	reissueNames     reissue = "the names changed"
	reissueDue       reissue = "two thirds of its time are over"
)

func (s *self) reason(wanted names, now time.Time) reissue {
	c := s.server.certificate
	switch {
	case c == nil:
		return reissueFirst
	case !s.authority.issued(c):
		return reissueAuthority
	case !covered(c).lasting().equal(wanted.lasting()):
		return reissueNames
	case due(c, now):
		return reissueDue
	}
	return reissueNone
}

// present gives what is shown to clients. The authority goes along, so that a client which only knows its pin finds it.
func present(server pair, authority *x509.Certificate) *tls.Certificate {
	return &tls.Certificate{
		Certificate: [][]byte{server.certificate.Raw, authority.Raw},
		PrivateKey:  server.key,
		Leaf:        server.certificate,
	}
}

// readServer gives what is in the data folder, and nothing when that is of no use: it can always be made anew.
func (s *self) readServer() (kept pair, value string) {
	if s.folder == "" {
		return pair{}, ""
	}
	content, err := readFile(filepath.Join(s.folder, serverFile))
	if err != nil {
		return pair{}, ""
	}
	if kept, err = s.unseal(purposeServer, string(content)); err != nil {
		return pair{}, ""
	}
	return kept, string(content)
}

// readAuthority gives the certificate in the data folder, which anybody may have put there.
func (s *self) readAuthority() (*x509.Certificate, error) {
	content, err := readFile(filepath.Join(s.folder, authorityFile))
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, errors.New("not in PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}

func (s *self) write(name string, content []byte, mode fs.FileMode) error {
	if s.folder == "" || len(content) == 0 {
		return nil
	}
	return writeFile(filepath.Join(s.folder, name), content, mode)
}

func (s *self) seal(purpose string, p pair) (string, error) {
	plain, err := p.encode()
	if err != nil {
		return "", err
	}
	return s.key.Seal(purpose, plain)
}

func (s *self) unseal(purpose, value string) (pair, error) {
	plain, err := s.key.Open(purpose, value)
	if err != nil {
		return pair{}, err
	}
	return decodePair(plain)
}
