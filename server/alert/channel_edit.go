package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/store"
)

// Create makes a channel and gives it with its secrets masked. It gives KindInvalid for what breaks a rule and
// KindConflict when the name is taken.
func (c *Channels) Create(ctx context.Context, in api.ChannelInput) (api.Channel, error) {
	if err := in.Validate(); err != nil {
		return api.Channel{}, err
	}
	for name := range c.current.Load().channels {
		if strings.EqualFold(name, in.Name) {
			return api.Channel{}, api.Errorf(api.KindConflict, "a channel with the name %s exists already", name)
		}
	}
	sealed, err := c.seal(in)
	if err != nil {
		return api.Channel{}, err
	}
	if _, err := c.Store.Channels.Create(ctx, sealed); err != nil {
		return api.Channel{}, err
	}
	return c.reloaded(ctx, in.Name)
}

// Replace gives a channel another kind or other settings. A secret that is sent back masked, as it was shown, keeps its
// value. It gives KindNotFound when there is no such channel and KindConflict for one of the configuration file.
func (c *Channels) Replace(ctx context.Context, name string, in api.ChannelInput) (api.Channel, error) {
	if in.Name != "" && in.Name != name {
		return api.Channel{}, api.Invalid("body.name", "must be the name in the path or be left out")
	}
	in.Name = name
	if err := in.Validate(); err != nil {
		return api.Channel{}, err
	}
	before, err := c.changeable(ctx, name)
	if err != nil {
		return api.Channel{}, err
	}
	if before.Kind == in.Kind {
		settings, err := c.open(before)
		if err != nil {
			c.Log.Warn("the former settings of a channel cannot be read", "channel", name, "error", err)
		}
		in.Settings = c.Registry.KeepSecrets(in.Kind, settings, in.Settings)
	}
	sealed, err := c.seal(in)
	if err != nil {
		return api.Channel{}, err
	}
	if _, err := c.Store.Channels.Replace(ctx, sealed); err != nil {
		return api.Channel{}, err
	}
	return c.reloaded(ctx, name)
}

// Delete removes a channel. Who is told through it is told by the default route from then on, with a warning. It gives
// KindNotFound when there is no such channel and KindConflict for one of the configuration file.
func (c *Channels) Delete(ctx context.Context, name string) error {
	if _, err := c.changeable(ctx, name); err != nil {
		return err
	}
	if err := c.Store.Channels.Delete(ctx, name); err != nil {
		return err
	}
	return c.Load(ctx)
}

// Preview gives what templates make of a message of every sort. KindInvalid when one is wrong.
func (c *Channels) Preview(title, body string) ([]api.MessagePreview, error) {
	return notify.PreviewTemplate(map[string]string{notify.TitleTemplate: title, notify.BodyTemplate: body})
}

// changeable gives a channel of the database.
func (c *Channels) changeable(ctx context.Context, name string) (store.SealedChannel, error) {
	if c.fixed.channels[name] != nil {
		return store.SealedChannel{}, api.Errorf(api.KindConflict, "this channel comes from the configuration file and is changed there")
	}
	stored, err := c.Store.Channels.List(ctx)
	if err != nil {
		return store.SealedChannel{}, err
	}
	for _, s := range stored {
		if s.Name == name {
			return s, nil
		}
	}
	return store.SealedChannel{}, errNoChannel
}

// seal checks the settings of a channel and gives it as it is kept.
func (c *Channels) seal(in api.ChannelInput) (store.SealedChannel, error) {
	o := c.Common
	o.Settings = in.Settings
	if _, err := c.Registry.New(in.Kind, o); err != nil {
		return store.SealedChannel{}, err
	}
	plain, err := json.Marshal(in.Settings)
	if err != nil {
		return store.SealedChannel{}, fmt.Errorf("writing the settings of a channel: %w", err)
	}
	sealed, err := c.Key.Seal(purpose(in.Name), plain)
	return store.SealedChannel{
		Name: in.Name, Kind: in.Kind, Settings: sealed, ManagedBy: in.ManagedBy, Shown: c.Registry.MaskSettings(in.Kind, in.Settings),
	}, err
}

func (c *Channels) open(s store.SealedChannel) (map[string]string, error) {
	plain, err := c.Key.Open(purpose(s.Name), s.Settings)
	if err != nil {
		return nil, err
	}
	var settings map[string]string
	if err := json.Unmarshal(plain, &settings); err != nil {
		return nil, fmt.Errorf("reading the settings of a channel: %w", err)
	}
	return settings, nil
}

func purpose(name string) string { return "channel:" + name }

// reloaded gives a channel as it is after a change.
func (c *Channels) reloaded(ctx context.Context, name string) (api.Channel, error) {
	if err := c.Load(ctx); err != nil {
		return api.Channel{}, err
	}
	return c.Get(name)
}
