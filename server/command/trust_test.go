package command

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"watchkeeper/api/client"
	"watchkeeper/server/app"
	"watchkeeper/server/config"
)

func TestAddressOfThisMachine(t *testing.T) {
	tests := []struct {
		listen string
		tls    config.TLS
		want   string
	}{
		{":8443", config.TLSSelf, "https://127.0.0.1:8443"},
		{"0.0.0.0:8443", config.TLSFiles, "https://127.0.0.1:8443"},
		{"[::]:8443", config.TLSSelf, "https://[::1]:8443"},
		{"192.0.2.1:80", config.TLSOff, "http://192.0.2.1:80"},
		{"[2001:db8::1]:1", config.TLSSelf, "https://[2001:db8::1]:1"},
		{"watch.example.org:443", config.TLSSelf, "https://watch.example.org:443"},
	}
	for _, test := range tests {
		if got := localURL(config.Config{Listen: test.listen, TLS: test.tls}); got != test.want {
			t.Errorf("%s, %s: %s, want %s", test.listen, test.tls, got, test.want)
		}
	}
}

// TestWhoLearnsThePassword tries servers that are not on this machine. There is no database, so that whoever wants the
// password of this installation for its credential fails.
func TestWhoLearnsThePassword(t *testing.T) {
	tests := map[string]struct {
		target target
		wanted bool
	}{
		"this machine's":                {target{local: true, option: client.Options{URL: "https://127.0.0.1"}}, true},
		"this machine's by name":        {target{option: client.Options{URL: "https://localhost:8443"}}, true},
		"this machine's by address":     {target{option: client.Options{URL: "http://[::1]:80"}}, true},
		"one that shows our authority":  {target{own: []byte("ours"), option: client.Options{URL: "https://192.0.2.1"}}, true},
		"anybody's":                     {target{option: client.Options{URL: "https://watch.example.org"}}, false},
		"anybody's with an authority":   {target{option: client.Options{URL: "https://watch.example.org", CA: []byte("theirs")}}, false},
		"ours, but everybody may read":  {target{own: []byte("ours"), option: client.Options{URL: "http://192.0.2.1"}}, false},
		"one that is called like local": {target{option: client.Options{URL: "https://localhost.example.org"}}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o := app.DatabaseOptions{Config: config.Config{Data: filepath.Join(t.TempDir(), "none")}}
			err := test.target.password(t.Context(), o)
			if wanted := errors.As(err, new(refusal)); wanted != test.wanted || err != nil && !wanted {
				t.Errorf("wanted the password: %v, want %v (%v)", wanted, test.wanted, err)
			}
			if test.wanted && len(test.target.own) > 0 && (string(test.target.option.CA) != "ours" || test.target.option.Roots != nil) {
				t.Error("others than our own authority are trusted with it")
			}
		})
	}
}

func TestAuthorityOfThisMachineIsAdded(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, authorityFile), []byte("ours"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := config.Config{Data: folder, TLS: config.TLSSelf}
	local := target{local: true}
	if err := local.trust(c, ""); err != nil || string(local.option.CA) != "ours" {
		t.Errorf("this machine's: trusts %q, %v", local.option.CA, err)
	}
	remote := target{}
	if err := remote.trust(c, ""); err != nil || remote.option.CA != nil || remote.option.Roots == nil {
		t.Errorf("another: %v", err)
	}
	if err := (&target{local: true}).trust(config.Config{Data: t.TempDir(), TLS: config.TLSSelf}, ""); !errors.As(err, new(refusal)) {
		t.Errorf("no authority: %v", err)
	}
	if err := (&target{local: true}).trust(config.Config{Data: t.TempDir(), TLS: config.TLSOff}, ""); err != nil {
		t.Errorf("without TLS: %v", err)
	}
	if err := (&target{}).trust(c, filepath.Join(folder, "nowhere")); !errors.As(err, new(usageError)) {
		t.Errorf("an authority that is named and not there: %v", err)
	}
}
