package api

import (
	"maps"
	"net/url"
	"strings"
)

// ProbeMask stands where a secret of a probe is not shown.
const ProbeMask = "***"

// Masked gives the settings with their secrets masked: values of headers, the body, and passwords and parameters of URLs.
// It reports whether there were any.
func (p ProbeSettings) Masked() (shown ProbeSettings, any bool) {
	shown = p
	if len(p.Headers) > 0 {
		any = true
		shown.Headers = maps.Clone(p.Headers)
		for name := range shown.Headers {
			shown.Headers[name] = ProbeMask
		}
	}
	if p.Body != "" {
		any, shown.Body = true, ProbeMask
	}
	shown.URL, shown.Proxy = MaskURL(p.URL), MaskURL(p.Proxy)
	return shown, any || shown.URL != p.URL || shown.Proxy != p.Proxy
}

// Unmask gives the settings with what is masked, as it was shown, replaced by the secrets of those before.
func (p ProbeSettings) Unmask(before ProbeSettings) ProbeSettings {
	if len(p.Headers) > 0 {
		p.Headers = maps.Clone(p.Headers)
		for name, value := range p.Headers {
			if old, had := before.Headers[name]; had && value == ProbeMask {
				p.Headers[name] = old
			}
		}
	}
	if p.Body == ProbeMask {
		p.Body = before.Body
	}
	for _, u := range []struct {
		field *string
		old   string
	}{{&p.URL, before.URL}, {&p.Proxy, before.Proxy}} {
		if *u.field == MaskURL(u.old) {
			*u.field = u.old
		}
	}
	return p
}

// MaskURL gives a URL with its password and the values of its parameters masked. What is no URL is masked whole.
func MaskURL(text string) string {
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return ProbeMask
	}
	query := u.RawQuery
	u.RawQuery, u.Fragment, u.RawFragment = "", "", ""
	user := u.User
	u.User = nil
	shown := u.String()
	if user != nil {
		_, has := user.Password()
		name := url.User(user.Username()).String()
		if has {
			name += ":" + ProbeMask
		}
		shown = strings.Replace(shown, "://", "://"+name+"@", 1)
	}
	if query == "" {
		return shown
	}
	parts := strings.Split(query, "&")
	for i, part := range parts {
		if name, value, found := strings.Cut(part, "="); found && value != "" {
			parts[i] = name + "=" + ProbeMask
		} else if !found && part != "" {
			parts[i] = ProbeMask
		}
	}
	return shown + "?" + strings.Join(parts, "&")
}
