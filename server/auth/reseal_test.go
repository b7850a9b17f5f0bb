package auth_test

import (
	"errors"
	"strings"
	"testing"

	"watchkeeper/api"
	"watchkeeper/server/auth"
	"watchkeeper/server/secret"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

func TestEverythingIsSealedAnew(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		s := newServer(t, f, auth.Override{})
		former, next := newKey(t, "a secret of all servers"), newKey(t, "the secret that comes after it")
		if err := auth.Unlock(t.Context(), f.Settings, s.key); err != nil {
			t.Fatal(err)
		}
		f.Audit.Unlock(s.key)
		if _, err := s.passwords.Ensure(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.pingKey.Ensure(t.Context()); err != nil {
			t.Fatal(err)
		}
		settings, err := former.Seal("channel:ops", []byte("a hook"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Channels.Create(t.Context(), store.SealedChannel{Name: "ops", Kind: api.ChannelWebhook, Settings: settings}); err != nil {
			t.Fatal(err)
		}
		if err := f.Settings.Put(t.Context(), "plain", "v1.of.nobody"); err != nil {
			t.Fatal(err)
		}
		account, err := former.Seal("certificate:acme/account", []byte("a key"))
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Certificates.Put(t.Context(), "acme/account", account); err != nil {
			t.Fatal(err)
		}
		probe, err := former.Seal("probe", []byte("a header"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Services.Create(t.Context(), api.ServiceSettings{Name: "web", Probe: &api.Probe{Sealed: probe}}); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Services.Create(t.Context(), api.ServiceSettings{Name: "plain", Probe: &api.Probe{}}); err != nil {
			t.Fatal(err)
		}
		password, _, err := s.passwords.Show(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pingKey, err := s.pingKey.Show(t.Context())
		if err != nil {
			t.Fatal(err)
		}

		n, err := auth.Reseal(t.Context(), f.Store, former, next)
		if err != nil || n != 7 { // check, password, ping key, the end of the audit, the channel, the account, the probe
			t.Fatalf("sealed %d values anew, %v", n, err)
		}
		if err := auth.CheckSecret(t.Context(), f.Settings, former); !errors.Is(err, secret.ErrOtherKey) {
			t.Errorf("the former secret: %v", err)
		}
		// A server that has not heard of it changes nothing, and does not take what it cannot read for damage.
		late := another(t, f)
		late.Audit.Unlock(newKey(t, "a secret of all servers"))
		if err := late.Audit.Record(t.Context(), "test.late", "", nil); api.KindOf(err) != api.KindUnavailable {
			t.Errorf("written with the former secret: %v", err)
		}
		// A server that knows where the next one is goes on with it.
		s.key.Follow(func(string) *secret.Key { return next })
		if again, _, err := s.passwords.Show(t.Context()); err != nil || again != password {
			t.Errorf("the password is another, or %v", err)
		}
		if again, err := s.pingKey.Show(t.Context()); err != nil || again != pingKey {
			t.Errorf("the ping key is another, or %v", err)
		}
		channels, err := f.Channels.List(t.Context())
		if err != nil || len(channels) != 1 {
			t.Fatal(channels, err)
		}
		if plain, err := next.Open("channel:ops", channels[0].Settings); err != nil || string(plain) != "a hook" {
			t.Errorf("the channel is %q, %v", plain, err)
		}
		if item, err := f.Certificates.Get(t.Context(), "acme/account"); err != nil || !next.Sealed(item.Value) {
			t.Errorf("the account is %+v, %v", item, err)
		}
		probes, err := f.Probes.All(t.Context())
		if err != nil || len(probes) != 2 {
			t.Fatal(probes, err)
		}
		if plain, err := next.Open("probe", probes[0].Probe.Sealed); err != nil || string(plain) != "a header" || probes[1].Probe.Sealed != "" {
			t.Errorf("the probe is %q, %v", plain, err)
		}
		if value := setting(t, f.Store, "plain"); value != "v1.of.nobody" {
			t.Errorf("what was not sealed became %q", value)
		}
		check, err := f.Audit.Verify(t.Context(), "")
		if err != nil || check.Broken != nil {
			t.Errorf("the audit: %+v, %v", check, err)
		}
		rows, err := f.Audit.List(t.Context(), api.AuditFilter{Action: string(api.AuditSecretRotate), Limit: 10})
		if err != nil || len(rows) != 1 {
			t.Errorf("%d rows say that the secret was replaced, %v", len(rows), err)
		}
		if n, err := auth.Reseal(t.Context(), f.Store, former, next); err != nil || n != 0 {
			t.Errorf("done again %d, %v", n, err)
		}
	})
}

// What is sealed in a place that nobody thought of must not be lost.
func TestNothingSealedIsLeftBehind(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		former, next := newKey(t, "a secret of all servers"), newKey(t, "the secret that comes after it")
		if err := auth.Unlock(t.Context(), f.Settings, former); err != nil {
			t.Fatal(err)
		}
		f.Audit.Unlock(former)
		value, err := former.Seal("host:web", []byte("plain"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Services.Create(t.Context(), api.ServiceSettings{Name: "web", Description: value}); err != nil {
			t.Fatal(err)
		}
		_, err = auth.Reseal(t.Context(), f.Store, former, next)
		if err == nil || !strings.Contains(err.Error(), "the column description of the table service has 1 values that are sealed") {
			t.Errorf("%v", err)
		}
		if err := auth.CheckSecret(t.Context(), f.Settings, former); err != nil {
			t.Errorf("half of it was done: %v", err)
		}
	})
}

func TestWhatCannotBeOpenedStopsTheWhole(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		former, next := newKey(t, "a secret of all servers"), newKey(t, "the secret that comes after it")
		if err := auth.Unlock(t.Context(), f.Settings, former); err != nil {
			t.Fatal(err)
		}
		moved, err := former.Seal("channel:another", []byte("a hook"))
		if err != nil {
			t.Fatal(err)
		}
		f.Audit.Unlock(former)
		if _, err := f.Channels.Create(t.Context(), store.SealedChannel{Name: "ops", Kind: api.ChannelWebhook, Settings: moved}); err != nil {
			t.Fatal(err)
		}
		if _, err := auth.Reseal(t.Context(), f.Store, former, next); err == nil || !strings.Contains(err.Error(), "channel:ops") {
			t.Errorf("%v, want what it was", err)
		}
		if err := auth.CheckSecret(t.Context(), f.Settings, former); err != nil {
			t.Errorf("half of it was done: %v", err)
		}
	})
}
