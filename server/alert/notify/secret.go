package notify

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"

	"watchkeeper/api"
)

// MaxAnswer is how many characters of an answer are kept, enough for what mail servers and APIs say.
const MaxAnswer = 500

// Masked stands for a secret wherever settings, targets and answers are shown.
const Masked = "***"

// shortestSecret is below the length of any password or key worth hiding; masking less would riddle a text and tell by
// its holes what the secret is.
const shortestSecret = 4

// Secrets are the texts that must not be seen in an answer, because the other side or a library may repeat them.
type Secrets []string

// Redact gives text with every secret masked, also where it is encoded for a URL or in base64.
func (s Secrets) Redact(text string) string {
	var forms []string
	for _, secret := range s {
		if len(secret) < shortestSecret {
			continue
		}
		forms = append(forms, secret, url.QueryEscape(secret), url.PathEscape(secret),
			base64.StdEncoding.EncodeToString([]byte(secret)))
	}
	// The longest first, for a secret may contain another.
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	for _, form := range forms {
		text = strings.ReplaceAll(text, form, Masked)
	}
	return text
}

// Clean gives what the other side said in the form in which it is kept: without secrets and control characters, cut.
func (s Secrets) Clean(text string) string { return Cut(OneLine(s.Redact(text)), MaxAnswer) }

// Mask gives an address as the API and logs show it. A mail address is no secret; of a Pushover key the beginning tells
// which it is; of a URL its host does, for what follows is often a password.
func Mask(kind api.ChannelKind, address string) string {
	switch {
	case address == "" || kind == api.ChannelMail:
		return Cut(OneLine(address), MaxAnswer)
	case kind == api.ChannelPushover && len(address) >= 20:
		return Cut(OneLine(address[:4]), 4) + Masked
	case kind == api.ChannelWebhook:
		if u, err := url.Parse(address); err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") {
			return Cut(OneLine(u.Scheme+"://"+u.Host+"/"+Masked), MaxAnswer)
		}
	case kind == api.ChannelShoutrrr:
		// The place of the host holds keys with some services.
		if scheme, _, ok := strings.Cut(address, "://"); ok && strings.Trim(scheme, lowerLetters+"+") == "" {
			return Cut(scheme, 50) + "://" + Masked
		}
	}
	return Masked
}

const lowerLetters = "abcdefghijklmnopqrstuvwxyz"
