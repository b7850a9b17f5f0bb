package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	netmail "net/mail"
	"strings"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/dial"
)

// Kind gives the settings of mail channels and how one is made.
func Kind() notify.Kind {
	return notify.Kind{
		Settings: []notify.Setting{
			{Name: "url", Secrecy: notify.Secret, Doc: "smtp://user:password@host:port or smtps://...; default: WATCHKEEPER_SMTP_URL"},
			{Name: "from", Secrecy: notify.Public, Doc: "sender's address; default: WATCHKEEPER_SMTP_FROM"},
			{Name: "to", Secrecy: notify.Public, Doc: "addresses, separated by commas; without them each target is one"},
			{Name: "starttls", Secrecy: notify.Public, Doc: "offered (default), required or off; smtps needs none"},
			{Name: "hello", Secrecy: notify.Public, Doc: "the name by which we greet the server; default: this machine's"},
		},
		New: newChannel,
	}
}

type channel struct {
	server server
	from   *netmail.Address
	to     string
	hello  string
	tls    *tls.Config
	dialer *dial.Dialer
}

var _ notify.Channel = (*channel)(nil)

func newChannel(o notify.Options) (notify.Channel, error) {
	c := &channel{to: o.Settings["to"], hello: helloName(o.Settings["hello"], o.Defaults.Hostname), dialer: o.Dialer}
	var fields api.Fields
	where := o.Settings["url"]
	if where == "" {
		where = o.Defaults.SMTPURL
	}
	var err error
	if where == "" {
		fields.Add(notify.SettingAt("url"), "is missing, and WATCHKEEPER_SMTP_URL is not set either")
	} else if c.server, err = parseServer(where, o.Settings["starttls"]); err != nil {
		fields.Add(notify.SettingAt("url"), "%s", err)
	}
	if c.from, err = parseSender(sender(o, c.server.user)); err != nil {
		fields.Add(notify.SettingAt("from"), "%s", err)
	}
	if _, err := parseRecipients(c.to); c.to != "" && err != nil {
		fields.Add(notify.SettingAt("to"), "%s", err)
	}
	if err := fields.Err(); err != nil {
		return nil, err
	}
	if c.from.Name == "" {
		c.from.Name = "Watchkeeper"
	}
	c.tls = c.server.tlsConfig(o.Defaults.RootCAs)
	return c, nil
}

// sender gives who a mail comes from: as set, else the one who signs in, else this machine.
func sender(o notify.Options, user string) string {
	for _, candidate := range []string{o.Settings["from"], o.Defaults.SMTPFrom} {
		if candidate != "" {
			return candidate
		}
	}
	if strings.Contains(user, "@") {
		return user
	}
	return "watchkeeper@" + helloName(o.Defaults.Hostname)
}

// helloName gives the first candidate that can be a name of a machine.
func helloName(candidates ...string) string {
	for _, name := range candidates {
		if name != "" && len(name) <= 253 && strings.Trim(name, hostLetters) == "" {
			return name
		}
	}
	return "localhost"
}

const hostLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"

// ValidateTarget takes one or more mail addresses, separated by commas.
func (c *channel) ValidateTarget(target string) error {
	_, err := c.recipients(target)
	return err
}

func (c *channel) recipients(target string) ([]*netmail.Address, error) {
	to, err := notify.Recipient(c.to, target)
	if err != nil {
		return nil, err
	}
	return parseRecipients(to)
}

// Send hands the message to the server. Of several recipients it is enough that the server takes one: the receipt names
// those that it refused. Whoever must know of each gives each a channel or target of their own.
func (c *channel) Send(ctx context.Context, target string, m *notify.Message) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, notify.SendTimeout)
	defer cancel()
	to, err := c.recipients(target)
	if err != nil {
		return "", notify.Fail(notify.GiveUp, err.Error(), err)
	}
	var raw bytes.Buffer
	message, err := compose(m, c.from, to)
	if err == nil {
		_, err = message.WriteTo(&raw)
	}
	if err != nil {
		return "", notify.Fail(notify.GiveUp, "the message cannot be written as mail", err)
	}
	return c.deliver(ctx, envelope{from: c.from, to: to, raw: raw.Bytes()})
}
