package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"watchkeeper/server/config"
)

// Figure 3 lasts long enough for what only happens now and then, such as a checkpoint of the database.
const (
	latencyWarmUp   = time.Second
	latencyDuration = 5 * time.Second
	latencyRounds   = 3
)

// latency is figure 3: how long a pulse waits for its answer at half the rate of figure 1. Pulses go out when they are
// due whether or not answers come, so that a server which stops for a second is not asked less in that second.
func (b *bench) latency(ctx context.Context, rate float64) error {
	return b.withServer(ctx, smallSet, func(s *server) error {
		p := pulsesOf(smallSet, 64)
		p.Rate, p.WarmUp, p.Duration = rate/2, latencyWarmUp, latencyDuration
		var found series
		for range latencyRounds {
			m, err := b.load(ctx, s, p)
			if err != nil {
				return err
			}
			found = append(found, m)
		}
		b.report.add(result{
			Figure: "3 p99 of the answer", Engine: b.engine.name, Unit: "ms",
			Value: found.middle(func(m measured) float64 { return m.P99 }), Goal: goal{ofValue, atMost, 20},
			Note: fmt.Sprintf("at %s/s (half of figure 1): p50 %s ms, slowest %s ms", number(found.rate()),
				number(found.middle(func(m measured) float64 { return m.P50 })),
				number(found.middle(func(m measured) float64 { return m.Slowest }))),
		})
		return nil
	})
}

// withServer runs a measurement on a server with a fresh copy of a data set.
func (b *bench) withServer(ctx context.Context, set dataSet, measure func(*server) error) (err error) {
	d, err := b.engine.open(ctx, set)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.remove()) }()
	s, err := b.serve(ctx, d, config.TLSOff)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.end()) }()
	return measure(s)
}
