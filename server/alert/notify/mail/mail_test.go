package mail

import (
	"errors"
	"flag"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/google/go-cmp/cmp"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/alert/notify/notifytest"
	"watchkeeper/server/dial"
)

var _ = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sending makes a channel of settings that goes out through a server.
func sending(t *testing.T, s *notifytest.SMTP, settings map[string]string) notify.Channel {
	t.Helper()
	c, err := newChannel(notify.Options{Settings: settings, Dialer: dial.New(dial.AllowPrivate), Defaults: notify.Defaults{
		SMTPURL: s.URL(), SMTPFrom: "Watchkeeper <wk@example.org>", Hostname: "watch.example.org", RootCAs: s.Pool(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func sample(name string) *notify.Message {
	m := notifytest.Samples()[name]
	return &m
}

func wantFailure(t *testing.T, err error, persistence notify.Persistence, text string) {
	t.Helper()
	var f *notify.Failure
	if !errors.As(err, &f) {
		t.Fatalf("error %v is no failure", err)
	}
	if f.Persistence != persistence || !strings.Contains(f.Error(), text) {
		t.Errorf("%s: %q, want %s: ...%s...", f.Persistence, f, persistence, text)
	}
}

func TestSettings(t *testing.T) {
	registry := notify.Registry{api.ChannelMail: Kind()}
	for name, test := range map[string]struct {
		settings map[string]string
		defaults notify.Defaults
		want     string // the place of what is wrong
	}{
		"nothing set":    {nil, notify.Defaults{}, "body.settings.url"},
		"default server": {nil, notify.Defaults{SMTPURL: "smtp://mail.example.org"}, ""},
		"own server":     {map[string]string{"url": "smtps://mail.example.org"}, notify.Defaults{SMTPURL: "::"}, ""},
		"no mail server": {map[string]string{"url": "https://mail.example.org"}, notify.Defaults{}, "body.settings.url"},
		"bad starttls":   {map[string]string{"url": "smtp://h", "starttls": "maybe"}, notify.Defaults{}, "body.settings.url"},
		"bad sender":     {map[string]string{"url": "smtp://h", "from": "x"}, notify.Defaults{}, "body.settings.from"},
		"bad recipient":  {map[string]string{"url": "smtp://h", "to": "a@example.org, b"}, notify.Defaults{}, "body.settings.to"},
		"unknown":        {map[string]string{"url": "smtp://h", "too": "a@example.org"}, notify.Defaults{}, "body.settings.too"},
	} {
		_, err := registry.New(api.ChannelMail, notify.Options{Settings: test.settings, Defaults: test.defaults})
		var wrong *api.Error
		switch {
		case test.want == "" && err != nil, test.want != "" && !errors.As(err, &wrong):
			t.Errorf("%s: %v", name, err)
		case test.want != "" && (len(wrong.Fields) != 1 || wrong.Fields[0].Location != test.want):
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

func TestSenderWithoutAnAddress(t *testing.T) {
	for _, test := range []struct {
		url, hostname, want string
	}{
		{"smtp://me%40example.org:pw@mail.example.org", "nas", "me@example.org"},
		{"smtp://me:pw@mail.example.org", "nas.example.org", "watchkeeper@nas.example.org"},
		{"smtp://mail.example.org", "", "watchkeeper@localhost"},
		{"smtp://mail.example.org", "no name\r\n", "watchkeeper@localhost"},
	} {
		c, err := newChannel(notify.Options{Defaults: notify.Defaults{SMTPURL: test.url, Hostname: test.hostname}})
		if err != nil {
			t.Fatal(err)
		}
		if from := c.(*channel).from; from.Address != test.want || from.Name != "Watchkeeper" {
			t.Errorf("from %v, want %s", from, test.want)
		}
	}
}

func TestServerURL(t *testing.T) {
	for _, test := range []struct {
		url, starttls string
		want          server
	}{
		{"smtp://h", "", server{host: "h", port: "25", encryption: offered}},
		{"smtp://u:p@h", "", server{"h", "587", "u", "p", offered, false}},
		{"smtps://u:p@h", "off", server{"h", "465", "u", "p", implicit, false}},
		{"smtp://u%40x:p%3A%2F%25@[::1]:2525/", "", server{"::1", "2525", "u@x", "p:/%", offered, true}},
		{"smtp://h?starttls=required", "", server{host: "h", port: "25", encryption: required}},
		{"smtp://h?starttls=required", "off", server{host: "h", port: "25", encryption: off}},
	} {
		got, err := parseServer(test.url, test.starttls)
		if err != nil || got != test.want {
			t.Errorf("%s, %q: %+v, %v; want %+v", test.url, test.starttls, got, err, test.want)
		}
	}
	for _, bad := range []string{
		"", "h", "h:25", "smtp:h", "smtp://", "smtp://:25", "http://h", "smtp://h/path", "smtp://h#f", "smtp://h:0", "smtp://h:99999",
		"smtp://h?tls=off", "smtp://h?starttls=maybe", "smtp://h?starttls=off&starttls=required", "smtp://u:hunter2%zz@h", "smtp://u:hunter2 @h\n",
	} {
		_, err := parseServer(bad, "")
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestWhenCertificatesMatter(t *testing.T) {
	for _, test := range []struct {
		url               string
		verify, logInBare bool
	}{
		{"smtp://mail.example.org", false, false},
		{"smtp://u:p@mail.example.org", true, false},
		{"smtp://u:p@mail.example.org?starttls=off", true, true},
		{"smtp://mail.example.org?starttls=required", true, false},
		{"smtps://127.0.0.1", true, true},
		{"smtp://u:p@127.0.0.1", false, true},
		{"smtp://u:p@[::ffff:127.0.0.1]", false, true},
		{"smtp://u:p@localhost", false, true},
		{"smtp://u:p@localhost.example.org", true, false},
	} {
		s, err := parseServer(test.url, "")
		if err != nil {
			t.Fatal(err)
		}
		if s.verify() != test.verify || s.mayLogIn(false) != test.logInBare || !s.mayLogIn(true) {
			t.Errorf("%s: verify %v, password in the clear %v", test.url, s.verify(), s.mayLogIn(false))
		}
	}
}

func TestTargets(t *testing.T) {
	c := &channel{}
	for _, good := range []string{
		"me@example.org", "root@localhost", "Me <me@example.org>", "a@example.org,b@example.org", `"Größe, Inc." <a+b@xn--bcher-kva.example>`,
	} {
		if err := c.ValidateTarget(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "me", "me@", "@example.org", "me@example.org\r\nBcc: x@example.org", "me@example.org>\r\nDATA", "a@example.org;b@example.org",
		"größe@example.org", "me@bücher.example", `"a b"@example.org`, `"a\"b"@example.org`, "me@exa mple.org", "<me@example.org",
		"=?utf-8?q?a=0Ab?= <a@example.org>", strings.Repeat("a", 250) + "@example.org",
		strings.Repeat("a@example.org,", maxRecipients) + "a@example.org", strings.Repeat("a@example.org,", 10_000),
	} {
		if err := c.ValidateTarget(bad); api.KindOf(err) != api.KindInvalid {
			t.Errorf("%.60q: %v", bad, err)
		}
	}
	own := &channel{to: "me@example.org"}
	if err := own.ValidateTarget(""); err != nil {
		t.Errorf("the channel's own recipient: %v", err)
	}
	if err := own.ValidateTarget("you@example.org"); err == nil {
		t.Error("a channel with a recipient of its own takes another")
	}
}

func FuzzRecipients(f *testing.F) {
	for _, seed := range []string{"a@b", `"x\r\ny" <a@b>`, "=?utf-8?q?=0D=0A?= <a@b>", "a@b, c@d", "g: a@b, c@d;", "a@[1.2.3.4]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseRecipients(text)
		if err != nil {
			return
		}
		for _, a := range list {
			if p := path(a); strings.ContainsAny(p[1:len(p)-1], "<> \r\n\x00") || !strings.Contains(p, "@") {
				t.Errorf("%q gives the path %q", text, p)
			}
			if strings.ContainsAny(a.String(), "\r\n\x00") {
				t.Errorf("%q gives the header %q", text, a)
			}
			again, err := parseRecipients(a.String())
			if err != nil || cmp.Diff(a, again[0]) != "" {
				t.Errorf("%q becomes %q, which reads as %v, %v", text, a, again, err)
			}
		}
	})
}

func FuzzServerURL(f *testing.F) {
	f.Add("smtp://u:hunter2@h:25?starttls=off", "")
	f.Add("smtps://[::1%25eth0]:465", "required")
	f.Fuzz(func(t *testing.T, url, starttls string) {
		s, err := parseServer(url, starttls)
		if err != nil {
			return
		}
		if s.host == "" || s.port == "" || s.encryption == "" || strings.ContainsAny(s.address(), "\r\n\x00") {
			t.Errorf("%q, %q: %+v", url, starttls, s)
		}
	})
}
