package cert

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"sync/atomic"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/clock"
	"watchkeeper/server/hub"
	"watchkeeper/server/secret"
	"watchkeeper/server/store"
)

// Options are what New needs. Mode, Clock and Log are required.
type Options struct {
	Mode      Mode
	Clock     clock.Clock
	Log       *slog.Logger
	PublicURL string // how others reach the server; may be empty

	// For ModeSelf and ModeACME. Key and Hub are required.
	Key     *secret.Key
	Hub     *hub.Hub
	Folder  string                  // the data folder, for ca.pem; empty keeps nothing there
	Names   []string                // further names and addresses to cover
	Machine func() (Machine, error) // nil asks this machine

	// For ModeFiles, both required, in PEM.
	CertificateFile, KeyFile string

	// For ModeACME, beside those for ModeSelf.
	ACME ACME
}

// Keeper holds the server's certificate and keeps it good. Its methods may be called from any goroutine.
type Keeper struct {
	source  source // nil for ModeOff
	clock   clock.Clock
	changed *hub.Subscription // nil when nothing in the database matters
	public  string            // host of the public URL, with its port
	self    *self             // nil unless ModeSelf or ModeACME
	acme    *acme             // nil unless ModeACME
	current atomic.Pointer[tls.Certificate]
}

// source is where certificates come from. Its methods are called by one goroutine at a time.
type source interface {
	// first gives what to begin with, without asking a database.
	first(now time.Time) (*tls.Certificate, error)
	// look gives a certificate when there is a new one.
	look(ctx context.Context, now time.Time) *tls.Certificate
	pace() time.Duration
}

// New gives a keeper with which TLS can be served at once, before there is a database: a server has to say that it is
// alive while it waits for one. For ModeSelf that is with the certificate of the last time, or, where there is none, with
// one that nobody trusts, until Open. The error says which setting or file is to be mended.
func New(o Options) (*Keeper, error) {
	if !o.Mode.Valid() {
		return nil, fmt.Errorf("the mode of TLS %q is none of self, files, acme, off", string(o.Mode))
	}
	k := &Keeper{clock: o.Clock}
	if public, err := url.Parse(o.PublicURL); err == nil {
		k.public = public.Host
	}
	var err error
	switch o.Mode {
	case ModeSelf:
		if k.self, err = newSelf(o); err != nil {
			return nil, err
		}
		k.source, k.changed = k.self, o.Hub.Subscribe(hub.Settings)
	case ModeACME:
		if k.acme, err = newACME(o); err != nil {
			return nil, err
		}
		k.self, k.source, k.changed = k.acme.self, k.acme, o.Hub.Subscribe(hub.Settings)
	case ModeFiles:
		if k.source, err = newFiles(o); err != nil {
			return nil, err
		}
	case ModeOff:
		return k, nil
	}
	first, err := k.source.first(k.clock.Now())
	if err != nil {
		return nil, err
	}
	k.current.Store(first)
	return k, nil
}

// Open takes the authority from the database, or makes it when the database has none, and a certificate from it, and for
// ModeACME the one that was ordered, if any. For the other modes it does nothing. It comes before Run.
func (k *Keeper) Open(ctx context.Context, st *store.Store) error {
	var next *tls.Certificate
	var err error
	switch {
	case k.acme != nil:
		next, err = k.acme.open(ctx, st, k.clock.Now())
	case k.self != nil:
		next, err = k.self.open(ctx, st.Settings, k.clock.Now())
	default:
		return nil
	}
	if err != nil {
		return err
	}
	k.current.Store(next)
	return nil
}

// TLS gives the settings of the server's connections, nil for ModeOff. Each new connection gets the certificate of its
// moment; those that are open stay as they are.
func (k *Keeper) TLS() *tls.Config {
	if k.source == nil {
		return nil
	}
	config := &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return k.current.Load(), nil },
	}
	if k.acme != nil {
		config.GetConfigForClient = k.acme.configFor
		config.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if ordered := k.acme.certificate(hello, k.clock.Now()); ordered != nil {
				return ordered, nil
			}
			return k.current.Load(), nil
		}
	}
	return config
}

// Listen gives a listener for TLS to serve on, which answers those who speak plain HTTP to it. With ModeOff it is l.
func (k *Keeper) Listen(l net.Listener) net.Listener {
	if k.source == nil {
		return l
	}
	return &listener{Listener: l, public: k.public}
}

// Authority gives the certificate authority that clients need, and false when it is not ours, or not known before Open.
func (k *Keeper) Authority() (Authority, bool) {
	if k.self == nil {
		return Authority{}, false
	}
	a := k.self.shown.Load()
	if a == nil {
		return Authority{}, false
	}
	return *a, true
}

// Status gives how it stands with the ordered certificate, nil for every mode but ModeACME.
func (k *Keeper) Status() *api.CertificateStatus {
	if k.acme == nil {
		return nil
	}
	return k.acme.state.Load()
}

// Close gives back what New took; it comes after Run has ended.
func (k *Keeper) Close() error {
	if k.acme == nil {
		return nil
	}
	return k.acme.close()
}

// NotAfter gives when the present certificate of the server ends, and the zero time for ModeOff.
func (k *Keeper) NotAfter() time.Time {
	if k.source == nil {
		return time.Time{}
	}
	return k.current.Load().Leaf.NotAfter
}

// Run renews what has to be renewed. It blocks until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	if k.source == nil {
		<-ctx.Done()
		return nil
	}
	var changed <-chan struct{}
	if k.changed != nil {
		changed = k.changed.C()
		defer k.changed.Close()
	}
	if k.acme != nil {
		defer k.answerChallenges()()
		k.look(ctx) // the order that is due at the first start should not wait
	}
	timer := k.clock.NewTimer(k.source.pace())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-timer.C():
		}
		if ctx.Err() != nil { // both may have come
			return nil
		}
		k.look(ctx)
		timer.Reset(k.source.pace())
	}
}

func (k *Keeper) look(ctx context.Context) {
	if next := k.source.look(ctx, k.clock.Now()); next != nil {
		k.current.Store(next)
	}
}

// answerChallenges begins to answer challenges in plain HTTP, where that was asked for, until the function that it gives
// is called.
func (k *Keeper) answerChallenges() (end func()) {
	if k.acme.challenge == nil {
		return func() {}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := k.acme.serveChallenges(); err != nil {
			k.acme.log.Error("certificates can only be ordered on the port of TLS", "error", err)
		}
	}()
	return func() {
		_ = k.acme.challenge.Close() // Close says so again
		<-ended
	}
}
