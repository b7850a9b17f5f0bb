// Package client is the typed Go client of the REST interface, for the command line, the agent, tests and scripts.
//
// Each route is one method in the file of its noun. Nothing is decided here: what the server refuses comes back as the
// *api.Error that it was made of, and what could not be reached as one of api.KindUnavailable. Trying again is the
// caller's business, except where events are followed. Only the standard library and package api are needed.
package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	defaultTimeout = 30 * time.Second
	connectTimeout = 10 * time.Second
	idleTimeout    = 90 * time.Second
	maxHeader      = 64 << 10
)

// Options is what a client is made of. Only URL is required.
type Options struct {
	URL      string // of the server, such as https://watch.example.org:8443
	Token    string // wins over Password
	Password string

	CA         []byte         // PEM of the authorities that are trusted instead of the system's
	Roots      *x509.CertPool // the same where there is a pool already; wins over CA
	ServerName string         // whom the server's certificate must name; empty means the host of URL

	UserAgent string
	Timeout   time.Duration // of one request with its answer, streams excepted; 0 means 30 s
	// HTTPClient takes the place of the one that is made with CA, Roots and ServerName. Its own Timeout and
	// CheckRedirect do not count.
	HTTPClient *http.Client
	// OnAnswer is given every answer of success, and every message of a stream, as it came, before it is read. It may be
	// nil, and is called by the goroutine that asked.
	OnAnswer func(body []byte)
}

// Client speaks to one server. Its methods may be called from any goroutine.
type Client struct {
	base     *url.URL
	header   http.Header
	http     *http.Client
	timeout  time.Duration
	onAnswer func([]byte)
	patience patience
}

// New makes a client. It connects to nothing yet.
func New(o Options) (*Client, error) {
	base, err := parseURL(o.URL)
	if err != nil {
		return nil, err
	}
	c := &Client{base: base, header: http.Header{}, timeout: o.Timeout, onAnswer: o.OnAnswer, patience: usualPatience}
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	if c.onAnswer == nil {
		c.onAnswer = func([]byte) {}
	}
	switch {
	case o.Token != "":
		c.header.Set("Authorization", "Bearer "+o.Token)
	case o.Password != "":
		c.header.Set("Password", o.Password)
	}
	c.header.Set("User-Agent", o.UserAgent)
	c.header.Set("Accept", "application/json")
	if c.http, err = o.client(); err != nil {
		return nil, err
	}
	return c, nil
}

// URL gives the address of the server, without a slash at its end.
func (c *Client) URL() string { return c.base.String() }

// Close ends the connections that are kept for later.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(text, "/"))
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("the address of the server must look like https://watch.example.org:8443")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the address of the server must have no user, query or fragment in it")
	}
	return u, nil
}

// client gives an HTTP client that never follows a redirect: the header of the password would go along.
func (o *Options) client() (*http.Client, error) {
	var c http.Client
	if o.HTTPClient != nil {
		c = *o.HTTPClient
	} else {
		transport, err := o.transport()
		if err != nil {
			return nil, err
		}
		c.Transport = transport
	}
	c.Timeout = 0 // it would end streams
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c, nil
}

func (o *Options) transport() (*http.Transport, error) {
	roots := o.Roots
	if roots == nil && len(o.CA) > 0 {
		if roots = x509.NewCertPool(); !roots.AppendCertsFromPEM(o.CA) {
			return nil, errors.New("the file of the certificate authority holds no certificate in PEM form")
		}
	}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: roots, ServerName: o.ServerName, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    connectTimeout,
		ForceAttemptHTTP2:      true,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConnsPerHost:    4,
		MaxResponseHeaderBytes: maxHeader,
	}, nil
}

// segment gives a name as one element of a path.
func segment(name string) string {
	switch name {
	case ".", "..": // proxies would resolve them
		return strings.ReplaceAll(name, ".", "%2E")
	}
	return url.PathEscape(name)
}

// address gives the URL of a path, which is escaped already.
func (c *Client) address(path string, query url.Values) (*url.URL, error) {
	text := c.base.String() + path
	if len(query) > 0 {
		text += "?" + query.Encode()
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("making the address of a request: %w", err)
	}
	return u, nil
}
