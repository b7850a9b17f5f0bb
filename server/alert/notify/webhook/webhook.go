package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
)

// The headers of a request.
const (
	TimestampHeader = "Watchkeeper-Timestamp"
	SignatureHeader = "Watchkeeper-Signature"
	DeliveryHeader  = "Watchkeeper-Delivery"
)

const (
	maxURL       = 2000 // the length that every server and proxy takes
	maxHeaders   = 20
	maxRedirects = 3
)

// Kind gives the settings of webhooks and how one is made.
func Kind() notify.Kind {
	return notify.Kind{
		Settings: []notify.Setting{
			{Name: "url", Secrecy: notify.Secret, Doc: "http or https URL to post to; without one each target is a URL"},
			{Name: "secret", Secrecy: notify.Secret, Doc: "key of the signature; at least 16 characters"},
			{Name: "headers", Secrecy: notify.Secret, Doc: "further headers, one a line, such as Authorization: Bearer KEY"},
		},
		New: newChannel,
	}
}

type channel struct {
	url     string
	secret  string
	headers http.Header
	hidden  notify.Secrets
	client  *http.Client
}

var _ notify.Channel = (*channel)(nil)

func newChannel(o notify.Options) (notify.Channel, error) {
	c := &channel{
		url: o.Settings["url"], secret: o.Settings["secret"],
		client: &http.Client{Transport: o.Dialer.Transport(), CheckRedirect: sameHost},
	}
	var fields api.Fields
	if err := checkURL(c.url); c.url != "" && err != nil {
		fields.Add(notify.SettingAt("url"), "%s", err)
	}
	if c.secret != "" && len(c.secret) < 16 {
		fields.Add(notify.SettingAt("secret"), "must be at least 16 characters")
	}
	headers, err := parseHeaders(o.Settings["headers"])
	if err != nil {
		fields.Add(notify.SettingAt("headers"), "%s", err)
	}
	if c.url == "" && (c.secret != "" || len(headers) > 0) {
		fields.Add(notify.SettingAt("url"), "must be given with secret or headers, which are meant for one receiver only")
	}
	if err := fields.Err(); err != nil {
		return nil, err
	}
	c.headers = headers
	c.hidden = append(hiddenIn(c.url), c.secret)
	for _, values := range headers {
		c.hidden = append(c.hidden, values...)
	}
	return c, nil
}

// ValidateTarget takes an http or https URL.
func (c *channel) ValidateTarget(target string) error {
	_, err := c.address(target)
	return err
}

func (c *channel) address(target string) (string, error) {
	address, err := notify.Recipient(c.url, target)
	if err != nil {
		return "", err
	}
	return address, checkURL(address)
}

// Send posts the message.
func (c *channel) Send(ctx context.Context, target string, m *notify.Message) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, notify.SendTimeout)
	defer cancel()
	address, err := c.address(target)
	if err != nil {
		return "", notify.Fail(notify.GiveUp, err.Error(), err)
	}
	body, err := json.Marshal(payload(m))
	if err != nil {
		return "", notify.Fail(notify.GiveUp, "the message cannot be written as JSON", err)
	}
	post := notify.Post{URL: address, Header: c.header(m, body), Body: body}
	response, err := post.Do(ctx, c.client)
	if err != nil {
		return "", err
	}
	hidden := append(hiddenIn(address), c.hidden...)
	if !response.OK() {
		return "", response.Failure(m.Now, hidden)
	}
	return response.Text(hidden), nil
}

func (c *channel) header(m *notify.Message, body []byte) http.Header {
	header := c.headers.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/json")
	header.Set(DeliveryHeader, m.DeliveryID)
	timestamp := strconv.FormatInt(m.Now.Unix(), 10)
	header.Set(TimestampHeader, timestamp)
	if c.secret != "" {
		header.Set(SignatureHeader, Sign(c.secret, timestamp, body))
	}
	return header
}

// Sign gives the value of SignatureHeader for a body sent at timestamp.
func Sign(secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}

// sameHost lets a request be led on within its host. The answer that leads elsewhere is then the answer.
func sameHost(next *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > maxRedirects || next.Method != first.Method || next.URL.Host != first.URL.Host ||
		first.URL.Scheme == "https" && next.URL.Scheme != "https" {
		return http.ErrUseLastResponse
	}
	return nil
}

func checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case len(text) > maxURL:
		return api.Errorf(api.KindInvalid, "must be a URL of at most %d bytes", maxURL)
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "", u.Opaque != "":
		return api.Errorf(api.KindInvalid, "must be a URL that begins with https:// or http:// and names a host")
	case u.Fragment != "":
		return api.Errorf(api.KindInvalid, "must be a URL without a fragment (#)")
	}
	return nil
}

// hiddenIn gives what of a URL may be a secret: all but scheme and host.
func hiddenIn(text string) notify.Secrets {
	u, err := url.Parse(text)
	if err != nil {
		return nil
	}
	hidden := notify.Secrets{u.RequestURI()}
	password, _ := u.User.Password()
	hidden = append(hidden, u.User.Username(), password)
	hidden = append(hidden, strings.Split(u.Path, "/")...)
	for _, values := range u.Query() {
		hidden = append(hidden, values...)
	}
	return hidden
}

// parseHeaders reads one header a line. Those that the request needs for itself are not for others to set.
func parseHeaders(text string) (http.Header, error) {
	headers := http.Header{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, errors.New("must be lines of the form Name: value")
		}
		if reserved(http.CanonicalHeaderKey(name)) {
			return nil, errors.New("must not set " + http.CanonicalHeaderKey(name))
		}
		headers.Add(name, value)
		if len(headers) > maxHeaders {
			return nil, errors.New("must be at most " + strconv.Itoa(maxHeaders))
		}
	}
	return headers, nil
}

func reserved(name string) bool {
	switch name {
	case "Host", "Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Connection", "Te", "Trailer",
		"Upgrade", "Expect", "User-Agent", "Keep-Alive", "Proxy-Connection":
		return true
	}
	return strings.HasPrefix(name, "Watchkeeper-")
}
