package auth_test

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchkeeper/api"
	"watchkeeper/server/auth"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

func create(t *testing.T, s *server, in api.TokenInput) (string, api.Token) {
	t.Helper()
	text, token, err := s.tokens.Create(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return text, token
}

func TestTokenIsWhoItWasMadeFor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		s := newServer(t, f, auth.Override{Value: "the password", Source: "--password"})
		text, token := create(t, s, api.TokenInput{
			Name: "backup", Scopes: []api.Scope{api.ScopePulse, api.ScopeRead}, Match: "backup-*",
		})
		if !regexp.MustCompile(`^wk_[0-9A-Za-z]{43}$`).MatchString(text) {
			t.Errorf("made the token %q", text)
		}
		want := auth.Principal{
			Name: "backup", TokenID: token.ID, Scopes: []api.Scope{api.ScopePulse, api.ScopeRead}, Match: "backup-*",
		}
		request := func(name, value string) http.Header { h := http.Header{}; h.Set(name, value); return h }
		basic := &http.Request{Header: http.Header{}}
		basic.SetBasicAuth("anybody", text)
		for name, header := range map[string]http.Header{
			"bearer":   request("Authorization", "Bearer "+text),
			"basic":    basic.Header,
			"password": request("password", text),
		} {
			for range 2 { // looked up, then remembered
				got, err := s.authenticator.Authenticate(t.Context(), auth.CredentialsOf(header))
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
		}
		owner, err := s.authenticator.Authenticate(t.Context(), auth.Credentials{"wrong", "the password"})
		if err != nil || !owner.Password || owner.Sender() != "password" || want.Sender() != token.ID {
			t.Errorf("the password is %+v, %v", owner, err)
		}
	})
}

func TestWrongCredentials(t *testing.T) {
	s := newServer(t, storetest.Open(t, store.SQLite), auth.Override{Value: "the password", Source: "--password"})
	text, _ := create(t, s, api.TokenInput{Name: "x", Scopes: []api.Scope{api.ScopeRead}})
	flipped := text[:len(text)-1] + string(text[len(text)-1]^1)
	tests := map[string]struct {
		credentials auth.Credentials
		want        error
	}{
		"none":         {nil, auth.ErrNoCredential},
		"wrong":        {auth.Credentials{"x"}, auth.ErrWrongCredential},
		"other case":   {auth.Credentials{"The password"}, auth.ErrWrongCredential},
		"part":         {auth.Credentials{"the passwor"}, auth.ErrWrongCredential},
		"huge":         {auth.Credentials{strings.Repeat("x", 60_000)}, auth.ErrWrongCredential},
		"no such":      {auth.Credentials{flipped}, auth.ErrWrongCredential},
		"bare token":   {auth.Credentials{strings.TrimPrefix(text, "wk_")}, auth.ErrWrongCredential},
		"several ones": {auth.Credentials{"a", flipped, "b"}, auth.ErrWrongCredential},
	}
	for name, test := range tests {
		for range 2 {
			p, err := s.authenticator.Authenticate(t.Context(), test.credentials)
			if !errors.Is(err, test.want) || api.KindOf(err) != api.KindUnauthorized || p.Name != "" {
				t.Errorf("%s: %+v, %v", name, p, err)
			}
			var shown *api.Error
			if errors.As(err, &shown) && strings.Contains(shown.Message, "wk_") {
				t.Errorf("%s: the answer repeats the credential: %s", name, shown.Message)
			}
		}
	}
}

func TestTokenExpires(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		s := newServer(t, f, auth.Override{})
		now := api.TimeOf(f.Clock.Now())
		text, _ := create(t, s, api.TokenInput{Name: "x", Scopes: []api.Scope{api.ScopeRead}, ExpiresAt: now.Add(time.Minute)})
		f.Clock.Advance(time.Minute - time.Millisecond)
		if !s.accepts(t, text) {
			t.Error("refused before its end")
		}
		f.Clock.Advance(time.Millisecond)
		_, err := s.authenticator.Authenticate(t.Context(), auth.Credentials{text})
		if !errors.Is(err, auth.ErrWrongCredential) || !strings.Contains(err.Error(), "expired") {
			t.Errorf("at its end: %v", err)
		}
		for _, bad := range []api.TokenInput{
			{Name: "x", Scopes: []api.Scope{api.ScopeRead}, ExpiresAt: now.Add(time.Minute)}, // which is now
			{Name: "", Scopes: []api.Scope{api.ScopeRead}},
			{Name: "x"},
			{Name: "x", Scopes: []api.Scope{"everything"}},
		} {
			if _, _, err := s.tokens.Create(t.Context(), bad); api.KindOf(err) != api.KindInvalid {
				t.Errorf("created from %+v: %v", bad, err)
			}
		}
	})
}

func TestRevocationReachesEveryServer(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		here := newServer(t, f, auth.Override{})
		there := newServer(t, another(t, f), auth.Override{})
		in := api.TokenInput{Name: "x", Scopes: []api.Scope{api.ScopeRead}}
		first, _ := create(t, here, in)
		second, _ := create(t, here, in)
		for _, text := range []string{first, second} {
			if !here.accepts(t, text) || !there.accepts(t, text) {
				t.Fatal("a new token is refused")
			}
		}
		if gone, err := here.tokens.Revoke(t.Context(), "x"); err != nil || len(gone) != 2 {
			t.Fatalf("revoked %v, %v", gone, err)
		}
		if here.accepts(t, first) || here.accepts(t, second) {
			t.Error("the server that revoked the token takes it yet")
		}
		// There, the word of it was lost.
		f.Clock.Advance(5 * time.Second)
		if there.accepts(t, first) {
			t.Error("another server takes it after 5 s")
		}
		if _, err := here.tokens.Revoke(t.Context(), "x"); api.KindOf(err) != api.KindNotFound {
			t.Errorf("revoked again: %v", err)
		}
	})
}

func TestOtherServersHearOfTheNewPassword(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		here := newServer(t, f, auth.Override{})
		there := newServer(t, another(t, f), auth.Override{})
		first := rotate(t, here, 0)
		if !there.accepts(t, first) {
			t.Fatal("the password is refused")
		}
		second := rotate(t, here, 0)
		if here.accepts(t, first) || !here.accepts(t, second) {
			t.Error("the server that changed the password does not know")
		}
		f.Clock.Advance(5 * time.Second)
		if there.accepts(t, first) || !there.accepts(t, second) {
			t.Error("another server does not know after 5 s")
		}
	})
}

func TestLastUseIsWrittenAside(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		s := newServer(t, f, auth.Override{})
		text, _ := create(t, s, api.TokenInput{Name: "x", Scopes: []api.Scope{api.ScopeRead}})
		lastUsed := func() api.Time {
			list, err := s.tokens.List(t.Context())
			if err != nil || len(list) != 1 {
				t.Fatalf("tokens %v, %v", list, err)
			}
			return list[0].LastUsed
		}
		// run lets the loop end, which writes what waits.
		run := func() {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := s.authenticator.Run(ctx); err != nil {
				t.Error(err)
			}
		}
		start := api.TimeOf(f.Clock.Now())
		steps := []struct{ after, want time.Duration }{{0, 0}, {time.Minute, 0}, {time.Second, 61 * time.Second}}
		for i, step := range steps {
			f.Clock.Advance(step.after)
			before := lastUsed()
			if !s.accepts(t, text) {
				t.Fatal("refused")
			}
			if lastUsed() != before {
				t.Error("written on the way of the request")
			}
			run()
			if got, want := lastUsed(), start.Add(step.want); got != want {
				t.Errorf("step %d: last used %v, want %v", i, got, want)
			}
		}
	})
}

func TestLoopWritesLastUse(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	s := newServer(t, f, auth.Override{})
	text, _ := create(t, s, api.TokenInput{Name: "x", Scopes: []api.Scope{api.ScopeRead}})
	ctx, cancel := context.WithCancel(t.Context())
	var loop sync.WaitGroup
	loop.Go(func() {
		if err := s.authenticator.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	f.Clock.BlockUntil(1)
	if !s.accepts(t, text) {
		t.Fatal("refused")
	}
	f.Clock.Advance(10 * time.Second)
	f.Clock.BlockUntil(1) // it wrote, and waits again
	list, err := s.tokens.List(t.Context())
	if err != nil || list[0].LastUsed == 0 {
		t.Errorf("last used %v, %v", list, err)
	}
	cancel()
	loop.Wait()
}

func TestTroubleIsNotAWrongCredential(t *testing.T) {
	s := newServer(t, storetest.Open(t, store.SQLite), auth.Override{})
	password := rotate(t, s, 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.authenticator.Authenticate(ctx, auth.Credentials{password})
	if api.KindOf(err) != api.KindUnavailable || errors.Is(err, auth.ErrWrongCredential) {
		t.Errorf("without a database: %v", err)
	}
	if _, err := s.authenticator.IsPingKey(ctx, "x"); api.KindOf(err) != api.KindUnavailable {
		t.Errorf("without a database: %v", err)
	}
	if !s.accepts(t, password) {
		t.Error("the trouble is remembered")
	}
}

// For the race detector: requests, changes and the loop at the same time.
func TestTogether(t *testing.T) {
	s := newServer(t, storetest.Open(t, store.SQLite), auth.Override{})
	password := rotate(t, s, 0)
	text, _ := create(t, s, api.TokenInput{Name: "x", Scopes: []api.Scope{api.ScopeRead}})
	ctx, cancel := context.WithCancel(t.Context())
	var work, loop sync.WaitGroup
	loop.Go(func() { _ = s.authenticator.Run(ctx) })
	for range 4 {
		work.Go(func() {
			for range 200 {
				if !s.accepts(t, password) || !s.accepts(t, text) || s.accepts(t, "x") {
					t.Error("a credential was misjudged")
				}
			}
		})
	}
	work.Go(func() {
		for range 20 {
			other, _ := create(t, s, api.TokenInput{Name: "y", Scopes: []api.Scope{api.ScopeRead}})
			if !s.accepts(t, other) {
				t.Error("a new token is refused")
			}
			if _, err := s.tokens.Revoke(t.Context(), "y"); err != nil || s.accepts(t, other) {
				t.Errorf("revoked, and good yet: %v", err)
			}
			s.Clock.Advance(time.Second)
		}
	})
	work.Wait()
	cancel()
	loop.Wait()
}

func BenchmarkAuthenticate(b *testing.B) {
	s := newServer(b, storetest.Open(b, store.SQLite), auth.Override{Value: "the password", Source: "--password"})
	text, _, err := s.tokens.Create(b.Context(), api.TokenInput{Name: "x", Scopes: []api.Scope{api.ScopeRead}})
	if err != nil {
		b.Fatal(err)
	}
	for name, header := range map[string]http.Header{
		"password": {"Password": {"the password"}},
		"token":    {"Authorization": {"Bearer " + text}},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := s.authenticator.Authenticate(b.Context(), auth.CredentialsOf(header)); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
