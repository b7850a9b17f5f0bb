package cert

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"watchkeeper/server/clock"
	"watchkeeper/server/store/storetest"
)

// bought is a certificate as somebody else's authority would give it, with the files it lies in.
type bought struct {
	authority        pair
	folder           string
	certificate, key string
}

func newBought(t *testing.T) *bought {
	folder := t.TempDir()
	return &bought{
		authority: newPair(t, storetest.Start), folder: folder,
		certificate: filepath.Join(folder, "fullchain.pem"), key: filepath.Join(folder, "privkey.pem"),
	}
}

// renew makes a certificate and gives both in PEM.
func (b *bought) renew(t *testing.T, now time.Time) (certificate, key []byte) {
	t.Helper()
	next, err := b.authority.issue(names{dns: []string{"watch.example"}}, now)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(next.key)
	if err != nil {
		t.Fatal(err)
	}
	return certificatePEM(next.certificate), pem.EncodeToMemory(&pem.Block{Type: typeKey, Bytes: der})
}

func (b *bought) put(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (b *bought) options(c *clock.Manual, lines *logged) Options {
	return Options{Mode: ModeFiles, Clock: c, Log: lines.logger(), CertificateFile: b.certificate, KeyFile: b.key}
}

func TestFilesAreReadAgain(t *testing.T) {
	c, b, lines := clock.NewManual(storetest.Start), newBought(t), &logged{}
	certificate, key := b.renew(t, c.Now())
	b.put(t, b.certificate, certificate)
	b.put(t, b.key, key)
	k := open(t, b.options(c, lines), nil)
	pass, address := run(t, k, c), serve(t, k)
	serial := func() string {
		t.Helper()
		shown, err := shake(t, address, trusting(certificatePEM(b.authority.certificate), c, "watch.example"))
		if err != nil {
			t.Fatal(err)
		}
		return shown.SerialNumber.String()
	}
	first := serial()
	pass(lookAtFiles)
	if serial() != first || lines.count("") != 0 {
		t.Errorf("something changed: %q", lines.lines)
	}

	// One file at a time, with a look in between: nobody need be told.
	next, nextKey := b.renew(t, c.Now())
	b.put(t, b.certificate, next)
	pass(lookAtFiles)
	if serial() != first || lines.count("") != 0 {
		t.Errorf("a pair that does not match was taken or told of: %q", lines.lines)
	}
	b.put(t, b.key, nextKey)
	pass(lookAtFiles)
	second := serial()
	if second == first || lines.count("took a new certificate") != 1 || lines.count("failed") != 0 {
		t.Errorf("the new pair was not taken: %q", lines.lines)
	}

	// The first three break in the same way, which is told once.
	for i, broken := range [][]byte{nil, []byte("nonsense"), next[:len(next)/2], bytes.Repeat([]byte("x"), maxFile+1)} {
		b.put(t, b.certificate, broken)
		for range 4 {
			pass(lookAtFiles)
		}
		if want := 1 + i/3; serial() != second || lines.count("failed") != want {
			t.Errorf("broken file %d: %d lines in the log, want %d: %q", i, lines.count("failed"), want, lines.lines)
		}
	}
	if err := os.Remove(b.key); err != nil {
		t.Fatal(err)
	}
	b.put(t, b.certificate, next)
	pass(lookAtFiles)
	pass(lookAtFiles)
	if serial() != second || lines.count("failed") != 3 {
		t.Errorf("missing file: %q", lines.lines)
	}
	b.put(t, b.key, nextKey)
	pass(lookAtFiles)
	if serial() != second || lines.count("works again") != 1 || lines.count("took a new certificate") != 1 {
		t.Errorf("put back: %q", lines.lines)
	}
}

// Some renew by letting a link lead elsewhere, to files with the same size and time stamp.
func TestFilesBehindLinks(t *testing.T) {
	c, b, lines := clock.NewManual(storetest.Start), newBought(t), &logged{}
	current := filepath.Join(b.folder, "current")
	for _, name := range []string{"one", "two"} {
		folder := filepath.Join(b.folder, name)
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		certificate, key := b.renew(t, c.Now())
		b.put(t, filepath.Join(folder, "tls.crt"), certificate)
		b.put(t, filepath.Join(folder, "tls.key"), key)
	}
	link := func(name string) {
		t.Helper()
		if err := os.Symlink(name, current+"-next"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(current+"-next", current); err != nil {
			t.Fatal(err)
		}
	}
	b.certificate, b.key = filepath.Join(current, "tls.crt"), filepath.Join(current, "tls.key")
	link("one")
	k := open(t, b.options(c, lines), nil)
	before := k.current.Load()
	link("two")
	run(t, k, c)(lookAtFiles)
	if bytes.Equal(k.current.Load().Certificate[0], before.Certificate[0]) {
		t.Error("the pair behind the link was not taken")
	}
}

func TestFilesThatEnd(t *testing.T) {
	c, b, lines := clock.NewManual(storetest.Start), newBought(t), &logged{}
	certificate, key := b.renew(t, c.Now())
	b.put(t, b.certificate, certificate)
	b.put(t, b.key, key)
	k := open(t, b.options(c, lines), nil)
	pass := run(t, k, c)
	for _, step := range []struct {
		before      time.Duration // the end
		soon, ended int
	}{{15 * day, 0, 0}, {13 * day, 1, 0}, {12 * day, 1, 0}, {-day, 1, 1}, {-2 * day, 1, 1}} {
		c.Set(k.NotAfter().Add(-step.before))
		pass(lookAtFiles)
		if lines.count("it ends at") != step.soon || lines.count("it ended at") != step.ended {
			t.Errorf("%v before the end: %q", step.before, lines.lines)
		}
	}
}

func TestFilesThatNeverWere(t *testing.T) {
	c, b, lines := clock.NewManual(storetest.Start), newBought(t), &logged{}
	if _, err := New(b.options(c, lines)); err == nil {
		t.Error("started without files")
	}
	certificate, _ := b.renew(t, c.Now())
	_, key := b.renew(t, c.Now())
	b.put(t, b.certificate, certificate)
	b.put(t, b.key, key)
	if _, err := New(b.options(c, lines)); err == nil {
		t.Error("started with a key that is not the certificate's")
	}
	if _, err := New(Options{Mode: ModeFiles, CertificateFile: b.certificate}); err == nil {
		t.Error("started without a file for the key")
	}
}
