package config_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchkeeper/api"
	"watchkeeper/server/config"
)

func TestProblemsNameTheSettingAsItWasGiven(t *testing.T) {
	tests := []struct {
		given given
		want  string
	}{
		{given{flags: []string{"--catch-up=soon"}}, `--catch-up must be a duration such as 2s, 5m, 25h, 14d or 1d12h, not "soon"`},
		{given{flags: []string{"--catch-up="}}, `--catch-up must be a duration such as 2s, 5m, 25h, 14d or 1d12h`},
		{given{flags: []string{"--catch-up=600"}}, `--catch-up must be a duration`},
		{given{flags: []string{"--catch-up=25h"}}, `--catch-up must be at most 1d`},
		{given{environ: []string{"WATCHKEEPER_TLS=letsencrypt"}}, `WATCHKEEPER_TLS must be one of self, files, acme, off, not "letsencrypt"`},
		{given{environ: []string{"WATCHKEEPER_TLS=Self"}}, `WATCHKEEPER_TLS must be one of self, files, acme, off, not "Self"`},
		{given{environ: []string{"WATCHKEEPER_SMTP_TLS=maybe"}}, `WATCHKEEPER_SMTP_TLS must be one of opportunistic, required, off, not "maybe"`},
		{given{environ: []string{"WATCHKEEPER_MIGRATE=false"}}, `WATCHKEEPER_MIGRATE must be one of on, off, not "false"`},
		{given{environ: []string{"WATCHKEEPER_LOG_LEVEL=INFO"}}, `WATCHKEEPER_LOG_LEVEL must be one of debug, info, warn, error, not "INFO"`},
		{given{environ: []string{"WATCHKEEPER_LOG_FORMAT=xml"}}, `WATCHKEEPER_LOG_FORMAT must be one of text, json, not "xml"`},
		{given{environ: []string{"WATCHKEEPER_ALERTS_REFUSE_PRIVATE=on"}}, `WATCHKEEPER_ALERTS_REFUSE_PRIVATE must be true, 1 or yes, or false, 0 or no, not "on"`},
		{given{environ: []string{"WATCHKEEPER_TIME_ZONE=Mars/Base"}}, `WATCHKEEPER_TIME_ZONE must be a time zone such as`},
		{given{environ: []string{"WATCHKEEPER_PING_BODY_LIMIT=lots"}}, `WATCHKEEPER_PING_BODY_LIMIT must be a size such as 10000, 64KiB or 2GiB, not "lots"`},
		{given{environ: []string{"WATCHKEEPER_EVENTS_LIST_LIMIT=1e3"}}, `WATCHKEEPER_EVENTS_LIST_LIMIT must be a whole number, not "1e3"`},
		{given{environ: []string{"WATCHKEEPER_EVENTS_LIST_LIMIT=0"}}, `WATCHKEEPER_EVENTS_LIST_LIMIT must be from 1 to 1000000`},
		{given{environ: []string{"WATCHKEEPER_SHUTDOWN_TIMEOUT=11s"}}, `WATCHKEEPER_SHUTDOWN_TIMEOUT must be above 0 and at most 10s`},
		{given{environ: []string{"WATCHKEEPER_SHUTDOWN_TIMEOUT=0"}}, `WATCHKEEPER_SHUTDOWN_TIMEOUT must be above 0`},
		{given{environ: []string{"WATCHKEEPER_LISTEN=8443"}}, `WATCHKEEPER_LISTEN must be host:port such as`},
		{given{environ: []string{"WATCHKEEPER_LISTEN=:https"}}, `WATCHKEEPER_LISTEN must be host:port`},
		{given{environ: []string{"WATCHKEEPER_LISTEN=:65536"}}, `WATCHKEEPER_LISTEN must be host:port`},
		{given{environ: []string{"WATCHKEEPER_PUBLIC_URL=watch.example.org"}}, `WATCHKEEPER_PUBLIC_URL must be an absolute address`},
		{given{environ: []string{"WATCHKEEPER_PUBLIC_URL=ftp://watch.example.org"}}, `WATCHKEEPER_PUBLIC_URL must be an absolute`},
		{given{environ: []string{"WATCHKEEPER_PUBLIC_URL=https://me@watch.example.org"}}, `WATCHKEEPER_PUBLIC_URL must be an absolute`},
		{given{environ: []string{"WATCHKEEPER_PUBLIC_URL=https://watch.example.org/?a"}}, `WATCHKEEPER_PUBLIC_URL must be an absolute`},
		{given{environ: []string{"WATCHKEEPER_PUBLIC_URL=https://"}}, `WATCHKEEPER_PUBLIC_URL must be an absolute`},
		{given{flags: []string{"--pushover-url="}}, `--pushover-url must not be empty`},
		{given{flags: []string{"--data="}}, `--data must name a folder`},
		{given{environ: []string{"WATCHKEEPER_TRUSTED_PROXIES=10.0.0.0/8,proxy"}}, `WATCHKEEPER_TRUSTED_PROXIES must be addresses or networks`},
		{given{environ: []string{"WATCHKEEPER_TRUSTED_PROXIES=10.0.0.0/33"}}, `WATCHKEEPER_TRUSTED_PROXIES must be addresses or networks`},
		{given{environ: []string{"WATCHKEEPER_TLS_NAMES=https://watch.lan"}}, `WATCHKEEPER_TLS_NAMES must be host names or IP addresses`},
		{given{environ: []string{"WATCHKEEPER_TLS_NAMES=watch.lan:8443"}}, `WATCHKEEPER_TLS_NAMES must be host names`},
		{given{environ: []string{"WATCHKEEPER_SMTP_FROM=nobody"}}, `WATCHKEEPER_SMTP_FROM must be a mail address`},
		{given{environ: []string{"WATCHKEEPER_DEFAULT_ROUTE=mail:"}}, `WATCHKEEPER_DEFAULT_ROUTE must have an address after mail, such as mail:ADDRESS`},
		{given{environ: []string{"WATCHKEEPER_DEFAULT_ROUTE=:x"}}, `WATCHKEEPER_DEFAULT_ROUTE must name a channel`},
		{given{environ: []string{"WATCHKEEPER_ALERTS_TARGETS=*@example.org"}}, `WATCHKEEPER_ALERTS_TARGETS must be patterns such as`},
		{given{environ: []string{"WATCHKEEPER_ALERTS_TARGETS=email=*@example.org"}}, `WATCHKEEPER_ALERTS_TARGETS must name kinds of channels: mail, pushover, webhook, shoutrrr`},
		{given{environ: []string{"WATCHKEEPER_ALERTS_TARGETS=mail="}}, `WATCHKEEPER_ALERTS_TARGETS must have a pattern after each kind`},
		{given{environ: []string{"WATCHKEEPER_RETENTION_EVENTS_AGE=90s"}}, `WATCHKEEPER_RETENTION_EVENTS_AGE must be 0, for ever, or at least 1h`},
		{given{environ: []string{"WATCHKEEPER_RETENTION_PULSES_SIZE=2KiB"}}, `WATCHKEEPER_RETENTION_PULSES_SIZE must be 0, no limit, or at least 16MiB`},
		// Of what may be a secret, nothing is repeated.
		{given{environ: []string{"WATCHKEEPER_SECRET=hunter2"}}, `WATCHKEEPER_SECRET must be at least 16 bytes long, has 7`},
		{given{environ: []string{"WATCHKEEPER_PASSWORD= hunter2"}}, `WATCHKEEPER_PASSWORD must not begin or end with blanks`},
		{given{environ: []string{"WATCHKEEPER_DATABASE=mysql://me:hunter2@db/x"}}, `WATCHKEEPER_DATABASE must be empty for SQLite or postgres://`},
		{given{environ: []string{"WATCHKEEPER_DATABASE=postgres:hunter2"}}, `WATCHKEEPER_DATABASE must be empty`},
		{given{environ: []string{"WATCHKEEPER_DATABASE=host=db password=hunter2"}}, `WATCHKEEPER_DATABASE must be empty`},
		{given{environ: []string{"WATCHKEEPER_SMTP_URL=smtp://me:hunter2%@mail"}}, `WATCHKEEPER_SMTP_URL must be smtp://user:password@host:port`},
		{given{environ: []string{"WATCHKEEPER_SMTP_URL=https://me:hunter2@mail"}}, `WATCHKEEPER_SMTP_URL must be smtp://`},
		{given{environ: []string{"WATCHKEEPER_SMTP_URL=smtp://me:hunter2@"}}, `WATCHKEEPER_SMTP_URL must be smtp://`},
		{given{environ: []string{"WATCHKEEPER_SMTP_URL=smtp://mail/hunter2"}}, `WATCHKEEPER_SMTP_URL must be smtp://`},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.given.flags, test.given.environ), func(t *testing.T) {
			loaded, err := test.given.load(t)
			if err == nil {
				t.Fatalf("accepted as %v, want %q", loaded.Config, test.want)
			}
			if !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("error %q, want it to begin with %q", err, test.want)
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line, or a secret: %q", err)
			}
		})
	}
}

func TestAllProblemsAreReportedAtOnce(t *testing.T) {
	_, err := given{
		flags:   []string{"--catch-up=soon"},
		environ: []string{"WATCHKEEPER_TLS=letsencrypt", "WATCHKEEPER_SECRET=short"},
		file:    "listen: 5\nlog_level: loud\ntls: files\n",
	}.load(t)
	want := strings.Join([]string{
		`watchkeeper.yaml:2: log_level must be one of debug, info, warn, error`,
		`    2 | log_level: loud`,
		`WATCHKEEPER_TLS must be one of self, files, acme, off, not "letsencrypt"`,
		`--catch-up must be a duration such as 2s, 5m, 25h, 14d or 1d12h, not "soon"`,
		`watchkeeper.yaml:1: listen must be host:port such as :8443, 127.0.0.1:8443 or [::1]:8443`,
		`    1 | listen: 5`,
		`WATCHKEEPER_SECRET must be at least 16 bytes long, has 5`,
	}, "\n")
	if err == nil {
		t.Fatal("accepted")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestFilesOfTLS(t *testing.T) {
	both := []string{"--tls-cert=cert.pem", "--tls-key=key.pem"}
	loaded := given{flags: append([]string{"--tls=files"}, both...)}.mustLoad(t)
	if c := loaded.Config; c.TLS != config.TLSFiles || c.TLSCert != "cert.pem" || c.TLSKey != "key.pem" {
		t.Errorf("loaded %v", c)
	}
	_, err := given{flags: append([]string{"--tls=file"}, both...)}.load(t)
	if want := `--tls must be one of self, files, acme, off, not "file"`; err == nil || err.Error() != want {
		t.Errorf("a wrong word: %v, want only %q", err, want)
	}
	for _, test := range []struct {
		flags []string
		want  string
	}{
		{[]string{"--tls=files", "--tls-cert=cert.pem"}, "--tls-key or WATCHKEEPER_TLS_KEY must be given with tls files"},
		{[]string{"--tls-cert=cert.pem"}, "--tls-cert must not be given with tls self, only with tls files"},
		{append([]string{"--tls=off"}, both...), "--tls-cert must not be given with tls off, only with tls files\n--tls-key must not"},
		{[]string{"--tls=files", "--tls-key=key.pem", "--tls-cert=-----BEGIN CERTIFICATE-----\nMIIB"}, "--tls-cert must be a path; a variable that ends in _FILE"},
	} {
		if _, err := (given{flags: test.flags}).load(t); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%q: %v, want %q", test.flags, err, test.want)
		}
	}
}

func TestACME(t *testing.T) {
	loaded := given{flags: []string{"--tls=acme", "--acme-http=:80"}, environ: []string{"WATCHKEEPER_ACME_EMAIL=ops@example.org"}}.mustLoad(t)
	want := config.ACME{Directory: "https://acme-v02.api.letsencrypt.org/directory", Email: "ops@example.org", HTTP: ":80"}
	if loaded.Config.TLS != config.TLSACME || loaded.Config.ACME != want {
		t.Errorf("loaded %+v", loaded.Config.ACME)
	}
	for _, test := range []struct {
		flags []string
		want  string
	}{
		{[]string{"--acme-http=:80"}, "--acme-http must not be given with tls self, only with tls acme"},
		{[]string{"--tls=acme", "--acme-http=80"}, "--acme-http must be host:port"},
		{[]string{"--tls=acme", "--acme-directory=http://ca.lan/dir"}, "--acme-directory must be the URL of an ACME directory"},
		{[]string{"--tls=acme", "--acme-directory="}, "--acme-directory must be the URL of an ACME directory"},
		{[]string{"--tls=acme", "--acme-email=Ops <ops@example.org>"}, "--acme-email must be a bare mail address"},
		{[]string{"--tls=acme", "--acme-ca=-----BEGIN CERTIFICATE-----\nMIIB"}, "--acme-ca must be a path"},
	} {
		if _, err := (given{flags: test.flags}).load(t); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%q: %v, want %q", test.flags, err, test.want)
		}
	}
}

func TestValidateNamesKeys(t *testing.T) {
	if err := config.Default().Validate(); err != nil {
		t.Errorf("the defaults are not valid: %v", err)
	}
	c := config.Default()
	c.Listen, c.TLS, c.Migrate, c.TimeZone = "x", "tsl", "", nil
	c.PingBodyLimit, c.CatchUp = -1, -time.Second
	c.Channels = []api.ChannelInput{{Name: "a", Kind: api.ChannelMail}, {Name: "A", Kind: api.ChannelMail}}
	c.EventsPresets = []config.EventsPreset{{Name: "x", Service: "("}}
	err := c.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	var keys []string
	for line := range strings.Lines(err.Error()) {
		keys = append(keys, line[:strings.Index(line, " must")])
	}
	want := []string{"listen", "time_zone", "migrate", "tls", "channels", "catch_up", "ping_body_limit", "events_presets"}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestPrintingShowsNoSecrets(t *testing.T) {
	loaded := given{
		environ: []string{
			"WATCHKEEPER_PASSWORD=hunter2", "WATCHKEEPER_SECRET=hunter2-hunter2-hunter2", "WATCHKEEPER_PUSHOVER_TOKEN=hunter2",
			"WATCHKEEPER_SMTP_URL=smtps://me:hunter2@mail.example.org", "WATCHKEEPER_DATABASE=postgresql://me:hunter2@db/w?password=hunter2",
		},
		file: `
channels:
  - {name: ops, kind: webhook, settings: {url: "https://x/hunter2"}}
default_route: ["webhook:https://x/a,hunter2", "mail:me@example.org"]
`,
	}.mustLoad(t)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("settings", "config", loaded.Config)
	texts := []string{
		fmt.Sprint(loaded.Config), fmt.Sprintf("%v %+v %#v", loaded.Config, loaded.Config, &loaded.Config), log.String(),
		fmt.Sprint(loaded.Explain()),
	}
	for _, text := range texts {
		if strings.Contains(text, "hunter2") {
			t.Errorf("a secret is shown: %s", text)
		}
		if !strings.Contains(text, "mail:me@example.org") || !strings.Contains(text, "ops (webhook)") {
			t.Errorf("what may be shown is not: %s", text)
		}
	}
}
