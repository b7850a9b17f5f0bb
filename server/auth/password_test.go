package auth_test

import (
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/auth"
	"watchkeeper/server/secret"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

func TestServersThatStartAtOnceMakeOnePassword(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		servers := []*server{
			newServer(t, f, auth.Override{}),
			newServer(t, another(t, f), auth.Override{}),
		}
		var started sync.WaitGroup
		made := make([]bool, len(servers))
		for i, s := range servers {
			started.Go(func() {
				var err error
				if made[i], err = s.passwords.Ensure(t.Context()); err != nil {
					t.Error(err)
				}
				if err := s.pingKey.Ensure(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		started.Wait()
		if made[0] == made[1] {
			t.Errorf("made by the servers: %v, want one of them", made)
		}
		password := show(t, servers[0])
		if !regexp.MustCompile(`^([0-9a-hjkmnp-tv-z]{5}-){4}[0-9a-hjkmnp-tv-z]{5}$`).MatchString(password) {
			t.Errorf("made the password %q", password)
		}
		for i, s := range servers {
			if show(t, s) != password || !s.accepts(t, password) || s.accepts(t, password+"x") {
				t.Errorf("server %d does not know the password", i)
			}
		}
		if strings.Contains(setting(t, f.Store, "password"), password) {
			t.Error("the password lies open in the database")
		}
	})
}

func show(t *testing.T, s *server) string {
	t.Helper()
	password, source, err := s.passwords.Show(t.Context())
	if err != nil || source != "" {
		t.Fatalf("showing the password: from %q, %v", source, err)
	}
	return password
}

func TestRotation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		s := newServer(t, f, auth.Override{})
		if _, err := s.passwords.Ensure(t.Context()); err != nil {
			t.Fatal(err)
		}
		first := show(t, s)
		second := rotate(t, s, 2*time.Hour)
		f.Clock.Advance(time.Hour)
		third := rotate(t, s, 7*24*time.Hour)
		if show(t, s) != third || first == second || second == third {
			t.Fatalf("rotated from %s to %s to %s, and %s is shown", first, second, third, show(t, s))
		}
		steps := []struct {
			after time.Duration
			want  map[string]bool
		}{
			{0, map[string]bool{first: true, second: true, third: true}},
			{time.Hour - time.Millisecond, map[string]bool{first: true, second: true, third: true}},
			{time.Millisecond, map[string]bool{first: false, second: true, third: true}},
			{7*24*time.Hour - time.Hour, map[string]bool{first: false, second: false, third: true}},
		}
		for i, step := range steps {
			f.Clock.Advance(step.after)
			for password, want := range step.want {
				if got := s.accepts(t, password); got != want {
					t.Errorf("step %d: %s accepted %v, want %v", i, password, got, want)
				}
			}
		}
		fourth := rotate(t, s, 0)
		if s.accepts(t, third) || !s.accepts(t, fourth) {
			t.Error("a password that was not kept is still good, or its successor is not")
		}
	})
}

func rotate(t *testing.T, s *server, keepOld time.Duration) string {
	t.Helper()
	password, err := s.passwords.Rotate(t.Context(), keepOld)
	if err != nil {
		t.Fatal(err)
	}
	return password
}

func TestSet(t *testing.T) {
	s := newServer(t, storetest.Open(t, store.SQLite), auth.Override{})
	for _, bad := range []string{
		"", "1234567", "        ", " 12345678", "12345678\n", "1234\x005678", "12345678\xff", strings.Repeat("x", 257),
	} {
		if err := s.passwords.Set(t.Context(), bad, 0); api.KindOf(err) != api.KindInvalid {
			t.Errorf("set to %q: %v", bad, err)
		}
	}
	for _, keep := range []time.Duration{-1, 11 * 365 * 24 * time.Hour} {
		if err := s.passwords.Set(t.Context(), "correct horse", keep); api.KindOf(err) != api.KindInvalid {
			t.Errorf("keeping the old one for %v: %v", keep, err)
		}
	}
	if _, _, err := s.passwords.Show(t.Context()); api.KindOf(err) != api.KindNotFound {
		t.Errorf("something was set: %v", err)
	}
	// Also without one before, so that a server that was first started with an override gets one.
	for _, good := range []string{"correct horse", "12345678", "пароль-это", strings.Repeat("x", 256)} {
		if err := s.passwords.Set(t.Context(), good, 0); err != nil || show(t, s) != good || !s.accepts(t, good) {
			t.Errorf("set to %q: %v", good, err)
		}
	}
}

func TestPasswordsAreNotHoarded(t *testing.T) {
	s := newServer(t, storetest.Open(t, store.SQLite), auth.Override{})
	var all []string
	for range 13 {
		all = append(all, rotate(t, s, time.Hour))
	}
	for i, password := range all {
		if got, want := s.accepts(t, password), i >= 2; got != want { // the present one and ten before it
			t.Errorf("password %d accepted %v, want %v", i, got, want)
		}
	}
	// Going back to a former one makes it the present one, without an end.
	if err := s.passwords.Set(t.Context(), all[11], 0); err != nil {
		t.Fatal(err)
	}
	s.Clock.Advance(2 * time.Hour)
	if !s.accepts(t, all[11]) || s.accepts(t, all[12]) {
		t.Error("a former password that was set again ended, or the one before did not")
	}
}

func TestOverrideWins(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	stored := newServer(t, f, auth.Override{})
	if _, err := stored.passwords.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	password := show(t, stored)

	s := newServer(t, f, auth.Override{Value: "short", Source: "WATCHKEEPER_PASSWORD"})
	if got, source, err := s.passwords.Show(t.Context()); got != "short" || source != "WATCHKEEPER_PASSWORD" || err != nil {
		t.Errorf("shows %q from %q, %v", got, source, err)
	}
	if !s.accepts(t, "short") || s.accepts(t, password) {
		t.Error("the password of the database is good beside the one that wins, or that one is not")
	}
	_, rotated := s.passwords.Rotate(t.Context(), time.Hour)
	for name, err := range map[string]error{"rotate": rotated, "set": s.passwords.Set(t.Context(), "correct horse", 0)} {
		if api.KindOf(err) != api.KindConflict || !strings.Contains(err.Error(), "WATCHKEEPER_PASSWORD") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := show(t, stored); got != password {
		t.Errorf("the password of the database became %q", got)
	}
	empty := newServer(t, storetest.Open(t, store.SQLite), auth.Override{Value: "short", Source: "--password"})
	if made, err := empty.passwords.Ensure(t.Context()); made || err != nil {
		t.Errorf("made a password that is not in force: %v, %v", made, err)
	}
	_, err := auth.NewPasswords(auth.PasswordOptions{Override: auth.Override{Value: " x", Source: "WATCHKEEPER_PASSWORD"}})
	if api.KindOf(err) != api.KindInvalid || !strings.Contains(err.Error(), "WATCHKEEPER_PASSWORD") {
		t.Errorf("a password that no header can carry: %v", err)
	}
}

func TestSealedWithAnotherSecret(t *testing.T) {
	s := newServer(t, storetest.Open(t, store.SQLite), auth.Override{})
	if _, err := s.passwords.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	other, err := auth.NewPasswords(auth.PasswordOptions{
		Settings: s.Settings, Key: newKey(t, "not the secret of all"), Clock: s.Clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, ensured := other.Ensure(t.Context())
	_, _, shown := other.Show(t.Context())
	for name, err := range map[string]error{"Ensure": ensured, "Show": shown} {
		if !errors.Is(err, secret.ErrOtherKey) || !strings.Contains(err.Error(), "WATCHKEEPER_SECRET") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Settings.Put(t.Context(), "password", setting(t, s.Store, "password")+"A"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.passwords.Show(t.Context()); !errors.Is(err, secret.ErrBroken) {
		t.Errorf("damaged: %v", err)
	}
}

func TestPingKey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		s := newServer(t, f, auth.Override{})
		is := func(candidate string) bool {
			ok, err := s.authenticator.IsPingKey(t.Context(), candidate)
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		if is("") {
			t.Error("nothing is taken for the ping key while there is none")
		}
		if _, err := s.pingKey.Show(t.Context()); api.KindOf(err) != api.KindNotFound {
			t.Errorf("shown before it was made: %v", err)
		}
		for range 2 {
			if err := s.pingKey.Ensure(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		key, err := s.pingKey.Show(t.Context())
		if err != nil || !regexp.MustCompile(`^[a-z0-9]{22}$`).MatchString(key) {
			t.Fatalf("the ping key is %q, %v", key, err)
		}
		if !is(key) || is(key[1:]) || is(strings.ToUpper(key)) || is("") || is(strings.Repeat(key, 100)) {
			t.Error("the ping key is refused, or another text is taken for it")
		}
		if strings.Contains(setting(t, f.Store, "ping_key"), key) {
			t.Error("the ping key lies open in the database")
		}
		next, err := s.pingKey.Rotate(t.Context())
		if err != nil || next == key || !is(next) || is(key) {
			t.Errorf("rotated to %q: %v", next, err)
		}
	})
}

// TestChangesAtOnceAreNotLost lets two servers rotate the password at the same time: every password that was in force
// stays good for as long as was asked for.
func TestChangesAtOnceAreNotLost(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		servers := []*server{newServer(t, f, auth.Override{}), newServer(t, f, auth.Override{})}
		if _, err := servers[0].passwords.Ensure(t.Context()); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var all []string
		var wg sync.WaitGroup
		for _, s := range servers {
			wg.Go(func() {
				for range 3 {
					password, err := s.passwords.Rotate(t.Context(), time.Hour)
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					all = append(all, password)
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		for _, password := range all {
			if !servers[0].accepts(t, password) {
				t.Error("a password that was in force is not good any more")
			}
		}
		rows, err := f.Audit.List(t.Context(), api.AuditFilter{Action: "password.rotate", Limit: 100})
		if err != nil || len(rows) != 6 {
			t.Errorf("%d rotations are audited, %v", len(rows), err)
		}
	})
}

func TestPasswordOfAnotherProgramIsTakenAsItIs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		s := newServer(t, f, auth.Override{})
		f.Audit.Unlock(s.key)
		if _, err := s.passwords.Ensure(t.Context()); err != nil {
			t.Fatal(err)
		}
		made, _, err := s.passwords.Show(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []bool{true, false} {
			if adopted, err := s.passwords.Adopt(t.Context(), "abc", time.Hour); err != nil || adopted != want {
				t.Fatalf("time %d: adopted %v, %v", i+1, adopted, err)
			}
		}
		if !s.accepts(t, "abc") || !s.accepts(t, made) {
			t.Error("the adopted password and the one before it are not both accepted")
		}
		if _, err := s.passwords.Adopt(t.Context(), " abc", time.Hour); api.KindOf(err) != api.KindInvalid {
			t.Errorf("one that no header can carry: %v", err)
		}
	})
}
