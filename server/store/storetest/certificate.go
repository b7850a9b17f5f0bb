package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

var certificateTests = map[string]func(*testing.T, *Fixture){
	"values of certificates are kept by path": certificatePaths,
	"a lease that is given up is free":        leaseReleased,
}

func certificatePaths(t *testing.T, f *Fixture) {
	ctx := context.Background()
	for _, key := range []string{"a/b", "a/b/c", "a/b/d/e", "a/bc", "a0", "a/b-", "ä/ö", "a"} {
		must(0, f.Certificates.Put(ctx, key, "of "+key))(t)
	}
	f.Clock.Advance(time.Second)
	must(0, f.Certificates.Put(ctx, "a/bc", "new"))(t)
	same(t, "replaced", must(f.Certificates.Get(ctx, "a/bc"))(t), store.CertificateItem{Key: "a/bc", Value: "new", UpdatedAt: f.now()})
	_, err := f.Certificates.Get(ctx, "a/b/d")
	wantKind(t, err, api.KindNotFound)
	for path, want := range map[string][]string{
		"": {"a", "a/b", "a/b-", "a/b/c", "a/b/d/e", "a/bc", "a0", "ä/ö"}, "a": {"a/b", "a/b-", "a/b/c", "a/b/d/e", "a/bc"},
		"a/b": {"a/b/c", "a/b/d/e"}, "/a/b/": {"a/b/c", "a/b/d/e"}, "a/bc": nil, "ä": {"ä/ö"}, "b": nil,
	} {
		same(t, "keys below "+path, must(f.Certificates.Keys(ctx, path))(t), want)
	}
	must(0, f.Certificates.Delete(ctx, "a/b"))(t)
	must(0, f.Certificates.Delete(ctx, "nothing"))(t)
	same(t, "what is left", must(f.Certificates.Keys(ctx, ""))(t), []string{"a", "a/b-", "a/bc", "a0", "ä/ö"})
}

func leaseReleased(t *testing.T, f *Fixture) {
	ctx := context.Background()
	first := must(f.Leases.Acquire(ctx, "x", "a"))(t)
	must(0, f.Leases.Release(ctx, store.Lease{Name: "x", Holder: "b"}))(t) // not its own
	_, err := f.Leases.Acquire(ctx, "x", "b")
	if !errors.Is(err, store.ErrNotLeader) {
		t.Fatalf("taken from its holder: %v", err)
	}
	must(0, f.Leases.Release(ctx, first))(t)
	second := must(f.Leases.Acquire(ctx, "x", "b"))(t)
	same(t, "fence", second.Fence, first.Fence+1)
}
