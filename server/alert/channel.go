package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/clock"
	"watchkeeper/server/hub"
	"watchkeeper/server/secret"
	"watchkeeper/server/store"
)

// ChannelOptions is what the channels are made of.
type ChannelOptions struct {
	Store    *store.Store
	Hub      *hub.Hub
	Clock    clock.Clock
	Log      *slog.Logger
	Key      *secret.Key // seals settings in the database
	Registry notify.Registry
	// Common is what every channel is made with: the installation's own settings and the guarded dialer.
	Common notify.Options
	File   []api.ChannelInput // from the configuration file; they cannot be changed here
	// PulseTargets are patterns, as api.MatchName reads them, of which a target that a pulse names must match one; a
	// kind without any is open.
	PulseTargets map[api.ChannelKind][]string
	// Templates are the settings of wording of the kinds, where these are used without a channel of a name.
	Templates map[api.ChannelKind]map[string]string
	Zone      api.Zone // in which test messages show times
}

// Channels knows where alerts can go: the kinds as this installation has them set up, the channels of the configuration
// file, and those made through the API.
type Channels struct {
	ChannelOptions
	fixed   *directory // without those of the database
	current atomic.Pointer[directory]
	loaded  atomic.Bool // those of the database are in current
	loading sync.Mutex
}

// The sources of channels.
const (
	sourceFile = "file"
	sourceAPI  = "api"
)

// refreshEvery bounds how long a change made on another server goes unseen when the word of it is lost.
const refreshEvery = 5 * time.Second

// NewChannels makes the channels of the configuration file. Its error names the first that cannot be made. Those of the
// database are there after Load.
func NewChannels(o ChannelOptions) (*Channels, error) {
	c := &Channels{ChannelOptions: o, fixed: &directory{kinds: map[api.ChannelKind]*member{}, channels: map[string]*member{}}}
	for kind, settings := range o.Templates {
		if _, err := notify.NewTemplate(settings); err != nil {
			return nil, fmt.Errorf("the template of %s in the configuration file: %s", kind, textOf(err))
		}
	}
	for _, kind := range api.ChannelKinds {
		if _, ok := o.Registry[kind]; ok {
			c.fixed.kinds[kind] = c.kind(kind)
		}
	}
	for _, in := range o.File {
		if err := in.Validate(); err != nil {
			return nil, fmt.Errorf("channel %s of the configuration file: %s", quoted(in.Name), textOf(err))
		}
		m := c.member(api.Channel{Name: in.Name, Kind: in.Kind, Source: sourceFile}, in.Settings)
		if m.sender == nil {
			return nil, fmt.Errorf("channel %s of the configuration file: %s", quoted(in.Name), m.fault)
		}
		c.fixed.channels[in.Name] = m
	}
	c.current.Store(c.fixed)
	return c, nil
}

// kind makes the member that stands for a kind as the installation has it set up.
func (c *Channels) kind(kind api.ChannelKind) *member {
	m := c.member(api.Channel{Name: string(kind), Kind: kind}, c.Templates[kind])
	if m.sender == nil {
		// With settings that stand in for those that are missing, so that addresses can be judged all the same.
		o := c.Common
		o.Settings = nil
		o.Defaults.SMTPURL, o.Defaults.SMTPFrom = "smtp://localhost", "watchkeeper@localhost"
		o.Defaults.PushoverToken, o.Defaults.PushoverURL = strings.Repeat("a", 30), ""
		m.example, _ = c.Registry.New(kind, o)
	}
	return m
}

// member makes a channel of its settings, or finds out why it cannot be made.
func (c *Channels) member(ch api.Channel, settings map[string]string) *member {
	m := &member{Channel: ch, settings: settings}
	m.Settings = c.Registry.MaskSettings(ch.Kind, settings)
	o := c.Common
	o.Settings = settings
	sender, err := c.Registry.New(ch.Kind, o)
	if err != nil {
		m.fault = textOf(err)
		return m
	}
	m.sender = sender
	m.template, _ = notify.NewTemplate(settings) // it was read just now
	return m
}

// Load reads the channels of the database. Those that have not changed are kept.
func (c *Channels) Load(ctx context.Context) error {
	c.loading.Lock()
	defer c.loading.Unlock()
	stored, err := c.Store.Channels.List(ctx)
	if err != nil {
		return err
	}
	before := c.current.Load()
	next := &directory{kinds: c.fixed.kinds, channels: maps.Clone(c.fixed.channels)}
	for _, s := range stored {
		if _, taken := next.channels[s.Name]; taken {
			continue // the file has come to name one alike; it rules
		}
		if m := before.channels[s.Name]; m != nil && m.sealed == s.Settings && m.Kind == s.Kind && m.UpdatedAt == s.UpdatedAt {
			next.channels[s.Name] = m
			continue
		}
		next.channels[s.Name] = c.unseal(s)
	}
	if !maps.Equal(next.channels, before.channels) { // else whoever keeps up with them has nothing to do
		c.current.Store(next)
	}
	c.loaded.Store(true)
	return nil
}

// ready makes sure that the channels of the database are known: before that, what they name would be taken for unknown.
func (c *Channels) ready(ctx context.Context) error {
	if c.loaded.Load() {
		return nil
	}
	return c.Load(ctx)
}

// findFresh is find that looks into the database before it gives up, for a channel that another server has just made.
func (c *Channels) findFresh(ctx context.Context, name string) (*directory, *member) {
	d := c.current.Load()
	m := d.find(name)
	if m == nil && c.Store != nil {
		if err := c.Load(ctx); err != nil {
			c.Log.Warn("looking for a channel failed", "channel", name, "error", err)
		}
		d = c.current.Load()
		m = d.find(name)
	}
	return d, m
}

// unseal makes a channel of the database. One whose settings cannot be read is kept, so that it is shown and can be
// replaced.
func (c *Channels) unseal(s store.SealedChannel) *member {
	ch := api.Channel{
		Name: s.Name, Kind: s.Kind, Source: sourceAPI, ManagedBy: s.ManagedBy, CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt,
	}
	settings, err := c.open(s)
	if err != nil {
		c.Log.Error("the settings of a channel cannot be read", "channel", s.Name, "error", err)
		ch.Settings = map[string]string{}
		return &member{Channel: ch, sealed: s.Settings, fault: "its settings cannot be read; set them again"}
	}
	m := c.member(ch, settings)
	m.sealed = s.Settings
	if m.sender == nil {
		c.Log.Warn("a channel cannot be used", "channel", s.Name, "cause", m.fault)
	}
	return m
}

// Run keeps up with changes made on other servers until ctx ends.
func (c *Channels) Run(ctx context.Context) error {
	woken := c.Hub.Subscribe(hub.Channels)
	defer woken.Close()
	timer := c.Clock.NewTimer(0)
	defer timer.Stop()
	var failing trouble
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-woken.C():
		case <-timer.C():
		}
		err := c.Load(ctx)
		if ctx.Err() != nil {
			return nil
		}
		failing.note(c.Log, "reading the channels", err)
		timer.Reset(refreshEvery)
	}
}

// List gives all channels by name, secrets masked.
func (c *Channels) List() []api.Channel {
	d := c.current.Load()
	list := make([]api.Channel, 0, len(d.channels))
	for _, name := range slices.Sorted(maps.Keys(d.channels)) {
		list = append(list, d.channels[name].Channel)
	}
	return list
}

// Get gives a channel, secrets masked; KindNotFound when there is none.
func (c *Channels) Get(name string) (api.Channel, error) {
	if m := c.current.Load().channels[name]; m != nil {
		return m.Channel, nil
	}
	return api.Channel{}, errNoChannel
}

var errNoChannel = api.Errorf(api.KindNotFound, "there is no such channel")

// TestTarget sends a test message now, leaving no trace, and gives what the other side said. The name is that of a
// channel or of a kind, which needs an address.
func (c *Channels) TestTarget(ctx context.Context, t api.Target) (api.ChannelTest, error) {
	_, m := c.findFresh(ctx, t.Channel)
	switch {
	case m == nil:
		return api.ChannelTest{}, errNoChannel
	case m.sender == nil:
		return api.ChannelTest{}, api.Errorf(api.KindInvalid, "%s cannot be used: %s", m.Name, m.fault)
	}
	if err := m.sender.ValidateTarget(t.Address); err != nil {
		return api.ChannelTest{}, api.Invalid("address", "%s", textOf(err))
	}
	began := c.Clock.Now()
	message := notify.OfTest(m.Name, c.Zone)
	message.DeliveryID, message.Now = uuid.NewString(), api.TimeOf(began)
	if err := m.template.Word(&message); err != nil {
		return api.ChannelTest{Answer: "the template failed: " + err.Error()}, nil
	}
	receipt, err := deliver(ctx, m.sender, t.Address, &message)
	answer := api.ChannelTest{OK: err == nil, Answer: receipt, Took: c.Clock.Now().Sub(began).Round(time.Millisecond).String()}
	if err != nil {
		answer.Answer = err.Error()
	}
	return answer, ctx.Err()
}

// deliver makes one attempt within the time for one. A channel that breaks off for a mistake of ours has failed for
// good: the next attempt would break off, too, and must not take the server with it.
func deliver(ctx context.Context, sender notify.Channel, address string, m *notify.Message) (receipt string, err error) {
	defer func() {
		if r := recover(); r != nil {
			receipt, err = "", notify.Fail(notify.GiveUp, "the server failed while it wrote the message", fmt.Errorf("panic: %v", r))
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, notify.SendTimeout)
	defer cancel()
	receipt, err = sender.Send(ctx, address, m)
	if err == nil || errors.As(err, new(*notify.Failure)) {
		return receipt, err
	}
	return "", notify.Fail(notify.Persist, "the attempt failed", err)
}
