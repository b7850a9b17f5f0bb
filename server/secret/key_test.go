package secret

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const (
	text   = "correct horse battery staple"
	sealed = "v1.1eba439a15a4.iQkVorKsG5AONLcxg_F5N-rEx-9qexRLizzVMb-fmJoD9Ak" // by it, "hunter2" for "channel:1"
)

func newKey(t testing.TB, text string) *Key {
	t.Helper()
	k, err := New(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// What is sealed and signed by one release must open and verify in the next, so these never change.
func TestDerivationsStayAsTheyAre(t *testing.T) {
	k := newKey(t, text)
	got := map[string]string{
		"id":     k.ID(),
		"check":  k.CheckValue(),
		"derive": hex.EncodeToString(k.Derive("links")),
	}
	want := map[string]string{
		"id":     "1eba439a15a4",
		"check":  "v1.1eba439a15a4.YeeXEj2Bp9b2RYWDPVmIng",
		"derive": "e0a1229edc4ad8b04ea40cb99eefc6ebed5ae9eb83839a8989cba9d49f883fbc",
	}
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s: %s, want %s", name, got[name], want[name])
		}
	}
	if plain, err := k.Open("channel:1", sealed); err != nil || string(plain) != "hunter2" {
		t.Errorf("a value that was sealed before: %q, %v", plain, err)
	}
}

func TestSealedValuesOpen(t *testing.T) {
	k := newKey(t, text)
	for _, plain := range [][]byte{nil, {}, []byte("x"), bytes.Repeat([]byte{0, 0xff}, 100_000)} {
		sealed, err := k.Seal("channel:1", plain)
		if err != nil {
			t.Fatal(err)
		}
		if want := "v1." + k.ID() + "."; !strings.HasPrefix(sealed, want) {
			t.Errorf("sealed as %.40s, want it to begin with %s", sealed, want)
		}
		again, err := k.Seal("channel:1", plain)
		if err != nil || again == sealed {
			t.Errorf("sealed twice the same way, or %v", err)
		}
		got, err := newKey(t, text+"\r\n").Open("channel:1", sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("opened as %d bytes, %v, want %d bytes", len(got), err, len(plain))
		}
	}
	if _, err := k.Seal("", nil); err == nil {
		t.Error("sealed for no purpose")
	}
}

func TestOpenRefuses(t *testing.T) {
	k, other := newKey(t, text), newKey(t, text+".")
	seal := func(k *Key, purpose string) string {
		sealed, err := k.Seal(purpose, []byte("plain"))
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	good := seal(k, "channel:1")
	header := "v1." + k.ID() + "."
	tests := map[string]struct {
		sealed string
		want   error
	}{
		"another secret":         {seal(other, "channel:1"), ErrOtherKey},
		"another purpose":        {seal(k, "channel:2"), ErrBroken},
		"another key's id":       {strings.Replace(good, k.ID(), other.ID(), 1), ErrOtherKey},
		"this key's id":          {strings.Replace(seal(other, "channel:1"), other.ID(), k.ID(), 1), ErrBroken},
		"cut":                    {good[:len(good)-4], ErrBroken},
		"longer":                 {good + "AAAA", ErrBroken},
		"one part more":          {good + ".", ErrBroken},
		"line break":             {good + "\n", ErrBroken},
		"padding":                {good + "=", ErrBroken},
		"nothing sealed":         {header, ErrBroken},
		"shorter than its nonce": {header + "AAAA", ErrBroken},
		"a later version":        {"v2" + good[2:], ErrBroken},
		"no id":                  {"v1.." + good[len(header):], ErrBroken},
		"an id that is none":     {"v1.<script>abcd." + good[len(header):], ErrBroken},
		"nothing":                {"", ErrBroken},
		"the check value":        {k.CheckValue(), ErrBroken},
	}
	for name, test := range tests {
		plain, err := k.Open("channel:1", test.sealed)
		if plain != nil || !errors.Is(err, test.want) {
			t.Errorf("%s: %q, %v, want %v", name, plain, err, test.want)
		}
	}
	raw, err := encoding.DecodeString(good[len(header):])
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		raw[i] ^= 1
		if _, err := k.Open("channel:1", k.wrap(raw)); !errors.Is(err, ErrBroken) {
			t.Errorf("byte %d altered: %v", i, err)
		}
		raw[i] ^= 1
	}
	if _, err := k.Open("channel:1", k.wrap(raw)); err != nil {
		t.Errorf("nothing altered: %v", err)
	}
}

func TestKeyFollowsTheSecretThatReplacesIt(t *testing.T) {
	k, next, other := newKey(t, text), newKey(t, "the secret that comes after it"), newKey(t, "of another installation")
	asked := 0
	k.Follow(func(id string) *Key {
		asked++
		if id == next.ID() {
			return next
		}
		return other // whatever is found is looked at
	})
	value, err := next.Seal("channel:1", []byte("plain"))
	if err != nil || !next.Sealed(value) || k.Sealed(value) {
		t.Fatalf("sealed by the next one %v and by this one %v, %v", next.Sealed(value), k.Sealed(value), err)
	}
	former, holder := k.ID(), *k
	if plain, err := k.Open("channel:1", value); err != nil || string(plain) != "plain" {
		t.Fatalf("%q, %v", plain, err)
	}
	if k.ID() != next.ID() || holder.ID() != next.ID() || k.ID() == former || asked != 1 {
		t.Errorf("the key is %s, of a copy %s, after %d questions; want %s", k.ID(), holder.ID(), asked, next.ID())
	}
	if err := k.Verify(next.CheckValue()); err != nil {
		t.Error(err)
	}
	third, err := newKey(t, "one that nobody knows").Seal("channel:1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Open("channel:1", third); !errors.Is(err, ErrOtherKey) || k.ID() != next.ID() {
		t.Errorf("sealed with one that is not found: %v, and the key is %s", err, k.ID())
	}
}

func TestVerify(t *testing.T) {
	k, other := newKey(t, text), newKey(t, "another text of some length")
	if err := newKey(t, text).Verify(k.CheckValue()); err != nil {
		t.Errorf("the same secret: %v", err)
	}
	err := k.Verify(other.CheckValue())
	if !errors.Is(err, ErrOtherKey) || !strings.Contains(err.Error(), k.ID()) || !strings.Contains(err.Error(), other.ID()) {
		t.Errorf("another secret: %v, want both ids in it", err)
	}
	for _, check := range []string{"", "v1", k.ID(), k.wrap(nil), k.wrap(other.keys().check), k.CheckValue() + "A"} {
		if err := k.Verify(check); !errors.Is(err, ErrBroken) {
			t.Errorf("check %q: %v", check, err)
		}
	}
}

func TestDerivedKeysDiffer(t *testing.T) {
	k, other := newKey(t, text), newKey(t, text+".")
	seen := map[string]string{}
	for name, derived := range map[string][]byte{
		"links": k.Derive("links"), "sessions": k.Derive("sessions"), "": k.Derive(""),
		"links of another secret": other.Derive("links"),
		"the sealing key":         expand(k.keys().root, "seal", keySize), "the root": k.keys().root,
	} {
		if len(derived) != 32 {
			t.Errorf("%s: %d bytes, want 32", name, len(derived))
		}
		if twin, ok := seen[string(derived)]; ok {
			t.Errorf("%q and %q get the same key", name, twin)
		}
		seen[string(derived)] = name
	}
	if k.ID() == other.ID() || len(k.ID()) != 12 {
		t.Errorf("ids %s and %s", k.ID(), other.ID())
	}
}

func TestShortTextsAreRefused(t *testing.T) {
	for _, short := range []string{"", "\n", "fifteen bytes..", "fifteen bytes..\n\r\n"} {
		if _, err := New(short); err == nil || short != "" && strings.Contains(err.Error(), "fifteen") {
			t.Errorf("%q: %v", short, err)
		}
	}
	if _, err := New("sixteen bytes..."); err != nil {
		t.Error(err)
	}
}

func TestNothingPrintsTheSecret(t *testing.T) {
	k := newKey(t, text)
	holder := struct {
		Name string
		Key  *Key
		key  *Key
		copy Key
	}{"holder", k, k, *k}
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	logger.Info("holding", "key", k, "copy", *k, "holder", holder)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("holding", "key", k, "copy", *k, "holder", holder)
	encoded, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	printed := log.String() + string(encoded)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		printed += fmt.Sprintf(format, k) + fmt.Sprintf(format, *k) + fmt.Sprintf(format, holder)
	}
	for _, form := range []string{"%s", "%x", "%X", "%v", "%#v"} {
		for name, hidden := range map[string][]byte{"text": []byte(text), "root": k.keys().root, "check": k.keys().check} {
			if strings.Contains(printed, strings.Trim(fmt.Sprintf(form, hidden), "[]")) {
				t.Errorf("the %s was printed: %s", name, printed)
			}
		}
	}
	if !strings.Contains(printed, masked) {
		t.Errorf("no mask in what was printed: %s", printed)
	}
}

func FuzzOpen(f *testing.F) {
	k := newKey(f, text)
	f.Add(sealed)
	f.Add(k.CheckValue())
	f.Add("v1." + k.ID() + ".")
	f.Add("v1.000000000000.AAAA")
	f.Add("..")
	f.Fuzz(func(t *testing.T, value string) {
		plain, err := k.Open("channel:1", value)
		switch {
		case err == nil && value != sealed:
			t.Fatalf("%q opened as %q", value, plain)
		case err != nil && !errors.Is(err, ErrBroken) && !errors.Is(err, ErrOtherKey):
			t.Fatalf("%q: %v is none of the errors", value, err)
		}
		if err := k.Verify(value); err == nil && value != k.CheckValue() {
			t.Fatalf("%q was taken for the check value", value)
		}
	})
}
