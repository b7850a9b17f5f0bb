package mail

import (
	"context"
	"crypto/x509"
	"net"
	"strings"
	"testing"
	"time"

	"watchkeeper/server/alert/notify"
	"watchkeeper/server/alert/notify/notifytest"
	"watchkeeper/server/dial"
)

func TestConversations(t *testing.T) {
	for name, test := range map[string]struct {
		server   notifytest.SMTPOptions
		settings map[string]string
		tls      bool
		user     string
	}{
		"plain":                 {server: notifytest.SMTPOptions{}},
		"STARTTLS offered":      {server: notifytest.SMTPOptions{Encryption: notifytest.StartTLS}, tls: true},
		"STARTTLS refused":      {notifytest.SMTPOptions{Encryption: notifytest.StartTLS}, map[string]string{"starttls": "off"}, false, ""},
		"STARTTLS required":     {notifytest.SMTPOptions{Encryption: notifytest.StartTLS}, map[string]string{"starttls": "required"}, true, ""},
		"smtps":                 {server: notifytest.SMTPOptions{Encryption: notifytest.ImplicitTLS}, tls: true},
		"smtps, signed in":      {server: notifytest.SMTPOptions{Encryption: notifytest.ImplicitTLS, User: "me", Password: "p@:/ß%"}, tls: true, user: "me"},
		"STARTTLS, signed in":   {server: notifytest.SMTPOptions{Encryption: notifytest.StartTLS, User: "me", Password: "hunter2"}, tls: true, user: "me"},
		"signed in by LOGIN":    {server: notifytest.SMTPOptions{Encryption: notifytest.StartTLS, User: "me", Password: "hunter2", Mechanisms: []string{"LOGIN"}}, tls: true, user: "me"},
		"in the clear, trusted": {notifytest.SMTPOptions{User: "me", Password: "hunter2", InsecureAuth: true}, map[string]string{"starttls": "off"}, false, "me"},
	} {
		t.Run(name, func(t *testing.T) {
			s := notifytest.StartSMTP(t, test.server)
			receipt, err := sending(t, s, test.settings).Send(t.Context(), "me@example.org, Other <other@example.org>", sample("opened"))
			if err != nil || !strings.Contains(receipt, "OK") {
				t.Fatalf("receipt %q, %v", receipt, err)
			}
			mails := s.Mails()
			if len(mails) != 1 {
				t.Fatalf("%d mails", len(mails))
			}
			m := mails[0]
			if m.From != "wk@example.org" || strings.Join(m.To, " ") != "me@example.org other@example.org" {
				t.Errorf("envelope from %s to %v", m.From, m.To)
			}
			if m.TLS != test.tls || m.User != test.user {
				t.Errorf("encrypted %v, signed in as %q; want %v, %q", m.TLS, m.User, test.tls, test.user)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	type refusal = notifytest.Refusal
	signedIn := notifytest.SMTPOptions{Encryption: notifytest.StartTLS, User: "me", Password: "hunter2"}
	for name, test := range map[string]struct {
		at          notifytest.Step
		refusal     refusal
		persistence notify.Persistence
		text        string
	}{
		"greeting, passing":  {notifytest.StepGreeting, refusal{Code: 421, Text: "busy"}, notify.Persist, "(greeting): 421 busy"},
		"greeting, final":    {notifytest.StepGreeting, refusal{Code: 554, Text: "go away"}, notify.GiveUp, "(greeting): 554 go away"},
		"greeting, silence":  {notifytest.StepGreeting, refusal{Drop: true}, notify.Persist, "(greeting): the connection was closed"},
		"hello":              {notifytest.StepHello, refusal{Drop: true}, notify.Persist, "(greeting): the connection was closed"},
		"sign in, passing":   {notifytest.StepAuth, refusal{Code: 454, Text: "directory away"}, notify.Persist, "(signing in): 454"},
		"sign in, wrong":     {notifytest.StepAuth, refusal{Code: 535, Text: "hunter2 is wrong"}, notify.TryFew, "(signing in): 535 *** is wrong"},
		"sign in, silence":   {notifytest.StepAuth, refusal{Drop: true}, notify.Persist, "(signing in): the connection was closed"},
		"sender, passing":    {notifytest.StepMail, refusal{Code: 451, Text: "later"}, notify.Persist, "(sender): 451"},
		"sender, final":      {notifytest.StepMail, refusal{Code: 550, Text: "not you"}, notify.GiveUp, "(sender): 550 not you"},
		"recipient, passing": {notifytest.StepRcpt, refusal{Code: 450, Text: "greylisted"}, notify.Persist, "(recipient): 450"},
		"recipient, final":   {notifytest.StepRcpt, refusal{Code: 550, Text: "no such user"}, notify.GiveUp, "(recipient): 550 no such user"},
		"recipient, silence": {notifytest.StepRcpt, refusal{Drop: true}, notify.Persist, "(recipient): the connection was closed"},
		"message, passing":   {notifytest.StepData, refusal{Code: 452, Text: "disk full"}, notify.Persist, "(message): 452"},
		"message, final":     {notifytest.StepData, refusal{Code: 554, Text: "spam"}, notify.GiveUp, "(message): 554 spam"},
		"message, silence":   {notifytest.StepData, refusal{Drop: true}, notify.Persist, "(message): the connection was closed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := notifytest.StartSMTP(t, signedIn)
			c := sending(t, s, nil)
			s.Refuse(test.at, test.refusal)
			_, err := c.Send(t.Context(), "me@example.org", sample("opened"))
			wantFailure(t, err, test.persistence, test.text)
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%q shows the password", err)
			}
			// The next attempt finds nothing of this one in its way.
			if _, err := c.Send(t.Context(), "me@example.org", sample("opened")); err != nil {
				t.Errorf("the next attempt: %v", err)
			}
			if n := len(s.Mails()); n != 1 {
				t.Errorf("%d mails, want the one of the next attempt", n)
			}
		})
	}
}

func TestOneOfSeveralRecipientsIsRefused(t *testing.T) {
	type refusal = notifytest.Refusal
	s := notifytest.StartSMTP(t, notifytest.SMTPOptions{})
	c := sending(t, s, map[string]string{"to": "a@example.org, b@example.org"})
	s.Refuse(notifytest.StepRcpt, refusal{Code: 550, Text: "no such user", Recipient: "a@example.org"})
	receipt, err := c.Send(t.Context(), "", sample("opened"))
	if err != nil || !strings.Contains(receipt, "a@example.org: 550 no such user") {
		t.Fatalf("receipt %q, %v", receipt, err)
	}
	if mails := s.Mails(); len(mails) != 1 || strings.Join(mails[0].To, " ") != "b@example.org" {
		t.Errorf("mails %v", mails)
	}
	// All are refused, one of them only for now: it is worth while to try again.
	s.Refuse(notifytest.StepRcpt, refusal{Code: 550, Text: "no such user"}, refusal{Code: 451, Text: "later"})
	_, err = c.Send(t.Context(), "", sample("opened"))
	wantFailure(t, err, notify.Persist, "451 later")
}

// far makes a channel to a server that it does not take for this machine, and which nobody trusts.
func far(t *testing.T, s *notifytest.SMTP, user, starttls string) notify.Channel {
	t.Helper()
	made, err := newChannel(notify.Options{
		Settings: map[string]string{"url": "smtp://" + user + s.Addr(), "starttls": starttls, "from": "wk@example.org"},
		Dialer:   dial.New(dial.AllowPrivate),
	})
	if err != nil {
		t.Fatal(err)
	}
	c := made.(*channel)
	c.server.local = false
	c.tls = c.server.tlsConfig(x509.NewCertPool())
	return c
}

func TestPasswordGoesOnlyWhereItMay(t *testing.T) {
	type options = notifytest.SMTPOptions
	for name, test := range map[string]struct {
		server         options
		user, starttls string
		text           string
	}{
		"no encryption":           {options{User: "me", Password: "hunter2", InsecureAuth: true}, "me:hunter2@", "", "not sent in the clear"},
		"no encryption, required": {options{}, "", "required", "does not offer encryption"},
		"nobody signs in":         {options{}, "me:hunter2@", "off", "lets nobody sign in"},
		"no way that is known":    {options{User: "me", InsecureAuth: true, Mechanisms: []string{"GSSAPI"}}, "me:hunter2@", "off", "no way to sign in"},
	} {
		t.Run(name, func(t *testing.T) {
			s := notifytest.StartSMTP(t, test.server)
			_, err := far(t, s, test.user, test.starttls).Send(t.Context(), "me@example.org", sample("opened"))
			wantFailure(t, err, notify.TryFew, test.text)
			if len(s.Mails()) > 0 {
				t.Error("the mail went out")
			}
		})
	}
}

func TestCertificates(t *testing.T) {
	type options = notifytest.SMTPOptions
	for name, test := range map[string]struct {
		server         options
		user, starttls string
		ok             bool
	}{
		"password for a stranger":    {options{Encryption: notifytest.StartTLS, User: "me", Password: "hunter2"}, "me:hunter2@", "", false},
		"no password for a stranger": {options{Encryption: notifytest.StartTLS}, "", "", true},
		"required of a stranger":     {options{Encryption: notifytest.StartTLS}, "", "required", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := notifytest.StartSMTP(t, test.server)
			_, err := far(t, s, test.user, test.starttls).Send(t.Context(), "me@example.org", sample("opened"))
			if !test.ok {
				wantFailure(t, err, notify.Persist, "(STARTTLS): the certificate is not trusted")
			} else if err != nil || !s.Mails()[0].TLS {
				t.Errorf("mails %v, %v", s.Mails(), err)
			}
		})
	}
}

func TestServerThatTakesItsTime(t *testing.T) {
	s := notifytest.StartSMTP(t, notifytest.SMTPOptions{})
	c := sending(t, s, nil)
	s.Slow(20 * time.Millisecond) // a greeting alone takes a second
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := c.Send(ctx, "me@example.org", sample("opened"))
	wantFailure(t, err, notify.Persist, "no answer in time")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the attempt took %v", took)
	}
	s.Slow(time.Microsecond)
	if _, err := c.Send(t.Context(), "me@example.org", sample("opened")); err != nil {
		t.Errorf("byte by byte, but in time: %v", err)
	}
}

func TestServerThatNeverStopsTalking(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		for err == nil {
			_, err = conn.Write([]byte(strings.Repeat("220-hello", 1000)))
		}
	}()
	defer func() {
		_ = listener.Close()
		<-done
	}()
	c, err := newChannel(notify.Options{
		Settings: map[string]string{"url": "smtp://" + listener.Addr().String()}, Dialer: dial.New(dial.AllowPrivate),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Send(t.Context(), "me@example.org", sample("opened"))
	wantFailure(t, err, notify.Persist, "more than a mail server has to say")
}

func TestWhereMailMayNotGo(t *testing.T) {
	s := notifytest.StartSMTP(t, notifytest.SMTPOptions{})
	c, err := newChannel(notify.Options{Defaults: notify.Defaults{SMTPURL: s.URL()}, Dialer: dial.New(dial.RefusePrivate)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Send(t.Context(), "me@example.org", sample("opened"))
	wantFailure(t, err, notify.GiveUp, "(connecting): connecting to "+s.Addr()+" is not allowed")
	_, err = c.Send(t.Context(), "not an address", sample("opened"))
	wantFailure(t, err, notify.GiveUp, "mail addresses")
	if n := s.Connections(); n != 0 {
		t.Errorf("%d connections", n)
	}
}
