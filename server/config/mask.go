package config

import (
	"net/url"
	"strings"

	"watchkeeper/api"
)

// masked stands where a secret was.
const masked = "***"

func maskAll(Config) string { return masked }

// maskURL leaves scheme, user, host and path.
func maskURL(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return masked
	}
	shown := u.Scheme + "://"
	if u.User != nil {
		shown += url.User(u.User.Username()).String()
		if _, has := u.User.Password(); has {
			shown += ":" + masked
		}
		shown += "@"
	}
	shown += u.Host + u.EscapedPath()
	if u.RawQuery != "" {
		shown += "?" + masked
	}
	return shown
}

// maskTargets leaves mail addresses and names of channels; other addresses are keys or hold some.
func maskTargets(texts []string) string {
	shown := make([]string, len(texts))
	for i, text := range texts {
		target := api.ParseTarget(text)
		if target.Address != "" && target.Channel != string(api.ChannelMail) {
			target.Address = masked
		}
		shown[i] = target.String()
	}
	return strings.Join(shown, ",")
}
