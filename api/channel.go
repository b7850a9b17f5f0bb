package api

import (
	"regexp"
	"strings"
)

// ChannelKind is a way of telling people.
type ChannelKind string

// The kinds of channels. Each is also the name of a channel that needs no settings of its own, so that a target can be
// written kind:address.
const (
	ChannelMail     ChannelKind = "mail"
	ChannelPushover ChannelKind = "pushover"
	ChannelWebhook  ChannelKind = "webhook"
	ChannelShoutrrr ChannelKind = "shoutrrr"
)

// ChannelKinds lists the kinds in the order in which errors and help name them.
var ChannelKinds = []ChannelKind{ChannelMail, ChannelPushover, ChannelWebhook, ChannelShoutrrr}

// Valid reports whether k is one of the kinds.
func (k ChannelKind) Valid() bool {
	switch k {
	case ChannelMail, ChannelPushover, ChannelWebhook, ChannelShoutrrr:
		return true
	}
	return false
}

var channelName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$`)

// Channel is where alerts go, under a name.
type Channel struct {
	Name      string            `json:"name" doc:"1 to 100 letters, digits, dots, hyphens, underscores"`
	Kind      ChannelKind       `json:"kind" enum:"mail,pushover,webhook,shoutrrr"`
	Settings  map[string]string `json:"settings" doc:"secrets are write-only and shown as ***"`
	Source    string            `json:"source,omitempty" enum:"api,file" doc:"file: comes from the configuration file and cannot be changed here"`
	ManagedBy string            `json:"managed_by,omitempty" doc:"what made it and keeps it as a file says, such as the --name of watchkeeper apply; at most 100 characters"`
	CreatedAt Time              `json:"created_at,omitzero"`
	UpdatedAt Time              `json:"updated_at,omitzero"`
}

// ChannelInput is the body that creates or replaces a channel.
type ChannelInput struct {
	Name      string            `json:"name"`
	Kind      ChannelKind       `json:"kind" enum:"mail,pushover,webhook,shoutrrr"`
	Settings  map[string]string `json:"settings,omitempty"`
	ManagedBy string            `json:"managed_by,omitempty" doc:"what made it and keeps it as a file says, such as the --name of watchkeeper apply; at most 100 characters"`
}

// Validate checks what holds for every kind; the settings are checked by the kind itself.
func (in *ChannelInput) Validate() error {
	var f Fields
	switch {
	case !channelName.MatchString(in.Name):
		f.Add("body.name", "must be 1 to 100 letters, digits, dots, hyphens and underscores, beginning with a letter or digit")
	case ChannelKind(strings.ToLower(in.Name)).Valid():
		f.Add("body.name", "must not be the name of a kind")
	}
	if !in.Kind.Valid() {
		f.Add("body.kind", "must be one of mail, pushover, webhook, shoutrrr")
	}
	if len(in.Settings) > 50 {
		f.Add("body.settings", "must be at most 50 settings")
	}
	checkManagedBy(&f, in.ManagedBy)
	return f.Err()
}

// Target is one place where alerts go: a channel, and an address where the channel leaves it open.
type Target struct {
	Channel string // the name of a channel or a kind
	Address string // empty when the channel names it itself
}

// ParseTarget reads "mail:me@example.org", "pushover:KEY", "webhook:https://..." or the name of a channel.
func ParseTarget(s string) Target {
	s = strings.TrimSpace(s)
	if name, address, ok := strings.Cut(s, ":"); ok {
		return Target{Channel: strings.TrimSpace(name), Address: strings.TrimSpace(address)}
	}
	return Target{Channel: s}
}

// String gives the form that ParseTarget reads. It may hold a secret.
func (t Target) String() string {
	if t.Address == "" {
		return t.Channel
	}
	return t.Channel + ":" + t.Address
}

// Masked gives the form that may be shown: the address of a mail is no secret, every other may be one.
func (t Target) Masked() string {
	if t.Address == "" || ChannelKind(t.Channel) == ChannelMail {
		return t.String()
	}
	return t.Channel + ":***"
}

// ChannelTest is the answer of POST /api/v1/channels/{name}/test.
type ChannelTest struct {
	OK     bool   `json:"ok"`
	Answer string `json:"answer" doc:"what the other side said"`
	Took   string `json:"took" doc:"how long it took, such as 120ms"`
}

// TemplatesInput is the body of POST /api/v1/templates/preview.
type TemplatesInput struct {
	Title string `json:"title_template,omitempty" doc:"template of titles; empty for the built-in"`
	Body  string `json:"body_template,omitempty" doc:"template of what stands above the links; empty for the built-in"`
}

// MessagePreview is what templates make of a message of one sort.
type MessagePreview struct {
	About string `json:"about" doc:"opened, repeated, recovered, digest, event, flapping or test"`
	Title string `json:"title"`
	Body  string `json:"body" doc:"what stands above the links"`
}
