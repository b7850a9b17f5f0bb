package cert

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

func TestServersShareOneAuthority(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		fixtures := []*storetest.Fixture{f, another(t, f)}
		options := []Options{selfOptions(t, f), selfOptions(t, fixtures[1])}
		keepers := make([]*Keeper, len(options))
		var started sync.WaitGroup
		for i, o := range options {
			started.Go(func() {
				var err error
				if keepers[i], err = openErr(o, fixtures[i]); err != nil {
					t.Error(err)
				}
			})
		}
		started.Wait()
		if t.Failed() {
			return
		}
		first := authorityOf(t, keepers[0])
		for i, k := range keepers {
			if a := authorityOf(t, k); a.Fingerprint != first.Fingerprint || a.Pin != first.Pin {
				t.Errorf("server %d has another authority: %+v", i, a)
			}
			if _, err := shake(t, serve(t, k), trusting(first.PEM, f.Clock, "localhost")); err != nil {
				t.Errorf("server %d: %v", i, err)
			}
			there, err := os.ReadFile(filepath.Join(options[i].Folder, "ca.pem"))
			if err != nil || !bytes.Equal(there, first.PEM) {
				t.Errorf("server %d has in ca.pem: %s, %v", i, there, err)
			}
		}
	})
}

func TestNothingSecretLiesOpen(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	o := selfOptions(t, f)
	o.Folder = f.Options.Folder // with the database in it, as it is
	k := open(t, o, f)
	keys := map[string][]byte{}
	for name, p := range map[string]pair{"authority": k.self.authority, "server": k.self.server} {
		der, err := x509.MarshalPKCS8PrivateKey(p.key)
		if err != nil {
			t.Fatal(err)
		}
		number := der[len(der)-100 : len(der)-68] // within the private number
		keys[name+"'s key"] = number
		keys[name+"'s key in PEM"] = pem.EncodeToMemory(&pem.Block{Type: typeKey, Bytes: der})[40:90]
	}
	keys["PEM of a key"] = []byte("PRIVATE KEY")
	looked := 0
	err := filepath.WalkDir(o.Folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		looked++
		content, err := os.ReadFile(path)
		for name, key := range keys {
			if bytes.Contains(content, key) {
				t.Errorf("%s lies open in %s", name, entry.Name())
			}
		}
		return err
	})
	if err != nil || looked < 3 {
		t.Errorf("looked at %d files, %v", looked, err)
	}
	for name, want := range map[string]os.FileMode{"ca.pem": 0o644, "server.sealed": 0o600} {
		info, err := os.Stat(filepath.Join(o.Folder, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

func TestAuthorityIsRenewedForTheSameKey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		g := another(t, f)
		here, there := open(t, selfOptions(t, f), f), open(t, selfOptions(t, g), g)
		old := authorityOf(t, here)
		f.Clock.Set(f.Clock.Now().AddDate(8, 0, 3))
		pass := run(t, here, f.Clock)
		pass(lookAtMachine)
		next := authorityOf(t, here)
		if next.Fingerprint == old.Fingerprint || next.Pin != old.Pin || !next.NotAfter.After(old.NotAfter.AddDate(7, 0, 0)) {
			t.Errorf("renewed from %+v to %+v", old, next)
		}
		written, err := os.ReadFile(filepath.Join(here.self.folder, "ca.pem"))
		if err != nil || !bytes.Equal(written, next.PEM) {
			t.Errorf("ca.pem is not the new one: %v", err)
		}
		there.current.Store(there.source.look(context.Background(), f.Clock.Now()))
		if authorityOf(t, there).Fingerprint != next.Fingerprint {
			t.Error("the other server does not follow")
		}
		for _, k := range []*Keeper{here, there} {
			address := serve(t, k)
			for name, client := range map[string]Authority{"the old": old, "the new": next} {
				if _, err := shake(t, address, trusting(client.PEM, f.Clock, "localhost")); err != nil {
					t.Errorf("a client with %s certificate: %v", name, err)
				}
			}
		}
		if again := open(t, selfOptions(t, f), f); authorityOf(t, again).Fingerprint != next.Fingerprint {
			t.Error("a server that starts later has another authority")
		}
	})
}

func TestReplacedAuthorityIsFollowedAtOnce(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	o := selfOptions(t, f)
	lines := &logged{}
	o.Log = lines.logger()
	k := open(t, o, f)
	run(t, k, f.Clock)
	address := serve(t, k)
	made, err := newAuthority(f.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	value, err := k.self.seal(purposeAuthority, made)
	if err != nil {
		t.Fatal(err)
	}
	// The hub tells, no time passes.
	if err := f.Settings.Put(t.Context(), settingAuthority, value); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		if _, err = shake(t, address, trusting(made.authority().PEM, f.Clock, "localhost")); err == nil {
			break
		}
	}
	if err != nil || authorityOf(t, k).Pin != made.authority().Pin || lines.count("authority was replaced") != 1 {
		t.Errorf("not followed: %v, %q", err, lines.lines)
	}
}
