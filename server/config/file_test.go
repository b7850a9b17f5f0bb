package config_test

import (
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchkeeper/api"
	"watchkeeper/server/config"
)

func TestProblemsOfTheFileShowTheLine(t *testing.T) {
	tests := map[string]struct{ file, want string }{
		"unknown key": {
			"listen: ':1'\nlisten_on: hunter2\n",
			"watchkeeper.yaml:2: listen_on is not known\n    2 | listen_on: ...",
		},
		"misspelt key": {
			"data: /srv\npasword: hunter2\n",
			"watchkeeper.yaml:2: pasword is not known, did you mean password?\n    2 | pasword: ...",
		},
		"unknown key of a section": {
			"alerts:\n  refuse_privat: true\n",
			"watchkeeper.yaml:2: alerts.refuse_privat is not known, did you mean alerts.refuse_private?\n    2 |   refuse_privat: ...",
		},
		"section that is a value": {
			"alerts: true\n",
			"watchkeeper.yaml:1: alerts must be a map, not a single value\n    1 | alerts: ...",
		},
		"list for a value": {
			"listen:\n  - :1\n",
			"watchkeeper.yaml:2: listen must be a single value, not a list\n    2 |   - :1",
		},
		"map for a value": {
			"time_zone: {name: UTC}\n",
			"watchkeeper.yaml:1: time_zone must be a single value, not a map\n    1 | time_zone: {name: UTC}",
		},
		"map for a list": {
			"tls_names: {a: b}\n",
			"watchkeeper.yaml:1: tls_names must be a single value, not a map\n    1 | tls_names: {a: b}",
		},
		"list in a list": {
			"tls_names: [a, [b]]\n",
			"watchkeeper.yaml:1: tls_names must be a list of single values, one of them is a list\n    1 | tls_names: [a, [b]]",
		},
		"nothing in a list": {
			"tls_names:\n- a\n-\n",
			"watchkeeper.yaml:2: tls_names must be a list of single values, one of them is nothing\n    2 | - a",
		},
		"true for a duration": {
			"# how long\ncatch_up: true\n",
			"watchkeeper.yaml:2: catch_up must be a duration such as 2s, 5m, 25h, 14d or 1d12h\n    2 | catch_up: true",
		},
		"number for a duration": {
			"catch_up: 600\n",
			"watchkeeper.yaml:1: catch_up must be a duration such as 2s, 5m, 25h, 14d or 1d12h\n    1 | catch_up: 600",
		},
		"word for a switch": {
			"alerts:\n  refuse_private: maybe\n",
			"watchkeeper.yaml:2: alerts.refuse_private must be true, 1 or yes, or false, 0 or no\n    2 |   refuse_private: maybe",
		},
		"not valid": {
			"\n\nlisten: 8443 # no colon\n",
			"watchkeeper.yaml:3: listen must be host:port such as :8443, 127.0.0.1:8443 or [::1]:8443\n    3 | listen: 8443 # no colon",
		},
		"secret that is too short": {
			"secret: hunter2\n",
			"watchkeeper.yaml:1: secret must be at least 16 bytes long, has 7\n    1 | secret: ...",
		},
		"secret of a wrong type": {
			"password: [hunter2]\n",
			"watchkeeper.yaml:1: password must be a single value, not a list\n    1 | password: ...",
		},
		"secret beside a mistake": {
			"{catch_up: soon, password: hunter2}\n",
			"watchkeeper.yaml:1: catch_up must be a duration such as 2s, 5m, 25h, 14d or 1d12h\n    1 | {catch_up: ...",
		},
		"same key twice": {
			"listen: ':1'\nlisten: ':2'\n",
			"watchkeeper.yaml:2: cannot be read as YAML: mapping key \"listen\" already defined at [1:1]\n    2 | listen: ...",
		},
		"same setting twice": {
			"alerts: {refuse_private: true}\nalerts.refuse_private: false\n",
			"watchkeeper.yaml:2: alerts.refuse_private must not be given twice\n    2 | alerts.refuse_private: false",
		},
		"no YAML": {
			"listen: ':1'\npassword: \"hunter2\n",
			"watchkeeper.yaml:2: cannot be read as YAML: could not find end character of double-quoted text\n    2 | password: ...",
		},
		"no colon": {
			"password hunter2\nlisten: ':1'\n",
			"watchkeeper.yaml:1: cannot be read as YAML: unexpected key name\n    1 | password ...",
		},
		"inside a secret of several lines": {
			"password: |-\n  hunter2 x\n hunter2 'y\n",
			"watchkeeper.yaml:3: cannot be read as YAML: value is not allowed in this context. map key-value is pre-defined\n    3 |  ...",
		},
		"no blank after the colon": {
			"password:hunter2\nlisten: ':1'\n",
			"watchkeeper.yaml:1: cannot be read as YAML: unexpected key name\n    1 | password ...",
		},
		"a list": {
			"- listen\n",
			"watchkeeper.yaml:1: must be a map, not a list\n    1 | - listen ...",
		},
		"only a text": {
			"hunter2\n",
			"watchkeeper.yaml:1: must be a map, not a single value\n    1 | ...",
		},
		"anchor": {
			"data: &x /srv\n",
			"watchkeeper.yaml:1: must be written out: anchors, aliases, tags and directives are not understood, and a text that looks like one needs quotes\n    1 | data: ...",
		},
		"alias": {
			"data: &x /srv\nlisten: *x\n",
			"watchkeeper.yaml:1: must be written out: anchors, aliases, tags and directives are not understood, and a text that looks like one needs quotes\n    1 | data: ...\n" +
				"watchkeeper.yaml:2: must be written out: anchors, aliases, tags and directives are not understood, and a text that looks like one needs quotes\n    2 | listen: ...",
		},
		"tag": {
			"events_list_limit: !!int 5\n",
			"watchkeeper.yaml:1: must be written out: anchors, aliases, tags and directives are not understood, and a text that looks like one needs quotes\n    1 | events_list_limit: ...",
		},
		"two documents": {
			"listen: ':1'\n---\ndata: /srv\n",
			"watchkeeper.yaml:3: must not begin a second document\n    3 | data: ...",
		},
		"key that is no word": {
			"null: listen\n",
			"watchkeeper.yaml:1: must have a plain word as key\n    1 | null: ...",
		},
		"escape codes": {
			"data: \"/srv\"\nlog_level: \"\x1b[31mloud\"\n",
			"watchkeeper.yaml:2: log_level must be one of debug, info, warn, error\n    2 | log_level: \"\uFFFD[31mloud\"",
		},

		"channels that are no list": {
			"channels:\n  ops: mail\n",
			"watchkeeper.yaml:2: channels must be a list, not a map\n    2 |   ops: ...",
		},
		"channel that is no map": {
			"channels: [ops]\n",
			"watchkeeper.yaml:1: channels[0] must be a map, not a single value\n    1 | channels: ...",
		},
		"channel with an unknown key": {
			"channels:\n  - name: ops\n    kind: mail\n    setting: {to: x}\n",
			"watchkeeper.yaml:4: channels[0].setting is not known, did you mean settings?\n    4 |     setting: ...",
		},
		"channel with a wrong kind": {
			"channels:\n  - name: a\n    kind: mail\n  - name: b\n    kind: pigeon\n",
			"watchkeeper.yaml:4: channels[1] kind must be one of mail, pushover, webhook, shoutrrr\n    4 |   - name: ...",
		},
		"channels of one name": {
			"channels:\n  - {name: a, kind: mail}\n  - {name: A, kind: webhook, settings: {url: hunter2}}\n",
			"watchkeeper.yaml:3: channels[1] name must not be the same as that of another: a\n    3 |   - {name: ...",
		},
		"channel with settings of a wrong type": {
			"channels:\n  - name: a\n    kind: mail\n    settings:\n      to: [hunter2]\n",
			"watchkeeper.yaml:4: channels[0].settings must hold single values, to is a list\n    4 |     settings: ...",
		},
		"preset without a name": {
			"events_presets:\n  - service: x\n",
			"watchkeeper.yaml:2: events_presets[0] name must not be empty\n    2 |   - service: x",
		},
		"preset that is no regular expression": {
			"events_presets:\n  - name: x\n    message: '(?=a)'\n",
			"watchkeeper.yaml:2: events_presets[0] message is not a regular expression of the RE2 dialect: invalid or unsupported Perl syntax: `(?=`\n    2 |   - name: x",
		},
		"targets of an unknown kind": {
			"alerts:\n  targets:\n    mail: [x]\n    fax: [y]\n",
			"watchkeeper.yaml:4: alerts.targets.fax must name kinds of channels: mail, pushover, webhook, shoutrrr\n    4 |     fax: [y]",
		},
		"targets that are no list": {
			"alerts:\n  targets:\n    mail: x\n",
			"watchkeeper.yaml:3: alerts.targets.mail must be a list, not a single value\n    3 |     mail: x",
		},
		"targets without a pattern": {
			"alerts:\n  targets:\n    mail: []\n",
			"watchkeeper.yaml:3: alerts.targets.mail must be a list of patterns\n    3 |     mail: []",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			loaded, err := given{file: test.file}.load(t)
			if err == nil {
				t.Fatalf("accepted as %v", loaded.Config)
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("a secret is shown")
			}
		})
	}
}

func TestFileIsReadAsItStands(t *testing.T) {
	loaded := given{file: "\uFEFF---\r\n# the settings of one server\r\n" + strings.ReplaceAll(`
listen: 127.0.0.1:8443   # behind a proxy
tls: off
password: 0123
pushover_token: 1.10
log_level: warn
data: |-
  /srv/watch keeper
tls_names: a.lan, b.lan
trusted_proxies:
  - 10.0.0.0/8
  - 127.0.0.1
time_zone: ~
alerts:
  refuse_private: no
  targets:
    mail: ["*@example.org", ops@example.com]
    webhook:
    - https://hooks.example.org/*
channels:
  - name: ops
    kind: mail
    settings: {to: ops@example.org, priority: 05, on: true, empty: }
  - name: bare
    kind: webhook
events_presets:
  - name: failed
    service: ^backup
    message: "fail|error"
  - {name: all}
`, "\n", "\r\n")}.mustLoad(t)
	want := config.Default()
	want.Listen, want.TLS, want.Password, want.PushoverToken = "127.0.0.1:8443", config.TLSOff, "0123", "1.10"
	want.LogLevel, want.Data = slog.LevelWarn, "/srv/watch keeper"
	want.TLSNames = []string{"a.lan", "b.lan"}
	want.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.1/32")}
	want.Alerts.Targets = map[api.ChannelKind][]string{
		api.ChannelMail: {"*@example.org", "ops@example.com"}, api.ChannelWebhook: {"https://hooks.example.org/*"},
	}
	want.Channels = []api.ChannelInput{
		{Name: "ops", Kind: api.ChannelMail, Settings: map[string]string{"to": "ops@example.org", "priority": "05", "on": "true", "empty": ""}},
		{Name: "bare", Kind: api.ChannelWebhook},
	}
	want.EventsPresets = []config.EventsPreset{{Name: "failed", Service: "^backup", Message: "fail|error"}, {Name: "all"}}
	if diff := diffConfigs(want, loaded.Config); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if got := loaded.Source("channels").String(); got != "watchkeeper.yaml:22" {
		t.Errorf("channels come from %s", got)
	}
}

func TestEmptyFiles(t *testing.T) {
	for _, text := range []string{"\n", "# nothing\n", "---\n", "{}\n", "alerts:\n", "alerts: {}\n", "channels: []\n", "\uFEFF\n"} {
		loaded := given{file: text}.mustLoad(t)
		if diff := diffConfigs(config.Default(), loaded.Config); diff != "" {
			t.Errorf("%q changes settings:\n%s", text, diff)
		}
	}
}
