package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"watchkeeper/server/config"
)

// Figure 5 starts the server several times, and looks at its memory after the same load on each data set.
const (
	starts       = 3
	memoryLoad   = 5_000 // pulses per second
	memoryPeriod = 6 * time.Second
)

// start is figure 5: how long a start takes with a million services, and how much memory they need.
func (b *bench) start(ctx context.Context) error {
	empty, err := b.restarts(ctx, emptySet)
	if err != nil {
		return err
	}
	large, err := b.restarts(ctx, largeSet)
	if err != nil {
		return err
	}
	b.report.add(result{
		Figure: "5 start to ready with a million services", Engine: b.engine.name, Unit: "s", Value: large.took,
		Goal: goal{ofValue, atMost, 5}, Note: fmt.Sprintf("empty %s s", number(empty.took)),
	})
	b.report.add(result{
		Figure: "5 memory on top of empty, at its highest", Engine: b.engine.name, Unit: "MB",
		Value: megabytes(large.highest - empty.highest), Goal: goal{ofValue, atMost, 300},
		Note: fmt.Sprintf("the empty one just started, the other after %d pulses/s; anonymous %s and %s MB, highest resident %s and %s MB",
			memoryLoad, number(megabytes(empty.anonymous)), number(megabytes(large.anonymous)),
			number(megabytes(empty.highest)), number(megabytes(large.highest))),
	})
	return nil
}

func megabytes(bytes int64) float64 { return float64(bytes) / 1e6 }

// started is what was seen of servers that were just started.
type started struct {
	memory
	took float64 // seconds until ready, the median
}

// restarts starts a server on a data set several times in a row. With services in it, the last one is put under load
// before its memory is looked at.
func (b *bench) restarts(ctx context.Context, set dataSet) (out started, err error) {
	d, err := b.engine.open(ctx, set)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, d.remove()) }()
	var took []float64
	for range starts {
		s, err := b.serve(ctx, d, config.TLSOff)
		if err != nil {
			return out, err
		}
		took = append(took, s.took.Seconds())
		if len(took) == starts {
			out.memory, err = b.memoryUnderLoad(ctx, s, set)
		}
		if err := errors.Join(err, s.end()); err != nil {
			return out, err
		}
	}
	out.took = median(took)
	return out, nil
}

func (b *bench) memoryUnderLoad(ctx context.Context, s *server, set dataSet) (memory, error) {
	if set.services > 0 {
		p := pulsesOf(set, 64)
		p.Rate, p.Duration = memoryLoad, memoryPeriod
		if _, err := b.load(ctx, s, p); err != nil {
			return memory{}, err
		}
	}
	return memoryOf(s.pid())
}
