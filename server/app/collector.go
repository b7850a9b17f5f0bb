package app

import (
	"context"
	"os"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"time"

	"watchkeeper/server/clock"
)

// The garbage collector by default lets the heap double before it runs. The heap of a busy server is so small that it
// then runs a dozen times a second, for a tenth of all work; a server at rest should stay small. So the heap may grow
// further while the collector works much, and no longer once it hardly does.
const (
	collectorLook  = 2 * time.Second
	calmPercent    = 100
	busyPercent    = 400
	busyFrom       = 0.04 // share of the processors' time that the collector takes
	calmBelow      = 0.005
	collectorShare = "/cpu/classes/gc/total:cpu-seconds"
	allShare       = "/cpu/classes/total:cpu-seconds"
)

// collectorPercent says how far the heap may grow, given how far it may now and the share that the collector takes.
func collectorPercent(now int, share float64) int {
	switch {
	case share >= busyFrom:
		return busyPercent
	case share < calmBelow:
		return calmPercent
	}
	return now
}

// paceCollector adjusts the collector to the load until ctx ends, unless somebody has set it in GOGC.
func paceCollector(c clock.Clock) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		if os.Getenv("GOGC") != "" {
			<-ctx.Done()
			return nil
		}
		defer debug.SetGCPercent(calmPercent)
		samples := []runtimemetrics.Sample{{Name: collectorShare}, {Name: allShare}}
		var collected, all float64
		percent := calmPercent
		for clock.Sleep(ctx, c, collectorLook) == nil {
			runtimemetrics.Read(samples)
			// The runtime counts anew with each run of the collector; without one there is nothing to learn.
			if total := samples[1].Value.Float64(); total > all {
				wanted := collectorPercent(percent, (samples[0].Value.Float64()-collected)/(total-all))
				if wanted != percent {
					debug.SetGCPercent(wanted)
					percent = wanted
				}
				collected, all = samples[0].Value.Float64(), total
			}
		}
		return nil
	}
}
