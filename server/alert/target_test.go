package alert

import (
	"strings"
	"testing"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
)

func channelsFor(t *testing.T, defaults notify.Defaults) *Channels {
	t.Helper()
	return must(NewChannels(ChannelOptions{
		Registry: newPost().registry(), Common: notify.Options{Defaults: defaults},
		File: []api.ChannelInput{{Name: "ops", Kind: api.ChannelMail, Settings: map[string]string{"to": "team"}}},
	}))(t)
}

func TestCheckTarget(t *testing.T) {
	c := channelsFor(t, notify.Defaults{SMTPURL: "smtp://localhost"})
	tests := []struct {
		target string
		check  string // part of the error
	}{
		{target: "mail:me@example.org"},
		{target: " Mail : me@Example.ORG "},
		{target: "mail:boss@example.com"},
		{target: "ops"},
		{target: "pushover:KEY"},
		{target: "webhook:https://hooks.example.org/x"},
		{target: "pigeon:coop", check: `no channel "pigeon", only mail, pushover, webhook, shoutrrr, ops`},
		{target: "", check: `no channel ""`},
		{target: "pushover:", check: "the address is missing"},
		{target: "pushover:bad", check: "pushover: the address must be good"},
		{target: "ops:other", check: "names its own recipient"},
		{target: "shoutrrr:ntfy://ntfy.sh/x"},
	}
	for _, test := range tests {
		t.Run(test.target, func(t *testing.T) {
			wantError(t, "CheckTarget", c.CheckTarget(test.target), test.check)
		})
	}
}

func TestTargetsThatPulsesMayName(t *testing.T) {
	patterns := map[api.ChannelKind][]string{
		api.ChannelMail: {"*@example.org", "boss@example.com"}, api.ChannelWebhook: {"https://hooks.example.org/*"},
	}
	for target, want := range map[string]bool{
		"mail:me@example.org":                         true,
		" Mail : me@Example.ORG ":                     true,
		"mail:boss@example.com":                       true,
		"mail:me@example.org,Boss <boss@example.com>": true,
		"pushover:KEY":                                true, // no patterns
		"webhook:https://hooks.example.org/x":         true,
		"mail:me@evil.example":                        false,
		"mail:me@evil.example,me@example.org":         false,
		`mail:"me@example.org" <me@evil.example>`:     false,
		"mail:me@evil.example <x@example.org>":        false,
		"mail:":                                       false,
		"webhook:https://evil.example/":               false,
	} {
		parsed := api.ParseTarget(target)
		if got := allowed(patterns, api.ChannelKind(strings.ToLower(parsed.Channel)), parsed.Address); got != want {
			t.Errorf("%s is allowed: %v", target, got)
		}
	}
}

func wantError(t *testing.T, what string, err error, part string) {
	t.Helper()
	switch {
	case part == "" && err != nil:
		t.Errorf("%s: unexpected error: %v", what, err)
	case part != "" && (api.KindOf(err) != api.KindInvalid || !strings.Contains(err.Error(), part)):
		t.Errorf("%s: error %v, want one of kind invalid with %q", what, err, part)
	}
}

// A service may name mail before mail is set up: who forgets that is told when it matters, by the default route.
func TestCheckTargetBeforeMailIsSetUp(t *testing.T) {
	c := must(NewChannels(ChannelOptions{Registry: newPost().registry()}))(t)
	wantError(t, "a good address", c.CheckTarget("mail:me@example.org"), "")
	wantError(t, "a bad address", c.CheckTarget("mail:bad"), "must be good")
}

func TestParseAndCheckRoute(t *testing.T) {
	c := channelsFor(t, notify.Defaults{SMTPURL: "smtp://localhost"})
	for _, test := range []struct {
		texts []string
		want  []api.Target
		lines []string // a part of each
	}{
		{texts: nil, lines: []string{"WATCHKEEPER_DEFAULT_ROUTE"}},
		{texts: []string{"", " "}, lines: []string{"WATCHKEEPER_DEFAULT_ROUTE"}},
		{texts: []string{"mail:me@example.org", " ops", "mail:me@example.org"}, want: []api.Target{{Channel: "mail", Address: "me@example.org"}, {Channel: "ops"}}},
		{
			texts: []string{"later", "pushover:bad"}, want: []api.Target{{Channel: "later"}, {Channel: "pushover", Address: "bad"}},
			lines: []string{`no channel "later"`, "must be good"},
		},
	} {
		route := must(ParseRoute(test.texts))(t)
		same(t, "route", route, test.want)
		lines := c.CheckRoute(route)
		same(t, "lines", len(lines), len(test.lines))
		for i := range lines {
			if !strings.Contains(lines[i], test.lines[i]) {
				t.Errorf("line %q, want %q in it", lines[i], test.lines[i])
			}
		}
	}
	_, err := ParseRoute([]string{":address"})
	wantError(t, "no channel", err, "must begin with a channel")
}

func TestLanesOfTargets(t *testing.T) {
	d := newDirectory(t, "smtp://localhost")
	for target, want := range map[string]string{
		"mail:me@example.org":                     "mail",
		"pushover:KEY":                            "pushover",
		"webhook:https://A.example:8443/path?x=1": "webhook a.example:8443",
		"webhook:https://b.example/path":          "webhook b.example",
		"shoutrrr:ntfy://ntfy.sh/topic":           "shoutrrr ntfy",
		"shoutrrr:nonsense":                       "shoutrrr",
		"ops":                                     "channel ops",
		"Hook:https://a.example":                  "channel Hook",
	} {
		if got := d.judge(api.ParseTarget(target)).lane; got != want {
			t.Errorf("%s: lane %q, want %q", target, got, want)
		}
	}
}
