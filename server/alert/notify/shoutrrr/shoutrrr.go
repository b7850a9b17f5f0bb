package shoutrrr

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/types"
	"github.com/nicholas-fedor/shoutrrr/pkg/util/jsonclient"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
)

const (
	// maxText is below the lowest limit of a message among the services, Pushover's 1024 characters.
	maxText  = 1000
	maxTitle = 200
	// maxAttempts bounds the goroutines of one channel.
	maxAttempts = 4
	maxURL      = 4000
)

// Kind gives the settings of shoutrrr channels and how one is made.
func Kind() notify.Kind {
	return notify.Kind{
		Settings: []notify.Setting{
			{Name: "url", Secrecy: notify.Secret, Doc: "URL of the service, with its credentials; without one each target is a URL"},
		},
		New: newChannel,
	}
}

type channel struct {
	url       string
	transport *http.Transport
	slots     chan struct{}
}

var _ notify.Channel = (*channel)(nil)

func newChannel(o notify.Options) (notify.Channel, error) {
	c := &channel{
		url: o.Settings["url"], transport: o.Dialer.Transport(), slots: make(chan struct{}, maxAttempts),
	}
	if c.url != "" {
		if err := c.ValidateTarget(""); err != nil {
			return nil, api.Invalid(notify.SettingAt("url"), "%s", err)
		}
	}
	return c, nil
}

// ValidateTarget takes a URL that its service can read. Nothing is connected to.
func (c *channel) ValidateTarget(target string) error {
	address, err := notify.Recipient(c.url, target)
	if err != nil {
		return err
	}
	if len(address) > maxURL {
		return api.Errorf(api.KindInvalid, "must be at most %d bytes", maxURL)
	}
	u, s, err := parse(address)
	if err != nil || s.connects {
		return err
	}
	if _, err := open(u, c.transport); err != nil {
		return api.Errorf(api.KindInvalid, "is refused by the service %s: %s", schemeOf(u), clean(err, u))
	}
	return nil
}

// Send makes one attempt, without waiting longer than ctx for its end.
func (c *channel) Send(ctx context.Context, target string, m *notify.Message) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, notify.SendTimeout)
	defer cancel()
	if err := c.ValidateTarget(target); err != nil {
		return "", notify.Fail(notify.GiveUp, err.Error(), nil)
	}
	address, err := notify.Recipient(c.url, target)
	if err != nil {
		return "", notify.Fail(notify.GiveUp, err.Error(), nil)
	}
	u, s, err := parse(address)
	if err != nil {
		return "", notify.Fail(notify.GiveUp, err.Error(), nil)
	}
	select {
	case c.slots <- struct{}{}:
	default:
		return "", notify.Fail(notify.Persist, "earlier attempts of this channel have not ended yet", nil)
	}
	done := make(chan error, 1) // nobody may be there to take it
	go func() {
		defer func() { <-c.slots }()
		done <- c.attempt(u, s, m)
	}()
	select {
	case err := <-done:
		if err != nil && !taken(err) {
			return "", failure(err, u)
		}
		return "taken by " + schemeOf(u), nil
	case <-ctx.Done():
		return "", notify.FailConnection(ctx.Err())
	}
}

func (c *channel) attempt(u *url.URL, s service, m *notify.Message) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the library broke off while it wrote the message")
		}
	}()
	sender, err := open(u, c.transport)
	if err != nil {
		return err
	}
	title := notify.Cut(notify.OneLine(m.Title), maxTitle)
	params := types.Params{}
	links := ""
	if m.Acknowledge != "" {
		links += "\nAcknowledge: " + m.Acknowledge
	}
	if m.Link != "" {
		links += "\n" + m.Link
	}
	text := m.Brief(maxText - len(links))
	if s.titles == hasTitle {
		params.SetTitle(title)
	} else {
		text = title + "\n" + m.Brief(maxText-len(links)-maxTitle-1)
	}
	return sender.Send(text+links, &params)
}

// taken reports whether err only says that the library could not read the answer to a message that was taken.
func taken(err error) bool {
	var answered jsonclient.Error
	return errors.As(err, &answered) && answered.StatusCode >= 200 && answered.StatusCode <= 299
}

// failure tells refusals from trouble. Most services give the status in words only; as words may deceive, such a refusal
// is worth a few attempts more.
func failure(err error, u *url.URL) *notify.Failure {
	text := schemeOf(u) + ": " + clean(err, u)
	var answered jsonclient.Error
	var network net.Error
	switch {
	case errors.As(err, &answered) && answered.StatusCode >= 400:
		status := notify.Response{Status: answered.StatusCode, Body: []byte(answered.Body)}
		f := status.Failure(0, hiddenIn(u))
		f.Answer = notify.Cut(schemeOf(u)+": "+f.Answer, notify.MaxAnswer)
		return f
	case errors.As(err, &network):
		f := notify.FailConnection(err)
		f.Answer = notify.Cut(schemeOf(u)+": "+hiddenIn(u).Clean(f.Answer), notify.MaxAnswer)
		return f
	case refuses(err.Error()):
		return notify.Fail(notify.TryFew, text, err)
	}
	return notify.Fail(notify.Persist, text, err)
}

var statusInWords = regexp.MustCompile(`(?i)(?:status|http)[^0-9]{0,20}\b(4[0-9]{2})\b`)

func refuses(text string) bool {
	match := statusInWords.FindStringSubmatch(text)
	if match == nil {
		return false
	}
	status, err := strconv.Atoi(match[1])
	return err == nil && (notify.Response{Status: status}).Failure(0, nil).Persistence == notify.GiveUp
}

var anyURL = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>]+`)

// clean gives the text of an error without anything of the URL: whole URLs are cut to their scheme, as the service
// builds others of the same credentials, and then what remains of the parts is masked.
func clean(err error, u *url.URL) string {
	text := anyURL.ReplaceAllStringFunc(err.Error(), func(found string) string {
		scheme, _, _ := strings.Cut(found, "://")
		return scheme + "://" + notify.Masked
	})
	return hiddenIn(u).Clean(text)
}

// hiddenIn gives every part of a URL that may be a credential, and the pieces of those that services take apart. The
// place of the host holds keys with some services; a name with a dot is taken for a host.
func hiddenIn(u *url.URL) notify.Secrets {
	password, _ := u.User.Password()
	parts := []string{u.User.Username(), password, u.Fragment, u.RawQuery, u.Path, u.Opaque}
	if host := u.Hostname(); !strings.Contains(host, ".") && host != "localhost" {
		parts = append(parts, host)
	}
	for _, values := range u.Query() {
		parts = append(parts, values...)
	}
	hidden := notify.Secrets(parts)
	const longPiece = 8 // shorter ones are words
	for _, part := range parts {
		for _, segment := range strings.Split(part, "/") {
			hidden = append(hidden, segment)
		}
		for _, piece := range strings.FieldsFunc(part, isSeparator) {
			if len(piece) >= longPiece {
				hidden = append(hidden, piece)
			}
		}
	}
	return hidden
}

func isSeparator(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	return !letter && (r < '0' || r > '9')
}

// insecure is for ntfy's parameter disabletlsverification, which whoever wrote the URL has set.
func insecure() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}
}
