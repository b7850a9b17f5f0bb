package storetest

import (
	"context"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

var credentialTests = map[string]func(*testing.T, *Fixture){
	"tokens":   tokens,
	"channels": channels,
}

func tokens(t *testing.T, f *Fixture) {
	ctx := context.Background()
	in := api.TokenInput{Name: "ci", Scopes: []api.Scope{api.ScopePulse, api.ScopeRead}, Match: "web*", ExpiresAt: f.now().Add(time.Hour)}
	made := must(f.Tokens.Create(ctx, in, "hash1"))(t)
	same(t, "token", made, api.Token{ID: made.ID, Name: "ci", Scopes: in.Scopes, Match: "web*", CreatedAt: f.now(), ExpiresAt: in.ExpiresAt})
	same(t, "by hash", must(f.Tokens.ByHash(ctx, "hash1"))(t), made)
	_, err := f.Tokens.ByHash(ctx, "hash2")
	wantKind(t, err, api.KindNotFound)
	_, err = f.Tokens.Create(ctx, in, "hash1")
	wantKind(t, err, api.KindConflict)
	for range 2 {
		if err := f.Tokens.Used(ctx, made.ID); err != nil {
			t.Fatal(err)
		}
		f.Clock.Advance(30 * time.Second)
	}
	same(t, "last used, exact to a minute", must(f.Tokens.ByHash(ctx, "hash1"))(t).LastUsed, api.TimeOf(Start))
	must(f.Tokens.Create(ctx, in, "hash3"))(t)
	same(t, "tokens", len(must(f.Tokens.List(ctx))(t)), 2)
	same(t, "revoked by name", len(must(f.Tokens.Revoke(ctx, "ci"))(t)), 2)
	_, err = f.Tokens.Revoke(ctx, made.ID)
	wantKind(t, err, api.KindNotFound)
}

func channels(t *testing.T, f *Fixture) {
	ctx := context.Background()
	c := store.SealedChannel{Name: "ops", Kind: api.ChannelWebhook, Settings: "sealed", ManagedBy: "apply"}
	made := must(f.Channels.Create(ctx, c))(t)
	_, err := f.Channels.Create(ctx, c)
	wantKind(t, err, api.KindConflict)
	f.Clock.Advance(time.Second)
	c.Settings = "sealed anew"
	replaced := must(f.Channels.Replace(ctx, c))(t)
	same(t, "created", replaced.CreatedAt, made.CreatedAt)
	same(t, "updated", replaced.UpdatedAt, f.now())
	same(t, "list", must(f.Channels.List(ctx))(t), []store.SealedChannel{replaced})
	c.Name = "none"
	_, err = f.Channels.Replace(ctx, c)
	wantKind(t, err, api.KindNotFound)
	if err := f.Channels.Delete(ctx, "ops"); err != nil {
		t.Fatal(err)
	}
	wantKind(t, f.Channels.Delete(ctx, "ops"), api.KindNotFound)
}
