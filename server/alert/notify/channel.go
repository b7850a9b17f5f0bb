package notify

import (
	"context"
	"crypto/x509"
	"maps"
	"slices"
	"strings"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/dial"
)

// SendTimeout is the longest that one attempt may take, whatever the caller's context allows.
const SendTimeout = 30 * time.Second

// Channel tells people in one way, with its settings. Its methods may be called from any goroutine.
type Channel interface {
	// ValidateTarget checks an address before it is stored. An empty one is right when the settings name the recipient,
	// and wrong otherwise. The text of the error goes on after "the address", for people.
	ValidateTarget(target string) error
	// Send makes one attempt and gives what the other side said when it took the message. It honours ctx and
	// SendTimeout; its error is a *Failure.
	Send(ctx context.Context, target string, m *Message) (receipt string, err error)
}

// Secrecy says whether a setting may be shown.
type Secrecy string

// The secrecies.
const (
	Public Secrecy = "public"
	Secret Secrecy = "secret" // sealed at rest, write-only in the API
)

// Setting is one setting that a kind of channel knows.
type Setting struct {
	Name    string
	Secrecy Secrecy
	Doc     string // for help and errors
}

// Kind is a way of telling people: its settings, and how a channel is made of them.
type Kind struct {
	Settings []Setting
	New      func(Options) (Channel, error)
}

// Options is what a channel is made of.
type Options struct {
	Settings map[string]string
	Defaults Defaults
	Dialer   *dial.Dialer
}

// Defaults is what the installation's own settings give to channels that do not say otherwise.
type Defaults struct {
	SMTPURL       string
	SMTPFrom      string
	PushoverToken string
	PushoverURL   string         // empty: the service itself
	Hostname      string         // of this machine, for SMTP and as the last resort of a sender's address
	RootCAs       *x509.CertPool // who is trusted to sign mail servers' certificates; nil: whom the system trusts
}

// Registry maps each kind of channel to what it is. App builds it.
type Registry map[api.ChannelKind]Kind

// New makes a channel. Its error is of KindInvalid and names each setting that is unknown, missing or wrong as
// body.settings.NAME.
func (r Registry) New(kind api.ChannelKind, o Options) (Channel, error) {
	k, ok := r[kind]
	if !ok {
		return nil, api.Invalid("body.kind", "must be one of %s", r.names())
	}
	k.Settings = slices.Concat(k.Settings, wording)
	var fields api.Fields
	for _, name := range slices.Sorted(maps.Keys(o.Settings)) {
		if !slices.ContainsFunc(k.Settings, func(s Setting) bool { return s.Name == name }) {
			fields.Add(SettingAt(Cut(OneLine(name), 50)), "is not known to %s channels, which take %s", kind, k.names())
		}
	}
	if err := fields.Err(); err != nil {
		return nil, err
	}
	if _, err := NewTemplate(o.Settings); err != nil {
		return nil, err
	}
	return k.New(o)
}

// MaskSettings gives the settings as they may be shown: secrets that are set become Masked.
func (r Registry) MaskSettings(kind api.ChannelKind, settings map[string]string) map[string]string {
	shown := make(map[string]string, len(settings))
	for name, value := range settings {
		if value != "" && r.secrecy(kind, name) == Secret {
			value = Masked
		}
		shown[name] = value
	}
	return shown
}

// KeepSecrets gives the settings to store when somebody sends back what MaskSettings showed: a secret that is Masked
// keeps its stored value.
func (r Registry) KeepSecrets(kind api.ChannelKind, stored, given map[string]string) map[string]string {
	kept := maps.Clone(given)
	for name, value := range given {
		if was, ok := stored[name]; ok && value == Masked && r.secrecy(kind, name) == Secret {
			kept[name] = was
		}
	}
	return kept
}

// secrecy takes what it does not know for a secret.
func (r Registry) secrecy(kind api.ChannelKind, name string) Secrecy {
	for _, s := range slices.Concat(r[kind].Settings, wording) {
		if s.Name == name {
			return s.Secrecy
		}
	}
	return Secret
}

func (r Registry) names() string {
	var names []string
	for _, kind := range slices.Sorted(maps.Keys(r)) {
		names = append(names, string(kind))
	}
	return strings.Join(names, ", ")
}

func (k Kind) names() string {
	var names []string
	for _, s := range k.Settings {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}

// SettingAt gives the place of a setting as errors name it.
func SettingAt(name string) string { return "body.settings." + name }

// Recipient decides between the recipient that a channel's settings name and the address of a target. A channel that
// names its own takes no other: its credentials, signature and headers are meant for that one.
func Recipient(own, target string) (string, error) {
	switch {
	case own != "" && target != "" && own != target:
		return "", api.Errorf(api.KindInvalid, "must be left out, as this channel names its own recipient")
	case own != "":
		return own, nil
	case target == "":
		return "", api.Errorf(api.KindInvalid, "is missing, as in KIND:ADDRESS")
	}
	return target, nil
}
