package auth_test

import (
	"context"
	"log/slog"
	"testing"

	"go.uber.org/goleak"

	"watchkeeper/server/auth"
	"watchkeeper/server/hub"
	"watchkeeper/server/secret"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
	"watchkeeper/server/store/storetest/pgtest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(pgtest.Wrap(m))
}

// server is what one server has of this package.
type server struct {
	*storetest.Fixture
	key           *secret.Key
	passwords     *auth.Passwords
	pingKey       *auth.PingKey
	tokens        *auth.Tokens
	authenticator *auth.Authenticator
}

func newServer(t testing.TB, f *storetest.Fixture, override auth.Override) *server {
	t.Helper()
	s := &server{Fixture: f, key: newKey(t, "a secret of all servers")}
	var err error
	s.passwords, err = auth.NewPasswords(auth.PasswordOptions{
		Settings: f.Settings, Key: s.key, Clock: f.Clock, Override: override,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.pingKey = auth.NewPingKey(f.Settings, s.key)
	s.tokens = auth.NewTokens(f.Tokens, f.Clock)
	s.authenticator = auth.NewAuthenticator(auth.AuthenticatorOptions{
		Tokens: f.Tokens, Passwords: s.passwords, PingKey: s.pingKey,
		Hub: f.Hub, Clock: f.Clock, Log: slog.New(slog.DiscardHandler),
	})
	return s
}

// another gives one more server on the database of f, which hears nothing of what the first one wakes.
func another(t *testing.T, f *storetest.Fixture) *storetest.Fixture {
	t.Helper()
	g := &storetest.Fixture{Clock: f.Clock, Hub: hub.New(), Options: f.Options}
	g.Options.Hub = g.Hub
	g.Store = storetest.Reopen(t, g.Options)
	return g
}

func newKey(t testing.TB, text string) *secret.Key {
	t.Helper()
	key, err := secret.New(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (s *server) accepts(t *testing.T, credential string) bool {
	t.Helper()
	_, err := s.authenticator.Authenticate(t.Context(), auth.Credentials{credential})
	return err == nil
}

func setting(t *testing.T, st *store.Store, name string) string {
	t.Helper()
	value, found, err := st.Settings.Get(context.Background(), name)
	if err != nil || !found {
		t.Fatalf("setting %s: found %v, %v", name, found, err)
	}
	return value
}
