package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"log/slog"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/clock"
	"watchkeeper/server/hub"
	"watchkeeper/server/store"
)

// What is wrong with the credentials of a request, found with errors.Is in errors of KindUnauthorized.
var (
	ErrNoCredential    = errors.New("no credential")
	ErrWrongCredential = errors.New("wrong credential") // for whoever counts wrong guesses
)

// AuthenticatorOptions are what NewAuthenticator needs. All are required.
type AuthenticatorOptions struct {
	Tokens    *store.Tokens
	Passwords *Passwords
	PingKey   *PingKey
	Hub       *hub.Hub
	Clock     clock.Clock
	Log       *slog.Logger
}

// Authenticator finds out whom credentials belong to. Its methods may be called from any goroutine. It lives as long as
// the hub it is made with.
type Authenticator struct {
	tokens    *store.Tokens
	passwords *Passwords
	pingKey   *PingKey
	clock     clock.Clock
	cache     *cache
	asking    chan struct{} // holds one while somebody reads the installation's own credentials
	usage     *usage
}

// NewAuthenticator makes an Authenticator.
func NewAuthenticator(o AuthenticatorOptions) *Authenticator {
	return &Authenticator{
		tokens:    o.Tokens,
		passwords: o.Passwords,
		pingKey:   o.PingKey,
		clock:     o.Clock,
		cache:     newCache(o.Hub),
		asking:    make(chan struct{}, 1),
		usage:     newUsage(o.Tokens, o.Clock, o.Log),
	}
}

// Run writes down when tokens were last used. It blocks until ctx ends.
func (a *Authenticator) Run(ctx context.Context) error { return a.usage.run(ctx) }

// Authenticate gives whom the first right one of the credentials belongs to. KindUnauthorized when none is right, with
// ErrNoCredential or ErrWrongCredential in its chain; KindUnavailable when that could not be found out.
func (a *Authenticator) Authenticate(ctx context.Context, credentials Credentials) (Principal, error) {
	if len(credentials) == 0 {
		return Principal{}, api.Wrap(api.KindUnauthorized, ErrNoCredential,
			"a credential is needed: the password in the header password, or a token as Authorization: Bearer")
	}
	now := a.clock.Now()
	own, err := a.own(ctx, now)
	if err != nil {
		return Principal{}, err
	}
	refusal := wrongCredential("the password or token is wrong")
	for _, credential := range credentials {
		if len(credential) > maxCredential {
			continue
		}
		hash := hashOf(credential)
		if own.accepts(hash, api.TimeOf(now)) {
			return Principal{Name: passwordName, Scopes: []api.Scope{api.ScopeAdmin}, Password: true}, nil
		}
		if !looksLikeToken(credential) {
			continue
		}
		known, err := a.token(ctx, hash, now)
		if err != nil {
			return Principal{}, err
		}
		if err := known.refuse(api.TimeOf(now)); err != nil {
			refusal = err
			continue
		}
		a.usage.note(known, api.TimeOf(now))
		return known.principal, nil
	}
	return Principal{}, refusal
}

// IsPingKey reports whether candidate is the ping key. KindUnavailable when that could not be found out.
func (a *Authenticator) IsPingKey(ctx context.Context, candidate string) (bool, error) {
	if len(candidate) > maxCredential {
		return false, nil
	}
	own, err := a.own(ctx, a.clock.Now())
	if err != nil {
		return false, err
	}
	hash := hashOf(candidate)
	return own.hasKey && subtle.ConstantTimeCompare(hash[:], own.pingKey[:]) == 1, nil
}

// own gives what is known of the installation's own credentials, reading them when that is too old.
func (a *Authenticator) own(ctx context.Context, now time.Time) (*ownKnowledge, error) {
	if own, _ := a.cache.getOwn(now); own != nil {
		return own, nil
	}
	// One reads, and those who come meanwhile wait for it: they would all read the same.
	select {
	case a.asking <- struct{}{}:
		defer func() { <-a.asking }()
	case <-ctx.Done():
		return nil, unknowable(ctx.Err())
	}
	own, epoch := a.cache.getOwn(now)
	if own != nil {
		return own, nil
	}
	own = &ownKnowledge{until: now.Add(knownTime)}
	var err error
	if own.passwords, err = a.passwords.accepted(ctx); err != nil {
		return nil, unknowable(err)
	}
	if own.pingKey, own.hasKey, err = a.pingKey.hash(ctx); err != nil {
		return nil, unknowable(err)
	}
	a.cache.putOwn(epoch, own)
	return own, nil
}

// accepts compares with every password, also after one was found, so that the time tells nothing.
func (o *ownKnowledge) accepts(hash [sha256.Size]byte, now api.Time) bool {
	found := 0
	for _, p := range o.passwords {
		if p.until == 0 || now < p.until {
			found |= subtle.ConstantTimeCompare(hash[:], p.hash[:])
		}
	}
	return found == 1
}

func (a *Authenticator) token(ctx context.Context, hash [sha256.Size]byte, now time.Time) (*tokenKnowledge, error) {
	known, epoch := a.cache.getToken(hash, now)
	if known != nil {
		return known, nil
	}
	known = &tokenKnowledge{until: now.Add(knownTime)}
	t, err := a.tokens.ByHash(ctx, hex.EncodeToString(hash[:]))
	switch {
	case api.KindOf(err) == api.KindNotFound:
		known.refusal = wrongCredential("the token is not known; it may have been revoked")
	case err != nil:
		return nil, unknowable(err)
	}
	known.principal = Principal{Name: t.Name, TokenID: t.ID, Scopes: t.Scopes, Match: t.Match}
	known.expires = t.ExpiresAt
	known.used.Store(int64(t.LastUsed))
	a.cache.putToken(epoch, hash, known)
	return known, nil
}

func (k *tokenKnowledge) refuse(now api.Time) error {
	if k.refusal == nil && k.expires != 0 && now >= k.expires {
		return wrongCredential("the token has expired")
	}
	return k.refusal
}

func wrongCredential(message string) error {
	return api.Wrap(api.KindUnauthorized, ErrWrongCredential, message)
}

// unknowable is for trouble of ours, which must not look like a wrong credential.
func unknowable(err error) error {
	return api.Wrap(api.KindUnavailable, err, "credentials cannot be checked at the moment")
}
