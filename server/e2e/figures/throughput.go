package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// How long one round lasts. Rounds are short and alternate with what they are compared with, because what else goes on
// on the machine changes from second to second; the median counts.
const (
	roundWarmUp   = 300 * time.Millisecond
	roundDuration = 1700 * time.Millisecond
	rounds        = 5
	extraRounds   = 3
)

// series is what came of one kind of load over several rounds.
type series []measured

// middle gives the median of a number of each round.
func (s series) middle(number func(measured) float64) float64 {
	return median(each(s, number))
}

func (s series) rate() float64 { return s.middle(func(m measured) float64 { return m.perSecond() }) }

// costs says what a pulse costs each side, in microseconds of processor time.
func (s series) costs() string {
	text := fmt.Sprintf("CPU/pulse: server %.1f µs", s.middle(func(m measured) float64 { return m.perPulse(m.server) }))
	if s[0].database > 0 {
		text += fmt.Sprintf(", database %.1f", s.middle(func(m measured) float64 { return m.perPulse(m.database) }))
	}
	return text + fmt.Sprintf(", client %.1f", s.middle(func(m measured) float64 { return m.perPulse(m.client) }))
}

// ratio gives the median of how two series compare, round by round.
func ratio(of, to series) float64 {
	each := make([]float64, len(of))
	for i := range of {
		each[i] = of[i].perSecond() / to[i].perSecond()
	}
	return median(each)
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func each[T, V any](list []T, value func(T) V) []V {
	out := make([]V, len(list))
	for i, v := range list {
		out[i] = value(v)
	}
	return out
}

// contender is what takes part in rounds.
type contender struct {
	server *server
	plan   plan
}

// alternate puts each contender under load in turn, several times, and gives the series of each.
func (b *bench) alternate(ctx context.Context, times int, contenders ...contender) ([]series, error) {
	out := make([]series, len(contenders))
	for range times {
		for i, c := range contenders {
			c.plan.WarmUp, c.plan.Duration = roundWarmUp, roundDuration
			m, err := b.load(ctx, c.server, c.plan)
			if err != nil {
				return nil, err
			}
			out[i] = append(out[i], m)
		}
	}
	return out, nil
}

func pulsesOf(set dataSet, connections int) plan {
	return plan{Request: requestHeartbeat, Connections: connections, Services: set.services, NextIn: nextIn}
}

// throughput is figure 1: how many pulses per second are stored for good. It gives the rate at 64 connections.
func (b *bench) throughput(ctx context.Context) (rate float64, err error) {
	bare, err := b.baseline(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, bare.end()) }()
	err = b.withServer(ctx, smallSet, func(ours *server) error {
		if rate, err = b.compareWithBare(ctx, ours, bare); err != nil {
			return err
		}
		return b.otherWaysIn(ctx, ours, bare)
	})
	return rate, err
}

func (b *bench) compareWithBare(ctx context.Context, ours, bare *server) (rate float64, err error) {
	for _, goals := range []struct {
		connections int
		ratio       float64
	}{{256, 0.5}, {64, 0.4}} {
		p := pulsesOf(smallSet, goals.connections)
		if err := b.profileOf(ours, fmt.Sprintf("%s-%d", b.engine.name, goals.connections)); err != nil {
			return 0, err
		}
		found, err := b.alternate(ctx, rounds, contender{bare, p}, contender{ours, p})
		if err != nil {
			return 0, err
		}
		rate = found[1].rate()
		at := fmt.Sprintf("%d connections", goals.connections)
		b.report.add(result{Figure: "1 bare handler, " + at, Engine: b.engine.name, Value: found[0].rate(), Unit: "/s", Note: found[0].costs()})
		b.report.add(result{
			Figure: "1 durable pulses, " + at, Engine: b.engine.name, Value: rate, Unit: "/s",
			Ratio: ratio(found[1], found[0]), Goal: goal{ofRatio, atLeast, goals.ratio}, Note: found[1].costs(),
		})
	}
	return rate, b.profileOf(ours, "")
}

// otherWaysIn shows beside figure 1 what pulses cost that come by other routes.
func (b *bench) otherWaysIn(ctx context.Context, ours, bare *server) error {
	const connections = 64
	p := pulsesOf(smallSet, connections)
	viaAPI, viaPing := p, p
	viaAPI.Request, viaPing.Request = requestPulse, requestPing
	found, err := b.alternate(ctx, extraRounds, contender{bare, p}, contender{ours, viaAPI}, contender{ours, viaPing})
	if err != nil {
		return err
	}
	for i, name := range []string{"", "1 by /api/v1, 64 connections", "1 by /ping, 64 connections"} {
		if name != "" {
			b.report.add(result{
				Figure: name, Engine: b.engine.name, Value: found[i].rate(), Unit: "/s", Ratio: ratio(found[i], found[0]), Note: found[i].costs(),
			})
		}
	}
	return nil
}

// profileOf ends the CPU profile of a server, if one is under way, and begins another unless the name is empty.
func (b *bench) profileOf(s *server, name string) error {
	if b.profiles == "" {
		return nil
	}
	var next command
	if name != "" {
		path, err := filepath.Abs(filepath.Join(b.profiles, name+".pprof"))
		if err != nil {
			return err
		}
		next.Profile = path
	}
	return s.say(next)
}

// manyServices is figure 2: the same with a million services, beside the twenty thousand of figure 1.
func (b *bench) manyServices(ctx context.Context) error {
	return b.withServer(ctx, smallSet, func(few *server) error {
		return b.withServer(ctx, largeSet, func(many *server) error { return b.compareSets(ctx, few, many) })
	})
}

func (b *bench) compareSets(ctx context.Context, few, many *server) error {
	if err := b.profileOf(many, b.engine.name+"-million"); err != nil {
		return err
	}
	for _, connections := range []int{64, 256} {
		found, err := b.alternate(ctx, rounds,
			contender{few, pulsesOf(smallSet, connections)}, contender{many, pulsesOf(largeSet, connections)})
		if err != nil {
			return err
		}
		b.report.add(result{
			Figure: fmt.Sprintf("2 with a million services, %d connections", connections), Engine: b.engine.name,
			Value: found[1].rate(), Unit: "/s", Ratio: ratio(found[1], found[0]), Goal: goal{ofRatio, atLeast, 0.8},
			Note: found[1].costs() + "; compared with 20,000 services",
		})
	}
	return nil
}
