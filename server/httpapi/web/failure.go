package web

import (
	"net/netip"
	"sync"
	"time"

	"watchkeeper/api"
)

// FailureOptions bound how often one address may be wrong. Now is required.
type FailureOptions struct {
	Failures  int           // wrong credentials in a window before further ones are refused; 0 means 10
	Window    time.Duration // 0 means a minute
	Addresses int           // how many addresses are remembered; 0 means 20,000
	Now       func() time.Time
}

// FailureLimit counts wrong credentials by address, an IPv6 address standing for its /64. It never stands in the way of a
// right one: callers ask it only after a credential has turned out wrong.
type FailureLimit struct {
	failures int
	window   time.Duration
	half     int
	now      func() time.Time

	mu sync.Mutex
	// When recent is full it becomes older and older is forgotten, so that a sweep through addresses takes no memory.
	recent, older map[netip.Prefix]failureCount
}

type failureCount struct {
	since time.Time // start of the window
	count int
}

// NewFailureLimit makes a FailureLimit.
func NewFailureLimit(o FailureOptions) *FailureLimit {
	if o.Failures == 0 {
		o.Failures = 10
	}
	if o.Window == 0 {
		o.Window = time.Minute
	}
	if o.Addresses == 0 {
		o.Addresses = 20_000
	}
	return &FailureLimit{
		failures: o.Failures, window: o.Window, half: max(1, o.Addresses/2), now: o.Now,
		recent: make(map[netip.Prefix]failureCount),
	}
}

// Fail counts one wrong credential and gives the error to answer it with: refusal, or KindTooMany with the time to wait
// once this address has been wrong too often. Requests from unknown addresses share one count.
func (l *FailureLimit) Fail(address netip.Addr, refusal error) error {
	key := networkOf(address)
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.recent[key]
	if !ok {
		c = l.older[key]
	}
	if c.count == 0 || now.Sub(c.since) >= l.window {
		c = failureCount{since: now}
	}
	c.count++
	if !ok && len(l.recent) >= l.half {
		l.older, l.recent = l.recent, make(map[netip.Prefix]failureCount)
	}
	l.recent[key] = c
	if c.count <= l.failures {
		return refusal
	}
	return &api.Error{
		Kind: api.KindTooMany, Message: "too many wrong credentials from this address; wait before the next one",
		RetryAfter: l.window - now.Sub(c.since),
	}
}

// networkOf gives what one client can be taken to own.
func networkOf(address netip.Addr) netip.Prefix {
	address = address.Unmap().WithZone("")
	bits := address.BitLen()
	if address.Is6() {
		bits = 64
	}
	prefix, _ := address.Prefix(bits) // an invalid address gives the invalid prefix, a key like any other
	return prefix
}
