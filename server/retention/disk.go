package retention

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/clock"
	"watchkeeper/server/store"
)

// GuardOptions is what a Guard is made of.
type GuardOptions struct {
	Folder   string
	Settings *store.Settings
	Clock    clock.Clock
	Log      *slog.Logger
	// Tell tells the owner, by an event that asks for an alert.
	Tell func(level api.Level, message string) error
	// Free gives the bytes that are free for us and the size of the file system of a folder; nil asks the system.
	Free func(folder string) (free, total int64, err error)
}

// Guard watches how full the disk is, tells the owner in time, and keeps the last of it for pulses and alerts.
type Guard struct {
	GuardOptions

	mu    sync.Mutex
	state api.DiskState
}

// NewGuard makes a guard.
func NewGuard(o GuardOptions) *Guard {
	if o.Free == nil {
		o.Free = freeSpace
	}
	return &Guard{GuardOptions: o, state: api.DiskWell}
}

func freeSpace(folder string) (free, total int64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return 0, 0, fmt.Errorf("asking how full the disk of %s is: %w", folder, err)
	}
	return int64(s.Bavail) * s.Bsize, int64(s.Blocks) * s.Bsize, nil
}

// Look gives how full the disk is now.
func (g *Guard) Look() (*api.Disk, error) {
	free, total, err := g.Free(g.Folder)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.state = api.JudgeDisk(g.state, free, total)
	return &api.Disk{Free: free, Total: total, State: g.state}, nil
}

// CheckEvents refuses events while the disk is too full for them.
func (g *Guard) CheckEvents() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state == api.DiskFull {
		return &api.Error{
			Kind: api.KindUnavailable, Message: "the disk of the server is nearly full, so that it takes no events", RetryAfter: time.Minute,
		}
	}
	return nil
}

const (
	lookEvery = time.Second
	// settingDisk remembers what the owner was told last, also over a restart.
	settingDisk = "disk_told"
)

// Run watches until ctx ends.
func (g *Guard) Run(ctx context.Context) error {
	for failing := false; ; {
		err := g.RunOnce(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			g.Log.Error("watching the disk failed, trying on", "error", err)
		}
		failing = err != nil
		if err := clock.Sleep(ctx, g.Clock, lookEvery); err != nil {
			return nil
		}
	}
}

// RunOnce looks once, and tells the owner what has changed.
func (g *Guard) RunOnce(ctx context.Context) error {
	disk, err := g.Look()
	if err != nil {
		return err
	}
	told, found, err := g.Settings.Get(ctx, settingDisk)
	if err != nil {
		return err
	}
	if !found {
		told = string(api.DiskWell)
	}
	if told == string(disk.State) {
		return nil
	}
	level, text := sentence(api.DiskState(told), disk)
	g.Log.Warn("the disk", "folder", g.Folder, "free", disk.Free, "total", disk.Total, "state", disk.State)
	// Remembered first: better told late than told every second while the disk is full.
	if err := g.Settings.Put(ctx, settingDisk, string(disk.State)); err != nil {
		return err
	}
	if text == "" {
		return nil
	}
	return g.Tell(level, text)
}

// sentence says to the owner how the disk is; nothing when it only got somewhat better or the worst was told before.
func sentence(told api.DiskState, disk *api.Disk) (api.Level, string) {
	left := fmt.Sprintf("%.1f GiB of %.1f GiB are free", float64(disk.Free)/(1<<30), float64(disk.Total)/(1<<30))
	switch {
	case disk.State == api.DiskFull:
		return api.LevelCritical, "The disk of the server is nearly full: " + left + ". Events are refused; pulses and alerts go on while there is room"
	case disk.State == api.DiskLow && told == api.DiskWell:
		return api.LevelError, "The disk of the server is getting full: " + left
	case disk.State == api.DiskLow:
		return api.LevelInfo, "" // events are taken again; what is told is when all is well
	}
	return api.LevelInfo, "The disk of the server has room again: " + left
}
