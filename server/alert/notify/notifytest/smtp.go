package notifytest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Encryption is what a mail server offers.
type Encryption string

// What a mail server offers.
const (
	NoTLS       Encryption = ""
	StartTLS    Encryption = "starttls"
	ImplicitTLS Encryption = "implicit"
)

// Step is a place in the conversation where a mail server may misbehave.
type Step string

// The steps.
const (
	StepGreeting Step = "greeting" // when the connection is accepted
	StepHello    Step = "hello"
	StepAuth     Step = "auth"
	StepMail     Step = "mail"
	StepRcpt     Step = "rcpt"
	StepData     Step = "data" // after the content was read, before it is answered
)

// SMTPOptions says what kind of mail server to start.
type SMTPOptions struct {
	Encryption     Encryption
	User, Password string // asked for before a mail is taken, where not empty
	// InsecureAuth lets clients sign in without encryption.
	InsecureAuth bool
	// Mechanisms are the ways to sign in that are offered: PLAIN and LOGIN where none are given.
	Mechanisms []string
}

// Refusal is what a mail server says instead of taking something.
type Refusal struct {
	Code int // 421 hangs up, too
	Text string
	// Recipient limits a refusal at StepRcpt to one address.
	Recipient string
	// Drop hangs up without a word.
	Drop bool
}

// SMTP is a mail server that keeps what it took. It ends with the test.
type SMTP struct {
	options     SMTPOptions
	certificate certificate
	listener    *listener
	inbox       *inbox[Mail]

	mu       sync.Mutex
	refusals map[Step][]Refusal
}

// StartSMTP starts a mail server on a port of its own.
func StartSMTP(tb testing.TB, o SMTPOptions) *SMTP {
	tb.Helper()
	s := &SMTP{
		options: o, certificate: newCertificate(tb), inbox: newInbox[Mail](), refusals: map[Step][]Refusal{},
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s.listener = newListener(plain, s)
	server := smtp.NewServer(smtp.BackendFunc(s.session))
	server.Domain = "notifytest"
	server.ErrorLog = log.New(io.Discard, "", 0)
	server.AllowInsecureAuth = o.InsecureAuth
	server.EnableSMTPUTF8 = true
	config := &tls.Config{Certificates: []tls.Certificate{s.certificate.tls}, MinVersion: tls.VersionTLS12}
	serving := net.Listener(s.listener)
	switch o.Encryption {
	case StartTLS:
		server.TLSConfig = config
	case ImplicitTLS:
		serving = tls.NewListener(s.listener, config)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(serving)
	}()
	tb.Cleanup(func() {
		_ = server.Close()
		s.listener.stop()
		<-done
	})
	return s
}

// Addr gives host and port.
func (s *SMTP) Addr() string { return s.listener.Addr().String() }

// URL gives the server's URL as settings have it, with user and password.
func (s *SMTP) URL() string {
	u := url.URL{Scheme: "smtp", Host: s.Addr()}
	if s.options.Encryption == ImplicitTLS {
		u.Scheme = "smtps"
	}
	if s.options.User != "" {
		u.User = url.UserPassword(s.options.User, s.options.Password)
	}
	return u.String()
}

// Pool trusts the server's certificate.
func (s *SMTP) Pool() *x509.CertPool { return s.certificate.pool }

// CertificatePEM gives the certificate, for programs that are told whom to trust by a file.
func (s *SMTP) CertificatePEM() []byte { return s.certificate.pem }

// Refuse makes the server refuse at a step, once for each refusal, in their order.
func (s *SMTP) Refuse(at Step, refusals ...Refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals[at] = append(s.refusals[at], refusals...)
}

// Slow makes the server wait before each byte that it sends from now on; 0 makes it quick again.
func (s *SMTP) Slow(wait time.Duration) { s.listener.slow.Store(int64(wait)) }

// Connections counts the connections that were ever accepted.
func (s *SMTP) Connections() int { return int(s.listener.accepted.Load()) }

// Mails gives what the server took, in that order.
func (s *SMTP) Mails() []Mail { return s.inbox.all() }

// Wait gives what the server took as soon as it is n mails or more.
func (s *SMTP) Wait(ctx context.Context, n int) ([]Mail, error) { return s.inbox.wait(ctx, n) }

// next takes the next refusal for a step, if there is one for the recipient.
func (s *SMTP) next(at Step, recipient string) (Refusal, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, r := range s.refusals[at] {
		if r.Recipient == "" || r.Recipient == recipient {
			s.refusals[at] = append(s.refusals[at][:i:i], s.refusals[at][i+1:]...)
			return r, true
		}
	}
	return Refusal{}, false
}

// refuse gives the error with which a step ends, nil to go on.
func (s *SMTP) refuse(at Step, recipient string, conn net.Conn) error {
	r, ok := s.next(at, recipient)
	switch {
	case !ok:
		return nil
	case r.Drop:
		_ = conn.Close()
		return io.ErrUnexpectedEOF
	}
	return &smtp.SMTPError{Code: r.Code, EnhancedCode: smtp.NoEnhancedCode, Message: r.Text}
}

func (s *SMTP) session(c *smtp.Conn) (smtp.Session, error) {
	if err := s.refuse(StepHello, "", c.Conn()); err != nil {
		return nil, err
	}
	return &session{server: s, conn: c}, nil
}

// session is one conversation.
type session struct {
	server *SMTP
	conn   *smtp.Conn
	user   string
	mail   Mail
}

var _ smtp.AuthSession = (*session)(nil)

// AuthMechanisms offers to sign in where there is a user.
func (c *session) AuthMechanisms() []string {
	if c.server.options.User == "" {
		return nil
	}
	if len(c.server.options.Mechanisms) > 0 {
		return c.server.options.Mechanisms
	}
	return []string{sasl.Plain, sasl.Login}
}

// Auth checks user and password.
func (c *session) Auth(mechanism string) (sasl.Server, error) {
	check := func(user, password string) error {
		if err := c.server.refuse(StepAuth, "", c.conn.Conn()); err != nil {
			return err
		}
		if user != c.server.options.User || password != c.server.options.Password {
			return smtp.ErrAuthFailed
		}
		c.user = user
		return nil
	}
	switch mechanism {
	case sasl.Plain:
		return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
	case sasl.Login:
		return &loginServer{check: check}, nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

// loginServer is the other side of LOGIN, which the library has for clients only.
type loginServer struct {
	check func(user, password string) error
	user  *string
}

// Next asks for the user, then for the password.
func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	switch text := string(response); {
	case response == nil:
		return []byte("Username:"), false, nil
	case l.user == nil:
		l.user = &text
		return []byte("Password:"), false, nil
	default:
		return nil, true, l.check(*l.user, text)
	}
}

// Mail takes the sender.
func (c *session) Mail(from string, _ *smtp.MailOptions) error {
	if c.server.options.User != "" && c.user == "" {
		return smtp.ErrAuthRequired
	}
	c.mail = Mail{From: from}
	return c.server.refuse(StepMail, "", c.conn.Conn())
}

// Rcpt takes a recipient.
func (c *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := c.server.refuse(StepRcpt, to, c.conn.Conn()); err != nil {
		return err
	}
	c.mail.To = append(c.mail.To, to)
	return nil
}

// Data takes the content.
func (c *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := c.server.refuse(StepData, "", c.conn.Conn()); err != nil {
		return err
	}
	c.mail.Raw, c.mail.User = raw, c.user
	_, c.mail.TLS = c.conn.TLSConnectionState()
	if err := c.mail.parse(); err != nil {
		return errors.Join(&smtp.SMTPError{Code: 554, Message: "not a mail"}, err)
	}
	c.server.inbox.add(c.mail)
	return nil
}

// Reset forgets the mail that was begun.
func (c *session) Reset() { c.mail = Mail{} }

// Logout ends the conversation.
func (c *session) Logout() error { return nil }
