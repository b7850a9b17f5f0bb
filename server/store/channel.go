package store

import (
	"context"
	"errors"

	"watchkeeper/api"
	"watchkeeper/server/hub"
)

// Channels is the handle of the channels that were made through the API. Their settings are sealed by the caller.
type Channels struct{ s *Store }

// SealedChannel is a channel as it is kept.
type SealedChannel struct {
	Name     string
	Kind     api.ChannelKind
	Settings string // sealed
	// Shown is the settings with their secrets masked, for the audit; it is not kept with the channel.
	Shown     map[string]string
	ManagedBy string
	CreatedAt api.Time
	UpdatedAt api.Time
}

const channelColumns = "name, kind, settings, managed_by, created_at, updated_at"

func scanChannel(r row) (SealedChannel, error) {
	var c SealedChannel
	return c, r.Scan(&c.Name, &c.Kind, &c.Settings, &c.ManagedBy, &c.CreatedAt, &c.UpdatedAt)
}

var errNoChannel = api.Errorf(api.KindNotFound, "there is no such channel")

// Create keeps a new channel; KindConflict when the name is taken.
func (h *Channels) Create(ctx context.Context, c SealedChannel) (SealedChannel, error) {
	err := h.s.write(ctx, useGeneral, func(tx *Tx) error {
		c.CreatedAt, c.UpdatedAt = tx.now, tx.now
		tx.wake(hub.Channels)
		_, err := tx.exec(ctx, "insert into channel ("+channelColumns+") values ($1, $2, $3, $4, $5, $5)", c.Name, string(c.Kind), c.Settings, c.ManagedBy, int64(tx.now))
		if tx.eng.judge(err) == verdictUnique {
			return api.Wrap(api.KindConflict, err, "a channel with this name exists already")
		}
		tx.audit(api.AuditChannelCreate, c.Name, map[string]any{"kind": c.Kind, "settings": c.Shown})
		return err
	})
	return c, err
}

// Replace changes kind and settings of a channel; KindNotFound when there is none.
func (h *Channels) Replace(ctx context.Context, c SealedChannel) (SealedChannel, error) {
	shown := c.Shown
	err := h.s.write(ctx, useGeneral, func(tx *Tx) (err error) {
		tx.wake(hub.Channels)
		c, err = one(ctx, tx.session, scanChannel, "update channel set kind = $2, settings = $3, managed_by = $4, updated_at = $5 where name = $1 returning "+channelColumns,
			c.Name, string(c.Kind), c.Settings, c.ManagedBy, int64(tx.now))
		if errors.Is(err, errNoRow) {
			return errNoChannel
		}
		c.Shown = shown
		tx.audit(api.AuditChannelUpdate, c.Name, map[string]any{"kind": c.Kind, "settings": shown})
		return err
	})
	return c, err
}

// Delete removes a channel; KindNotFound when there is none.
func (h *Channels) Delete(ctx context.Context, name string) error {
	return h.s.write(ctx, useGeneral, func(tx *Tx) error {
		tx.wake(hub.Channels)
		n, err := tx.exec(ctx, "delete from channel where name = $1", name)
		if err == nil && n == 0 {
			return errNoChannel
		}
		tx.audit(api.AuditChannelDelete, name, nil)
		return err
	})
}

// List gives all channels by name.
func (h *Channels) List(ctx context.Context) ([]SealedChannel, error) {
	var out []SealedChannel
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		out, err = collect(ctx, tx.session, scanChannel, "select "+channelColumns+" from channel order by name")
		return err
	})
	return out, err
}
