package config_test

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/pflag"

	"watchkeeper/server/config"
)

var update = flag.Bool("update", false, "write the golden files anew")

// given is what a user sets, in all the ways there are.
type given struct {
	flags   []string
	environ []string
	file    string // content of the settings file
}

func (g given) load(t *testing.T) (*config.Loaded, error) {
	t.Helper()
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.Flags(fs)
	environ := append([]string{"HOME=/nowhere"}, g.environ...)
	if g.file != "" {
		t.Chdir(t.TempDir())
		if err := os.WriteFile("watchkeeper.yaml", []byte(g.file), 0o600); err != nil {
			t.Fatal(err)
		}
		environ = append(environ, "WATCHKEEPER_CONFIG=watchkeeper.yaml")
	}
	if err := fs.Parse(g.flags); err != nil {
		t.Fatal(err)
	}
	return config.Load(config.Input{Flags: fs, Environ: environ})
}

func (g given) mustLoad(t *testing.T) *config.Loaded {
	t.Helper()
	loaded, err := g.load(t)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func diffConfigs(want, got config.Config) string {
	sameZone := cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })
	return cmp.Diff(want, got, sameZone, cmpopts.EquateComparable(netip.Prefix{}))
}

// samples has one text for each setting, other than its default, and how Explain shows it.
var samples = map[string]struct{ text, shown string }{
	"listen":                {"127.0.0.1:9000", "127.0.0.1:9000"},
	"public_url":            {"https://watch.example.org/base/", "https://watch.example.org/base"},
	"trusted_proxies":       {"10.1.2.3/8, 192.168.1.1,fd00::1/8,::ffff:10.0.0.1", "10.0.0.0/8,192.168.1.1/32,fd00::/8,10.0.0.1/32"},
	"time_zone":             {"Europe/Paris", "Europe/Paris"},
	"shutdown_timeout":      {"1500ms", "1s500ms"},
	"log_level":             {"debug", "debug"},
	"log_format":            {"json", "json"},
	"data":                  {"/var/lib/watchkeeper", "/var/lib/watchkeeper"},
	"database":              {"postgres://me:hunter2@db:5432/watch?sslmode=disable", "postgres://me:***@db:5432/watch?***"},
	"secret":                {"sixteen bytes....", "***"},
	"migrate":               {"off", "off"},
	"password":              {"0x10", "***"},
	"tls":                   {"off", "off"},
	"tls_cert":              {"", ""}, // only with tls files, see TestFilesOfTLS
	"tls_key":               {"", ""},
	"public_tags":           {"web, shop", "web,shop"},
	"acme.directory":        {"https://ca.lan:9000/acme/acme/directory", "https://ca.lan:9000/acme/acme/directory"},
	"acme.email":            {"ops@example.org", "ops@example.org"},
	"acme.ca":               {"root.pem", "root.pem"},
	"acme.http":             {"", ""}, // only with tls acme, see TestACME
	"tls_names":             {"watch.lan, 10.0.0.5,fe80::1", "watch.lan,10.0.0.5,fe80::1"},
	"default_route":         {"mail:me@example.org, pushover:uQiRzpo4DXghDmr9QzzfQu27cmVRsG, ops", "mail:me@example.org,pushover:***,ops"},
	"heartbeat_url":         {"https://hc-ping.example.org/a-uuid?x=1", "***"},
	"smtp_url":              {"smtp://user%40example.org:p%2Fw@mail.example.org:587", "smtp://user%40example.org:***@mail.example.org:587"},
	"smtp_from":             {"Watchkeeper <w@example.org>", "Watchkeeper <w@example.org>"},
	"smtp_tls":              {"required", "required"},
	"pushover_token":        {"azGDORePK8gMaC0QOYAMyEEuzJnyUi", "***"},
	"pushover_url":          {"http://127.0.0.1:7777/1/", "http://127.0.0.1:7777/1"},
	"alerts.refuse_private": {"yes", "true"},
	"alerts.targets":        {"mail=*@example.org,pushover=uQ*,mail=a@b.org", "mail=*@example.org,mail=a@b.org,pushover=uQ*"},
	"retention.events_age":  {"0", "0s"},
	"retention.events_size": {"0", "0"},
	"retention.pulses_age":  {"14d", "14d"},
	"retention.pulses_size": {"64MiB", "64MiB"},
	"retention.changes_age": {"1d12h", "1d12h"},
	"catch_up":              {"1h30m", "1h30m"},
	"ping_body_limit":       {"64KiB", "64KiB"},
	"events_list_limit":     {"123", "123"},
}

// TestEverySettingHasThreeNames gives each setting as a flag, as a variable, as the file of a variable and in the
// settings file, and wants the same value each time.
func TestEverySettingHasThreeNames(t *testing.T) {
	for _, s := range config.Settings() {
		if s.FileOnly() {
			continue
		}
		sample, ok := samples[s.Key]
		if !ok {
			t.Errorf("the table above has no sample for %s", s.Key)
		}
		if sample.text == "" {
			continue
		}
		t.Run(s.Key, func(t *testing.T) {
			secret := filepath.Join(t.TempDir(), "value")
			if err := os.WriteFile(secret, []byte(sample.text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			ways := map[config.Source]given{
				{Origin: config.OriginFlag, Name: "--" + s.Flag()}:               {flags: []string{"--" + s.Flag() + "=" + sample.text}},
				{Origin: config.OriginEnvironment, Name: s.Variable()}:           {environ: []string{s.Variable() + "=" + sample.text}},
				{Origin: config.OriginEnvironment, Name: s.Variable() + "_FILE"}: {environ: []string{s.Variable() + "_FILE=" + secret}},
				{Origin: config.OriginFile, Name: "watchkeeper.yaml", Line: 1}:   {file: s.Key + ": " + yamlText(s, sample.text)},
				{Origin: config.OriginFile, Name: "watchkeeper.yaml", Line: 2}:   {file: "# a comment\n" + s.Key + ": " + yamlText(s, sample.text) + " # another\n"},
			}
			for source, way := range ways {
				loaded := way.mustLoad(t)
				for _, e := range loaded.Explain() {
					want := config.Explained{Key: s.Key, Value: sample.shown, Source: source}
					if e.Key != s.Key {
						want = config.Explained{Key: e.Key, Value: e.Value, Source: config.Source{Origin: config.OriginDefault}}
					}
					if diff := cmp.Diff(want, e); diff != "" {
						t.Errorf("by %s (-want +got):\n%s", source, diff)
					}
				}
				if diffConfigs(config.Default(), loaded.Config) == "" {
					t.Errorf("by %s: nothing changed", source)
				}
			}
		})
	}
}

func yamlText(s config.Setting, text string) string {
	if s.Key == "alerts.targets" {
		return `{mail: ["*@example.org", a@b.org], pushover: [uQ*]}`
	}
	return fmt.Sprintf("%q", text)
}

func TestFlagWinsOverVariableOverFileOverDefault(t *testing.T) {
	file, variable, flag := "catch_up: 1m", []string{"WATCHKEEPER_CATCH_UP=2m"}, []string{"--catch-up", "3m"}
	tests := []struct {
		name   string
		given  given
		want   time.Duration
		source string
	}{
		{"default", given{}, 10 * time.Minute, "default"},
		{"file", given{file: file}, time.Minute, "watchkeeper.yaml:1"},
		{"variable", given{environ: variable}, 2 * time.Minute, "WATCHKEEPER_CATCH_UP"},
		{"flag", given{flags: flag}, 3 * time.Minute, "--catch-up"},
		{"variable over file", given{environ: variable, file: file}, 2 * time.Minute, "WATCHKEEPER_CATCH_UP"},
		{"flag over file", given{flags: flag, file: file}, 3 * time.Minute, "--catch-up"},
		{"flag over variable", given{flags: flag, environ: variable}, 3 * time.Minute, "--catch-up"},
		{"flag over both", given{flags: flag, environ: variable, file: file}, 3 * time.Minute, "--catch-up"},
		{"empty variable", given{environ: []string{"WATCHKEEPER_CATCH_UP="}, file: file}, time.Minute, "watchkeeper.yaml:1"},
		{"empty in the file", given{file: "catch_up:\n"}, 10 * time.Minute, "default"},
		{"empty text in the file", given{file: "catch_up: ''\n"}, 10 * time.Minute, "default"},
		{"last flag", given{flags: []string{"--catch-up=1m", "--catch-up=7m"}}, 7 * time.Minute, "--catch-up"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			loaded := test.given.mustLoad(t)
			if got := loaded.Config.CatchUp; got != test.want {
				t.Errorf("catch_up = %v, want %v", got, test.want)
			}
			if got := loaded.Source("catch_up").String(); got != test.source {
				t.Errorf("source %q, want %q", got, test.source)
			}
		})
	}
}

func TestListsReplaceAndRepeatedFlagsAdd(t *testing.T) {
	file := "tls_names:\n  - a.lan\n  - b.lan\nalerts: {targets: {mail: [x@example.org]}}\n"
	loaded := given{file: file}.mustLoad(t)
	if diff := cmp.Diff([]string{"a.lan", "b.lan"}, loaded.Config.TLSNames); diff != "" {
		t.Error(diff)
	}
	loaded = given{
		file:  file,
		flags: []string{"--tls-names=c.lan,d.lan", "--tls-names", "e.lan", "--alerts-targets=mail=*", "--alerts-targets=webhook=https://*"},
	}.mustLoad(t)
	if diff := cmp.Diff([]string{"c.lan", "d.lan", "e.lan"}, loaded.Config.TLSNames); diff != "" {
		t.Error(diff)
	}
	if got := fmt.Sprint(loaded.Config.Alerts.Targets); got != "map[mail:[*] webhook:[https://*]]" {
		t.Error(got)
	}
	loaded = given{file: file, flags: []string{"--tls-names="}}.mustLoad(t)
	if len(loaded.Config.TLSNames) != 0 {
		t.Errorf("an empty flag left %v", loaded.Config.TLSNames)
	}
}

func TestSwitches(t *testing.T) {
	for text, want := range map[string]bool{
		"true": true, "1": true, "yes": true, "TRUE": true, "Yes": true,
		"false": false, "0": false, "no": false, "False": false,
	} {
		for name, way := range map[string]given{
			"flag":     {flags: []string{"--alerts-refuse-private=" + text}},
			"variable": {environ: []string{"WATCHKEEPER_ALERTS_REFUSE_PRIVATE=" + text}},
			"file":     {file: "alerts:\n  refuse_private: " + text},
		} {
			if got := way.mustLoad(t).Config.Alerts.RefusePrivate; got != want {
				t.Errorf("%q as %s is %v", text, name, got)
			}
		}
	}
	if !(given{flags: []string{"--alerts-refuse-private"}}).mustLoad(t).Config.Alerts.RefusePrivate {
		t.Error("the flag without a value is not true")
	}
	if (given{flags: []string{"--alerts-refuse-private=no"}, environ: []string{"WATCHKEEPER_ALERTS_REFUSE_PRIVATE=1"}}).mustLoad(t).Config.Alerts.RefusePrivate {
		t.Error("a variable won over a flag that says no")
	}
}

func TestVariableOfAFile(t *testing.T) {
	folder := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for content, want := range map[string]string{
		"s3cret": "s3cret", "s3cret\n": "s3cret", "s3cret\r\n": "s3cret",
	} {
		loaded := given{environ: []string{"WATCHKEEPER_PASSWORD_FILE=" + write("p", content)}}.mustLoad(t)
		if got := loaded.Config.Password; got != want {
			t.Errorf("%q is read as %q", content, got)
		}
	}
	for name, test := range map[string]struct{ environ, want string }{
		"missing":  {filepath.Join(folder, "none"), "WATCHKEEPER_PASSWORD_FILE must name a file that can be read: open "},
		"a folder": {folder, "WATCHKEEPER_PASSWORD_FILE must name a file that can be read: read "},
		"huge":     {write("h", strings.Repeat("x", 70_000)), "WATCHKEEPER_PASSWORD_FILE must name a file of at most 64KiB"},
		"lines":    {write("l", "one\ntwo\n"), "WATCHKEEPER_PASSWORD_FILE must not begin or end with blanks nor contain line breaks"},
	} {
		_, err := given{environ: []string{"WATCHKEEPER_PASSWORD_FILE=" + test.environ}}.load(t)
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, test.want)
		}
	}
	_, err := given{environ: []string{"WATCHKEEPER_PASSWORD=a", "WATCHKEEPER_PASSWORD_FILE=b"}}.load(t)
	if want := "WATCHKEEPER_PASSWORD must not be set together with WATCHKEEPER_PASSWORD_FILE"; err == nil || err.Error() != want {
		t.Errorf("both set: %v, want %q", err, want)
	}
	if got := (given{environ: []string{"WATCHKEEPER_PASSWORD=a", "WATCHKEEPER_PASSWORD_FILE="}}).mustLoad(t).Config.Password; got != "a" {
		t.Errorf("an empty _FILE variable counts: password %q", got)
	}
}

func TestEmptyFileCountsAsNotSet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(path, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	loaded := given{environ: []string{"WATCHKEEPER_SMTP_URL_FILE=" + path}}.mustLoad(t)
	want := []string{"WATCHKEEPER_SMTP_URL_FILE names an empty file, so smtp_url counts as not set"}
	if loaded.Config.SMTPURL != "" || loaded.Source("smtp_url").Origin != config.OriginDefault || !slices.Equal(loaded.Warnings, want) {
		t.Errorf("value %q from %v with warnings %q", loaded.Config.SMTPURL, loaded.Source("smtp_url"), loaded.Warnings)
	}
}

func TestUnknownVariablesAreOneWarning(t *testing.T) {
	loaded := given{environ: []string{
		"WATCHKEEPER_LISTN=:1", "WATCHKEEPER_SMTP_PASSWORD=hunter2", "WATCHKEEPER_CHANNELS=x", "WATCHKEEPER_EMPTY=",
		"WATCHKEEPER_URL=https://x", "WATCHKEEPER_TOKEN=t", "WATCHKEEPER_CA=ca.pem", "WATCHER=1",
	}}.mustLoad(t)
	want := []string{"environment variables that are not known: WATCHKEEPER_CHANNELS, " +
		"WATCHKEEPER_LISTN (did you mean WATCHKEEPER_LISTEN?), WATCHKEEPER_SMTP_PASSWORD"}
	if diff := cmp.Diff(want, loaded.Warnings); diff != "" {
		t.Error(diff)
	}
	if warnings := (given{}).mustLoad(t).Warnings; len(warnings) != 0 {
		t.Errorf("warnings without a cause: %v", warnings)
	}
}

func TestSettingsFileThatCannotBeRead(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, test := range map[string]struct {
		given given
		want  string
	}{
		"flag":     {given{flags: []string{"--config", "none.yaml"}}, "--config must name a file that can be read: open none.yaml: no such file or directory"},
		"variable": {given{environ: []string{"WATCHKEEPER_CONFIG=none.yaml"}}, "WATCHKEEPER_CONFIG must name a file that can be read: open none.yaml: no such file or directory"},
		"large":    {given{file: "listen: ':1'\n" + strings.Repeat("# comment\n", 30_000)}, "watchkeeper.yaml: must be at most 256KiB"},
	} {
		if _, err := test.given.load(t); err == nil || err.Error() != test.want {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	loaded := given{flags: []string{"--config="}, file: "listen: ':1'"}.mustLoad(t)
	if loaded.File != "" || loaded.Config.Listen != config.Default().Listen {
		t.Errorf("an empty --config read %q", loaded.File)
	}
}

func TestWithoutFlagsAndEnvironment(t *testing.T) {
	loaded, err := config.Load(config.Input{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := diffConfigs(config.Default(), loaded.Config); diff != "" {
		t.Error(diff)
	}
}

func TestFlagsOfSomeGroups(t *testing.T) {
	fs := pflag.NewFlagSet("password", pflag.ContinueOnError)
	config.Flags(fs, config.GroupStorage)
	var names []string
	fs.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if diff := cmp.Diff([]string{"config", "data", "database", "migrate", "secret"}, names); diff != "" {
		t.Error(diff)
	}
	if err := fs.Parse([]string{"--data", "/srv"}); err != nil {
		t.Fatal(err)
	}
	loaded, err := config.Load(config.Input{Flags: fs, Environ: []string{"WATCHKEEPER_LISTEN=:1"}})
	if err != nil {
		t.Fatal(err)
	}
	if loaded.Config.Data != "/srv" || loaded.Config.Listen != ":1" {
		t.Errorf("data %q, listen %q", loaded.Config.Data, loaded.Config.Listen)
	}
}
