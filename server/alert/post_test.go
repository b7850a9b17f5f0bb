package alert

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
)

// post is a way of telling people that keeps what it was given, for tests of what is not about the real ones.
type post struct {
	mu      sync.Mutex
	arrived chan struct{} // closed and replaced when something arrives
	letters []letter
	// answer says what becomes of an attempt; nil takes all.
	answer func(ctx context.Context, l letter) error
}

// letter is a message that somebody got.
type letter struct {
	to       string // kind:address
	about    notify.About
	name     string
	delivery string
	message  notify.Message
}

func (l letter) String() string { return l.to + " " + string(l.about) + " " + l.name }

func newPost() *post { return &post{arrived: make(chan struct{})} }

// registry has every kind, each a door to the same post.
func (p *post) registry() notify.Registry {
	r := notify.Registry{}
	for _, kind := range api.ChannelKinds {
		r[kind] = notify.Kind{
			Settings: []notify.Setting{{Name: "to", Secrecy: notify.Public}, {Name: "key", Secrecy: notify.Secret}},
			New: func(o notify.Options) (notify.Channel, error) {
				if kind == api.ChannelMail && o.Defaults.SMTPURL == "" {
					return nil, api.Invalid(notify.SettingAt("url"), "is missing, and WATCHKEEPER_SMTP_URL is not set either")
				}
				if o.Settings["key"] == "wrong" {
					return nil, api.Invalid(notify.SettingAt("key"), "must be another")
				}
				return door{p, string(kind), o.Settings["to"]}, nil
			},
		}
	}
	return r
}

type door struct {
	post     *post
	kind, to string
}

func (d door) ValidateTarget(target string) error {
	to, err := notify.Recipient(d.to, target)
	if err == nil && strings.Contains(to, "bad") {
		return api.Errorf(api.KindInvalid, "must be good")
	}
	return err
}

func (d door) Send(ctx context.Context, target string, m *notify.Message) (string, error) {
	if err := d.ValidateTarget(target); err != nil {
		return "", notify.Fail(notify.GiveUp, err.Error(), err)
	}
	to, _ := notify.Recipient(d.to, target)
	l := letter{to: d.kind + ":" + to, about: m.About, name: m.Name, delivery: m.DeliveryID, message: *m}
	if answer := d.post.answer; answer != nil {
		if err := answer(ctx, l); err != nil {
			return "", err
		}
	}
	d.post.mu.Lock()
	defer d.post.mu.Unlock()
	d.post.letters = append(d.post.letters, l)
	close(d.post.arrived)
	d.post.arrived = make(chan struct{})
	return "taken", nil
}

// got gives what arrived, as text, in order.
func (p *post) got() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, l := range p.letters {
		out = append(out, l.String())
	}
	return out
}

// wait gives what arrived as soon as it is n letters or more.
func (p *post) wait(t *testing.T, n int) []letter {
	t.Helper()
	patience := time.NewTimer(20 * time.Second)
	defer patience.Stop()
	for {
		p.mu.Lock()
		letters, arrived := slices.Clone(p.letters), p.arrived
		p.mu.Unlock()
		if len(letters) >= n {
			return letters
		}
		select {
		case <-arrived:
		case <-patience.C:
			t.Fatalf("%d letters arrived, want %d: %v", len(letters), n, p.got())
		}
	}
}

// refuse answers every attempt for a recipient with an error.
func refuse(to string, err error) func(context.Context, letter) error {
	return func(_ context.Context, l letter) error {
		if l.to == to {
			return err
		}
		return nil
	}
}

var errDown = notify.Fail(notify.Persist, "connection refused", nil)

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

func numbered(format string, n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf(format, i))
	}
	return out
}
