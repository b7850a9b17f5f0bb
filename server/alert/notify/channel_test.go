package notify

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchkeeper/api"
)

// silent is a channel that takes all and tells nobody.
type silent struct{ settings map[string]string }

func (silent) ValidateTarget(string) error { return nil }

func (silent) Send(context.Context, string, *Message) (string, error) { return "", nil }

func registry() Registry {
	return Registry{api.ChannelWebhook: {
		Settings: []Setting{{Name: "url", Secrecy: Public}, {Name: "secret", Secrecy: Secret}},
		New:      func(o Options) (Channel, error) { return silent{o.Settings}, nil },
	}}
}

func TestRegistryMakesChannels(t *testing.T) {
	r := registry()
	c, err := r.New(api.ChannelWebhook, Options{Settings: map[string]string{"url": "u"}})
	if err != nil || c.(silent).settings["url"] != "u" {
		t.Fatalf("channel %v, %v", c, err)
	}
	for _, test := range []struct {
		kind     api.ChannelKind
		settings map[string]string
		want     []api.FieldError
	}{
		{"pigeon", nil, []api.FieldError{{Location: "body.kind", Message: "must be one of webhook"}}},
		{api.ChannelWebhook, map[string]string{"urk": "", "ur": "x"}, []api.FieldError{
			{Location: "body.settings.ur", Message: "is not known to webhook channels, which take url, secret, title_template, body_template"},
			{Location: "body.settings.urk", Message: "is not known to webhook channels, which take url, secret, title_template, body_template"},
		}},
	} {
		_, err := r.New(test.kind, Options{Settings: test.settings})
		var wrong *api.Error
		if !errors.As(err, &wrong) || wrong.Kind != api.KindInvalid {
			t.Fatalf("error %v", err)
		}
		if diff := cmp.Diff(test.want, wrong.Fields); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}

func TestSecretSettings(t *testing.T) {
	r, kind := registry(), api.ChannelWebhook
	stored := map[string]string{"url": "u", "secret": "hunter2", "old": "x"}
	shown := r.MaskSettings(kind, stored)
	if diff := cmp.Diff(map[string]string{"url": "u", "secret": "***", "old": "***"}, shown); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
	shown["url"] = "v"
	kept := r.KeepSecrets(kind, stored, shown)
	if diff := cmp.Diff(map[string]string{"url": "v", "secret": "hunter2", "old": "x"}, kept); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	for _, given := range []string{"", "new"} {
		if got := r.KeepSecrets(kind, stored, map[string]string{"secret": given})["secret"]; got != given {
			t.Errorf("secret set to %q became %q", given, got)
		}
	}
	if got := r.MaskSettings(kind, map[string]string{"secret": ""})["secret"]; got != "" {
		t.Errorf("a secret that is not set is shown as %q", got)
	}
}

func TestRecipient(t *testing.T) {
	for _, test := range []struct {
		own, target, want string
		ok                bool
	}{
		{"", "a", "a", true},
		{"a", "", "a", true},
		{"a", "a", "a", true},
		{"a", "b", "", false},
		{"", "", "", false},
	} {
		got, err := Recipient(test.own, test.target)
		if got != test.want || (err == nil) != test.ok || err != nil && api.KindOf(err) != api.KindInvalid {
			t.Errorf("Recipient(%q, %q) = %q, %v", test.own, test.target, got, err)
		}
	}
}

func TestRedact(t *testing.T) {
	secrets := Secrets{"hunter2", "hunter2&more", "", "abc", "\x00me\x00pass word"}
	for text, want := range map[string]string{
		"535 wrong: hunter2":                       "535 wrong: ***",
		"hunter2&more":                             "***",
		"hunter2%26more in a URL":                  "*** in a URL",
		"unknown: AUTH PLAIN AG1lAHBhc3Mgd29yZA==": "unknown: AUTH PLAIN ***",
		"abc is too short to be one":               "abc is too short to be one",
	} {
		if got := secrets.Redact(text); got != want {
			t.Errorf("Redact(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestMask(t *testing.T) {
	for _, test := range []struct {
		kind          api.ChannelKind
		address, want string
	}{
		{api.ChannelMail, "me@example.org", "me@example.org"},
		{api.ChannelMail, "", ""},
		{api.ChannelPushover, "uQiRzpo4DXghDmr9QzzfQu27cmVRsG", "uQiR***"},
		{api.ChannelPushover, "short", "***"},
		{api.ChannelWebhook, "https://me:pw@hooks.example.org:8443/T0/B1?x=y", "https://hooks.example.org:8443/***"},
		{api.ChannelWebhook, "not a url", "***"},
		{api.ChannelWebhook, "ftp://host/secret", "***"},
		{api.ChannelShoutrrr, "telegram://110:AAH@telegram?chats=1", "telegram://***"},
		{api.ChannelShoutrrr, "generic+https://host/secret", "generic+https://***"},
		{api.ChannelShoutrrr, "se cret://x", "***"},
		{"pigeon", "secret", "***"},
	} {
		if got := Mask(test.kind, test.address); got != test.want {
			t.Errorf("Mask(%s, %q) = %q, want %q", test.kind, test.address, got, test.want)
		}
	}
}
