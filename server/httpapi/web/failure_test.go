package web

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"watchkeeper/api"
)

func TestFailureLimit(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	l := NewFailureLimit(FailureOptions{Failures: 3, Window: time.Minute, Now: g.now})
	refusal := errors.New("wrong password")
	fail := func(address string, want time.Duration) {
		t.Helper()
		var from netip.Addr
		if address != "" {
			from = netip.MustParseAddr(address)
		}
		err := l.Fail(from, refusal)
		var e *api.Error
		switch {
		case want == 0 && !errors.Is(err, refusal):
			t.Errorf("%s: %v", address, err)
		case want > 0 && (!errors.As(err, &e) || e.Kind != api.KindTooMany || e.RetryAfter != want):
			t.Errorf("%s: %v, want to wait %v", address, err, want)
		}
	}
	for range 3 {
		fail("192.0.2.1", 0)
	}
	g.pass(10 * time.Second)
	fail("192.0.2.1", 50*time.Second)
	fail("::ffff:192.0.2.1", 50*time.Second) // the same one
	fail("192.0.2.2", 0)
	g.pass(50 * time.Second)
	fail("192.0.2.1", 0) // a new window

	fail("2001:db8:0:1::1", 0)
	fail("2001:db8:0:1:2:3:4:5", 0)
	fail("2001:db8:0:1:ffff::", 0)
	fail("2001:db8:0:1::1", time.Minute) // one /64 is one client
	fail("2001:db8:0:2::1", 0)
	for range 3 {
		fail("fe80::1%eth0", 0)
	}
	fail("fe80::1%eth1", time.Minute)
	for range 3 {
		fail("", 0) // unknown addresses share one count
	}
	fail("", time.Minute)
}

func TestFailureLimitForgetsBeforeItGrows(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	l := NewFailureLimit(FailureOptions{Failures: 1, Addresses: 100, Now: g.now})
	refusal := errors.New("wrong")
	attacker := netip.MustParseAddr("192.0.2.1")
	_ = l.Fail(attacker, refusal)
	for i := range 10_000 {
		_ = l.Fail(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), refusal)
		if n := len(l.recent) + len(l.older); n > 101 {
			t.Fatalf("%d addresses are remembered", n)
		}
		// Who goes on being wrong is not forgotten for the crowd.
		if err := l.Fail(attacker, refusal); api.KindOf(err) != api.KindTooMany {
			t.Fatalf("after %d others: %v", i+1, err)
		}
	}
}

func TestFailureLimitConcurrently(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	l := NewFailureLimit(FailureOptions{Failures: 100, Now: g.now})
	refusal := errors.New("wrong")
	var refused sync.Map
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			n := 0
			for range 50 {
				if errors.Is(l.Fail(netip.MustParseAddr("192.0.2.1"), refusal), refusal) {
					n++
				}
			}
			refused.Store(i, n)
		})
	}
	group.Wait()
	total := 0
	refused.Range(func(_, n any) bool { total += n.(int); return true })
	if total != 100 {
		t.Error(fmt.Sprint(total), "of 400 were answered as wrong, want 100")
	}
}
