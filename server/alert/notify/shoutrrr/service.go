package shoutrrr

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/ntfy"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
)

// titles says what a service does with a title.
type titles string

const (
	hasTitle titles = "has_title"
	noTitle  titles = "no_title" // it goes before the text
)

// service is what is known of one service of the library.
type service struct {
	titles titles
	// connects marks one that signs in to its server as soon as it is given its URL.
	connects bool
}

// services lists what may be used, by the scheme of the URL.
func services() map[string]service {
	with, without := service{titles: hasTitle}, service{titles: noTitle}
	return map[string]service{
		"bark": with, "discord": with, "generic": without, "googlechat": without, "gotify": with, "hangouts": without,
		"ifttt": with, "join": without, "lark": with, "matrix": {titles: hasTitle, connects: true}, "mattermost": without,
		"notifiarr": with, "ntfy": with, "opsgenie": with, "pagerduty": without, "pushbullet": with, "pushover": with,
		"rocketchat": without, "signal": without, "slack": with, "teams": with, "telegram": with, "wecom": without,
		"zulip": without,
	}
}

// refused lists what the library has and we do not use, with the reason.
func refused() map[string]string {
	return map[string]string{
		"smtp":   "a channel of kind mail sends mail",
		"logger": "it tells nobody",
	}
}

// parse reads a URL and finds its service. The error never holds any of the URL.
func parse(text string) (*url.URL, service, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || !strings.Contains(text, "://") {
		return nil, service{}, api.Errorf(api.KindInvalid, "must be a shoutrrr URL, such as ntfy://ntfy.sh/topic")
	}
	scheme := schemeOf(u)
	if reason, ok := refused()[scheme]; ok {
		return nil, service{}, api.Errorf(api.KindInvalid, "must be of another service than %s: %s", scheme, reason)
	}
	s, ok := services()[scheme]
	if !ok {
		return nil, service{}, api.Errorf(api.KindInvalid, "must be a URL of one of the services %s", names())
	}
	return u, s, nil
}

// schemeOf gives the service of a URL, which may be written service+https://.
func schemeOf(u *url.URL) string {
	scheme, _, _ := strings.Cut(u.Scheme, "+")
	return scheme
}

func names() string {
	var list []string
	for name := range services() {
		list = append(list, name)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// open makes a sender of a URL, as the library's router does, but with its reason when it fails and with our transport.
func open(u *url.URL, transport *http.Transport) (sender types.Service, err error) {
	defer func() {
		if r := recover(); r != nil { // URLs are read in two dozen ways, each by hand
			err = api.Errorf(api.KindInvalid, "cannot be read as a URL of this service")
		}
	}()
	sender, err = (&router.ServiceRouter{}).NewService(schemeOf(u))
	if err != nil {
		return nil, err
	}
	if schemeOf(u) != u.Scheme {
		custom, ok := sender.(types.CustomURLService)
		if !ok {
			return nil, api.Errorf(api.KindInvalid, "cannot be written as %s", u.Scheme+"://")
		}
		if u, err = custom.GetConfigURLFromCustom(u); err != nil {
			return nil, err
		}
	}
	if err := sender.Initialize(u, nil); err != nil {
		return nil, err
	}
	guard(sender, transport)
	return sender, nil
}

// guard puts our transport in the place of a service's own. What its URL says of TLS stays.
func guard(sender types.Service, transport *http.Transport) {
	transport = transport.Clone()
	transport.DisableKeepAlives = true // it is used once
	switch s := sender.(type) {
	case *ntfy.Service:
		if s.Config.DisableTLSVerification {
			transport.TLSClientConfig = insecure()
		}
		s.SetHTTPClient(&http.Client{Transport: transport, Timeout: notify.SendTimeout})
	case interface{ GetHTTPClient() *http.Client }: // gotify, mattermost
		client := s.GetHTTPClient()
		if own, ok := client.Transport.(*http.Transport); ok {
			transport.TLSClientConfig = own.TLSClientConfig
		}
		client.Transport, client.Timeout = transport, notify.SendTimeout
	}
}
