package auth

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"watchkeeper/api"
	"watchkeeper/server/clock"
	"watchkeeper/server/secret"
	"watchkeeper/server/store"
)

const (
	minPassword       = 8   // characters of one that a person chooses
	maxPassword       = 256 // bytes
	maxKept           = 10 * 365 * 24 * time.Hour
	maxFormer         = 10
	passwordGenerator = "watchkeeper password rotate"
)

// Override is a password that comes from the settings of the process instead of the database, and wins.
type Override struct {
	Value  string // empty means that there is none
	Source string // what set it, such as WATCHKEEPER_PASSWORD, for messages
}

// PasswordOptions are what NewPasswords needs. All but Override are required.
type PasswordOptions struct {
	Settings *store.Settings
	Key      *secret.Key
	Clock    clock.Clock
	Override Override
}

// Passwords is the password of the installation, the one credential that may do everything, and those that it replaced
// and that are good for a while yet.
type Passwords struct {
	kept     sealed
	clock    clock.Clock
	override Override
}

// NewPasswords gives the password of the database that the settings are of. An override that could never match what a
// client sends is KindInvalid.
func NewPasswords(o PasswordOptions) (*Passwords, error) {
	if o.Override.Value != "" {
		if rule := passwordRule(o.Override.Value); rule != "" {
			return nil, api.Invalid(o.Override.Source, "%s", rule)
		}
	}
	return &Passwords{
		kept:     sealed{settings: o.Settings, key: o.Key, name: settingPassword},
		clock:    o.Clock,
		override: o.Override,
	}, nil
}

// passwords is what the setting holds.
type passwords struct {
	Current string           `json:"password"`
	Former  []formerPassword `json:"former,omitempty"`
}

type formerPassword struct {
	Password string   `json:"password"`
	Until    api.Time `json:"until"`
}

// Ensure makes a password when the database has none, unless an override takes its place. It reports whether it made
// one: of several servers that start at once, one did.
func (p *Passwords) Ensure(ctx context.Context) (made bool, err error) {
	if p.override.Value != "" {
		return false, nil
	}
	_, made, err = p.kept.putNew(ctx, passwords{Current: newPassword()}.encode())
	if err != nil {
		return false, fmt.Errorf("keeping the password: %w", err)
	}
	return made, nil
}

// Show gives the password that is in force, and where it comes from if that is not the database. KindNotFound when none
// was made yet.
func (p *Passwords) Show(ctx context.Context) (password, source string, err error) {
	if p.override.Value != "" {
		return p.override.Value, p.override.Source, nil
	}
	kept, err := p.load(ctx)
	return kept.Current, "", err
}

// Set makes password the one in force. The one before stays good for keepOld; those before that keep the end they have.
func (p *Passwords) Set(ctx context.Context, password string, keepOld time.Duration) error {
	if rule := passwordRule(password); rule != "" {
		return api.Invalid("password", "%s", rule)
	}
	if utf8.RuneCountInString(password) < minPassword {
		return api.Invalid("password", "must have at least %d characters; a good one is made by: %s",
			minPassword, passwordGenerator)
	}
	return p.replace(ctx, api.AuditPasswordSet, password, keepOld)
}

// Adopt is Set for a password that clients of another program already send, however short. It reports whether that is
// another than the one in force.
func (p *Passwords) Adopt(ctx context.Context, password string, keepOld time.Duration) (bool, error) {
	if rule := passwordRule(password); rule != "" {
		return false, api.Invalid("password", "%s", rule)
	}
	if present, _, err := p.Show(ctx); err == nil && present == password {
		return false, nil
	}
	err := p.replace(ctx, api.AuditPasswordSet, password, keepOld)
	return err == nil, err
}

// Rotate is Set with a new random password, which it gives.
func (p *Passwords) Rotate(ctx context.Context, keepOld time.Duration) (string, error) {
	password := newPassword()
	return password, p.replace(ctx, api.AuditPasswordRotate, password, keepOld)
}

func (p *Passwords) replace(ctx context.Context, action api.AuditAction, password string, keepOld time.Duration) error {
	if p.override.Value != "" {
		return api.Errorf(api.KindConflict, "the password is set by %s, which wins over the one in the database; "+
			"change it there", p.override.Source)
	}
	if keepOld < 0 || keepOld > maxKept {
		return api.Invalid("keep_old", "must be between 0 and 3650d")
	}
	err := p.kept.change(ctx, action, func(plain []byte) ([]byte, error) {
		var kept passwords
		if plain != nil {
			var err error
			if kept, err = parsePasswords(plain); err != nil {
				return nil, err
			}
		}
		return kept.replaced(password, api.TimeOf(p.clock.Now()), keepOld).encode(), nil
	})
	if err != nil {
		return fmt.Errorf("keeping the password: %w", err)
	}
	return nil
}

// replaced gives k with another password in force from now on.
func (k passwords) replaced(password string, now api.Time, keepOld time.Duration) passwords {
	next := passwords{Current: password}
	if k.Current != "" {
		next.Former = append(next.Former, formerPassword{Password: k.Current, Until: now.Add(keepOld)})
	}
	next.Former = append(next.Former, k.Former...)
	next.Former = slices.DeleteFunc(next.Former, func(f formerPassword) bool {
		return f.Until <= now || f.Password == password
	})
	if len(next.Former) > maxFormer {
		next.Former = next.Former[:maxFormer]
	}
	return next
}

func (k passwords) encode() []byte {
	b, err := json.Marshal(k)
	if err != nil { // strings and numbers can always be written
		panic(err)
	}
	return b
}

func (p *Passwords) load(ctx context.Context) (passwords, error) {
	plain, found, err := p.kept.get(ctx)
	if err != nil {
		return passwords{}, fmt.Errorf("reading the password: %w", err)
	}
	if !found {
		return passwords{}, api.Errorf(api.KindNotFound, "the database has no password: the first start makes one unless a "+
			"setting gives it; make one now with: %s", passwordGenerator)
	}
	return parsePasswords(plain)
}

func parsePasswords(plain []byte) (passwords, error) {
	var kept passwords
	if err := json.Unmarshal(plain, &kept); err != nil || kept.Current == "" {
		return passwords{}, fmt.Errorf("reading the password: the setting %s does not hold one", settingPassword)
	}
	return kept, nil
}

// accepted is a password that is good until a moment, 0 meaning for good.
type accepted struct {
	hash  [sha256.Size]byte
	until api.Time
}

// accepted gives all passwords that are good now or were not long ago; none is no error.
func (p *Passwords) accepted(ctx context.Context) ([]accepted, error) {
	if p.override.Value != "" {
		return []accepted{{hash: hashOf(p.override.Value)}}, nil
	}
	kept, err := p.load(ctx)
	if err != nil {
		if api.KindOf(err) == api.KindNotFound {
			return nil, nil
		}
		return nil, err
	}
	list := []accepted{{hash: hashOf(kept.Current)}}
	for _, f := range kept.Former {
		list = append(list, accepted{hash: hashOf(f.Password), until: f.Until})
	}
	return list, nil
}

// hashOf makes credentials of any length comparable in constant time. What it gives of the password is never stored.
func hashOf(credential string) [sha256.Size]byte { return sha256.Sum256([]byte(credential)) }

// passwordRule gives the rule that a password breaks, or "". They are those of a header, in which it has to travel.
func passwordRule(password string) string {
	switch {
	case len(password) > maxPassword:
		return fmt.Sprintf("must have at most %d bytes", maxPassword)
	case !utf8.ValidString(password) || strings.ContainsFunc(password, unicode.IsControl):
		return "must be text without control characters"
	case strings.TrimSpace(password) != password || password == "":
		return "must neither be empty nor begin or end with a blank"
	}
	return ""
}
