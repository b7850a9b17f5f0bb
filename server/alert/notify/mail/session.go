package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/textproto"
	"strings"

	"github.com/wneessen/go-mail/smtp"

	"watchkeeper/server/alert/notify"
)

// maxConversation bounds what a server may say, TLS included. A conversation is some kilobytes.
const maxConversation = 1 << 20

// envelope is a message as a server takes it.
type envelope struct {
	from *netmail.Address
	to   []*netmail.Address
	raw  []byte
}

// step is where in the conversation something failed, for people.
type step string

const (
	stepConnect step = "connecting"
	stepGreet   step = "greeting"
	stepTLS     step = "STARTTLS"
	stepLogin   step = "signing in"
	stepFrom    step = "sender"
	stepTo      step = "recipient"
	stepData    step = "message"
)

// deliver has one conversation with the server, and no part of it outlives ctx: when ctx ends the connection is closed
// under the library, which knows deadlines for single reads only, and those a slow server renews with every byte.
func (c *channel) deliver(ctx context.Context, e envelope) (string, error) {
	receipt, at, err := c.converse(ctx, e)
	if err == nil {
		return receipt, nil
	}
	if ctx.Err() != nil {
		err = ctx.Err() // the cause; what the closed connection says is its effect
	}
	return "", c.failure(at, err)
}

func (c *channel) converse(ctx context.Context, e envelope) (receipt string, at step, err error) {
	raw, err := c.dialer.DialContext(ctx, "tcp", c.server.address())
	if err != nil {
		return "", stepConnect, err
	}
	defer func() { _ = raw.Close() }()
	defer context.AfterFunc(ctx, func() { _ = raw.Close() })()

	conn := net.Conn(&boundedConn{Conn: raw, left: maxConversation})
	if c.server.encryption == implicit {
		secured := tls.Client(conn, c.tls)
		if err := secured.HandshakeContext(ctx); err != nil {
			return "", stepConnect, err
		}
		conn = secured
	}
	client, err := smtp.NewClient(conn, c.server.host)
	if err != nil {
		return "", stepGreet, err
	}
	if at, err := c.open(client); err != nil {
		return "", at, err
	}
	receipt, at, err = send(client, e)
	if err == nil {
		// Its answer is not waited for: the message is taken, whatever the server says now.
		_, _ = client.Text.Cmd("QUIT")
	}
	return receipt, at, err
}

// open greets, encrypts and signs in.
func (c *channel) open(client *smtp.Client) (step, error) {
	// Our addresses are ASCII. Asking for UTF-8 would make servers on the way return what they could have passed on.
	client.SkipSMTPUTF8(true)
	if err := client.Hello(c.hello); err != nil {
		return stepGreet, err
	}
	if at, err := c.secure(client); err != nil {
		return at, err
	}
	if c.server.user == "" {
		return "", nil
	}
	return stepLogin, c.logIn(client)
}

func (c *channel) secure(client *smtp.Client) (step, error) {
	has, _ := client.Extension("STARTTLS")
	switch {
	case c.server.encryption == off, c.server.encryption == implicit:
		return "", nil
	case !has && c.server.encryption == required:
		return stepTLS, errNoTLS
	case !has:
		return "", nil
	}
	return stepTLS, client.StartTLS(c.tls)
}

var (
	errNoTLS     = errors.New("the server does not offer encryption, which starttls=required asks for")
	errClear     = errors.New("the server does not offer encryption, and a password is not sent in the clear unless starttls=off")
	errNoLogin   = errors.New("the server lets nobody sign in on this port")
	errMechanism = errors.New("the server has no way to sign in that is known here")
)

func (c *channel) logIn(client *smtp.Client) error {
	has, ways := client.Extension("AUTH")
	_, encrypted := client.TLSConnectionState()
	switch {
	case !c.server.mayLogIn(encrypted):
		return errClear
	case !has:
		return errNoLogin
	}
	user, password, host := c.server.user, c.server.password, c.server.host
	// Those that do not show the server the password first. What is allowed without encryption was decided above.
	mechanisms := []struct {
		name string
		auth smtp.Auth
	}{
		{"SCRAM-SHA-256", smtp.ScramSHA256Auth(user, password)},
		{"SCRAM-SHA-1", smtp.ScramSHA1Auth(user, password)},
		{"CRAM-MD5", smtp.CRAMMD5Auth(user, password)},
		{"PLAIN", smtp.PlainAuth("", user, password, host, true)},
		{"LOGIN", smtp.LoginAuth(user, password, host, true)},
	}
	for _, m := range mechanisms {
		if containsWord(ways, m.name) {
			return client.Auth(m.auth)
		}
	}
	return errMechanism
}

func containsWord(text, word string) bool {
	for candidate := range strings.FieldsSeq(text) {
		if strings.EqualFold(candidate, word) {
			return true
		}
	}
	return false
}

// send goes on with the recipients that the server takes, and fails only when it takes none.
func send(client *smtp.Client, e envelope) (receipt string, at step, err error) {
	if err := client.Mail(path(e.from)); err != nil {
		return "", stepFrom, err
	}
	var refused []string
	var worst error
	for _, to := range e.to {
		err := client.Rcpt(path(to))
		if code := replyCode(err); err != nil && code == 0 {
			return "", stepTo, err
		}
		if err != nil {
			refused = append(refused, to.Address+": "+said(err))
			worst = lessFinal(worst, err)
		}
	}
	if len(refused) == len(e.to) {
		return "", stepTo, worst
	}
	data, err := client.Data()
	if err != nil {
		return "", stepData, err
	}
	if _, err := data.Write(e.raw); err != nil {
		return "", stepData, err
	}
	if err := data.Close(); err != nil {
		return "", stepData, err
	}
	if closer, ok := data.(*smtp.DataCloser); ok {
		receipt = closer.ServerResponse()
	}
	if len(refused) > 0 {
		receipt += "; refused: " + strings.Join(refused, "; ")
	}
	return receipt, "", nil
}

// lessFinal keeps a refusal that may pass rather than one that will not, so that the message is tried again.
func lessFinal(a, b error) error {
	if a == nil || replyCode(a) >= 500 && replyCode(b) < 500 {
		return b
	}
	return a
}

// replyCode gives the code of a server's refusal, 0 for any other error.
func replyCode(err error) int {
	var reply *textproto.Error
	if errors.As(err, &reply) {
		return reply.Code
	}
	return 0
}

// said gives a refusal as the server wrote it, and the text of any other error.
func said(err error) string {
	var reply *textproto.Error
	if errors.As(err, &reply) {
		return fmt.Sprintf("%d %s", reply.Code, reply.Msg)
	}
	return err.Error()
}

// failure says what an error means for further attempts. By SMTP's own rule a 4xx passes and a 5xx does not. Signing in
// is the exception: servers are known to answer 535 while their directory of users is away or a password was just
// changed, so it is tried a few times more, but not for hours, which would lock the account.
func (c *channel) failure(at step, err error) *notify.Failure {
	// The second is what PLAIN sends in base64, which servers repeat when they do not know the command.
	secrets := notify.Secrets{c.server.password, "\x00" + c.server.user + "\x00" + c.server.password}
	code := replyCode(err)
	persistence := notify.Persist
	switch {
	case at == stepLogin && (code >= 500 || code == 0 && !isConnection(err)):
		persistence = notify.TryFew
	case code >= 500:
		persistence = notify.GiveUp
	case errors.Is(err, errNoTLS):
		persistence = notify.TryFew
	}
	if code == 0 && isConnection(err) {
		f := notify.FailConnection(err)
		f.Answer = secrets.Clean(fmt.Sprintf("%s (%s): %s", c.server.address(), at, f.Answer))
		return f
	}
	text := secrets.Clean(fmt.Sprintf("%s (%s): %s", c.server.address(), at, said(err)))
	return notify.Fail(persistence, text, err)
}

// isConnection tells trouble of the connection from what we decided ourselves.
func isConnection(err error) bool {
	for _, own := range []error{errNoTLS, errClear, errNoLogin, errMechanism, errTooMuch} {
		if errors.Is(err, own) {
			return false
		}
	}
	return true
}

var errTooMuch = errors.New("the server says more than a mail server has to say")

// boundedConn ends a conversation in which the other side says too much: the library reads lines of any length.
type boundedConn struct {
	net.Conn
	left int
}

// Read reads until the bound.
func (c *boundedConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooMuch
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}
