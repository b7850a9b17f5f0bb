package app

import "context"

type alerts struct {
	channels stubChannels
	router   stubLoop
	sender   stubLoop
}
type stubChannels struct{}

func (stubChannels) CheckTarget(string) error { return nil }

type stubLoop struct{}

func (stubLoop) Run(ctx context.Context) error { <-ctx.Done(); return nil }

func (s *server) newAlerts(context.Context) (alerts, error) { return alerts{}, nil }
