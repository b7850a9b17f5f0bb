package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
)

// MinLength is the least number of bytes in the text of a secret.
const MinLength = 16

const (
	version   = "v1"
	salt      = "watchkeeper"
	keySize   = 32
	idSize    = 6
	checkSize = 16
	masked    = "[secret]"
)

// The errors of Open and Verify, found with errors.Is.
var (
	// ErrOtherKey says that something was sealed with another secret than this one.
	ErrOtherKey = errors.New("sealed with another secret")
	// ErrBroken says that something is not what was sealed with this secret for this purpose.
	ErrBroken = errors.New("not what was sealed")
)

// encoding takes each value in one spelling only.
var encoding = base64.RawURLEncoding.Strict()

// Key seals and opens with what is derived from a secret. Its methods may be called from any goroutine. However it is
// printed, it shows nothing of the secret.
type Key struct {
	// Functions, because fmt looks into unexported fields without asking them, and for a verb that does not fit even
	// through a pointer; it cannot look into these.
	keys   func() *keys
	follow func(id string) bool // takes up the key with another id, if there is one
	seek   func(find func(id string) *Key)
}

type keys struct {
	seal  cipher.AEAD
	root  []byte
	id    string
	check []byte
}

// New derives a key from the text of a secret, at least 16 bytes. Line breaks at its end do not count, so that a file
// and a variable with the same text give the same key. The text must be hard to guess, since nothing slows down who
// tries: 32 random bytes in any spelling are.
func New(text string) (*Key, error) {
	text = strings.TrimRight(text, "\r\n")
	if len(text) < MinLength {
		return nil, fmt.Errorf("the secret has %d bytes, it needs at least %d", len(text), MinLength)
	}
	root, err := hkdf.Extract(sha256.New, []byte(text), []byte(salt))
	if err != nil {
		return nil, fmt.Errorf("deriving keys from the secret: %w", err)
	}
	block, err := aes.NewCipher(expand(root, "seal", keySize))
	if err != nil {
		return nil, fmt.Errorf("making the cipher: %w", err)
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("making the cipher: %w", err)
	}
	derived := keys{
		seal:  seal,
		root:  root,
		id:    hex.EncodeToString(expand(root, "id", idSize)),
		check: expand(root, "check", checkSize),
	}
	var current atomic.Pointer[keys]
	current.Store(&derived)
	k := &Key{keys: current.Load}
	var finder atomic.Pointer[func(id string) *Key]
	k.seek = func(find func(id string) *Key) { finder.Store(&find) }
	k.follow = func(id string) bool {
		find := finder.Load()
		if find == nil {
			return false
		}
		other := (*find)(id)
		if other == nil || other.ID() != id {
			return false
		}
		current.Store(other.keys())
		return true
	}
	return k, nil
}

// expand gives size bytes that belong to a use. None can be told from those of another use.
func expand(root []byte, use string, size int) []byte {
	derived, err := hkdf.Expand(sha256.New, root, version+" "+use, size)
	if err != nil {
		panic("secret: " + err.Error()) // only for sizes beyond 255 hashes
	}
	return derived
}

// ID names the key, in 12 hexadecimal digits, without telling anything of it. It may be shown and logged.
func (k *Key) ID() string { return k.keys().id }

// Follow lets the key become another, for everybody who has it, as soon as something is met that was sealed with that
// one: the secret was replaced. find gives the key with an id, or nil.
func (k *Key) Follow(find func(id string) *Key) { k.seek(find) }

// Prefix gives what every value begins with that was sealed with the secret of this key.
func (k *Key) Prefix() string { return version + "." + k.ID() + "." }

// Sealed reports whether a value looks as if it was sealed with the secret of this key.
func (k *Key) Sealed(value string) bool { return strings.HasPrefix(value, k.Prefix()) }

// Derive gives 32 bytes for a label, for use as the key of an HMAC. They are the same for the same secret and label.
func (k *Key) Derive(label string) []byte { return expand(k.keys().root, "derive "+label, keySize) }

// Seal gives plain, sealed, as text of letters, digits, dots, hyphens and underscores. The purpose says what it is and
// whose, such as "channel:" and an id: Open must be given the same, so that a sealed value which was moved elsewhere in
// the database does not open there.
func (k *Key) Seal(purpose string, plain []byte) (string, error) {
	if purpose == "" {
		return "", errors.New("sealing: no purpose given")
	}
	sealed := k.keys().seal.Seal(nil, nil, plain, []byte(purpose))
	return k.wrap(sealed), nil
}

// Open gives what was sealed for the purpose. The error is ErrOtherKey when that was done with another secret, and
// ErrBroken when it was for another purpose, was altered or was never sealed.
func (k *Key) Open(purpose, sealed string) ([]byte, error) {
	raw, err := k.unwrap(sealed)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", purpose, err)
	}
	plain, err := k.keys().seal.Open(nil, nil, raw, []byte(purpose))
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", purpose, ErrBroken)
	}
	return plain, nil
}

// CheckValue gives a text to keep beside what is sealed, by which Verify knows this secret again.
func (k *Key) CheckValue() string { return k.wrap(k.keys().check) }

// Verify gives ErrOtherKey when check is the CheckValue of another secret, and ErrBroken when it is none at all.
func (k *Key) Verify(check string) error {
	raw, err := k.unwrap(check)
	if err != nil {
		return fmt.Errorf("verifying the secret: %w", err)
	}
	if subtle.ConstantTimeCompare(raw, k.keys().check) != 1 {
		return fmt.Errorf("verifying the secret: %w", ErrBroken)
	}
	return nil
}

func (k *Key) wrap(raw []byte) string {
	return version + "." + k.keys().id + "." + encoding.EncodeToString(raw)
}

func (k *Key) unwrap(text string) ([]byte, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || parts[0] != version || !isID(parts[1]) {
		return nil, ErrBroken
	}
	// DecodeString passes over line breaks, even when it is strict.
	if strings.ContainsAny(parts[2], "\r\n") {
		return nil, ErrBroken
	}
	raw, err := encoding.DecodeString(parts[2])
	if err != nil {
		return nil, ErrBroken
	}
	if parts[1] != k.keys().id && !k.follow(parts[1]) {
		return nil, fmt.Errorf("%w: it has the id %s, this one %s", ErrOtherKey, parts[1], k.keys().id)
	}
	return raw, nil
}

// isID keeps text that is no id out of messages.
func isID(text string) bool {
	return len(text) == 2*idSize && strings.Trim(text, "0123456789abcdef") == ""
}

// String gives a mask.
func (k Key) String() string { return masked }

// GoString gives a mask.
func (k Key) GoString() string { return masked }

// LogValue gives a mask.
func (k Key) LogValue() slog.Value { return slog.StringValue(masked) }
