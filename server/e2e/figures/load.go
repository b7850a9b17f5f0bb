package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

const roleLoad = "load"

// plan is what a load generator sends. It ends by itself, at the latest after WarmUp and Duration.
type plan struct {
	Address     string // on the loopback interface
	TLS         bool
	Request     request
	Connections int
	First       int // number of the first service to pulse for
	Services    int // how many there are; every one has its turn before one has its second
	NextIn      int // seconds, as the pulses say
	// DeadlineIn, when set, replaces NextIn so that all deadlines fall into the second that begins so many seconds after
	// the start.
	DeadlineIn int
	Rate       float64 // pulses per second of all connections together; 0 for as fast as the answers come
	Total      int     // pulses to send in all, 0 for any number
	WarmUp     time.Duration
	Duration   time.Duration
}

// begun is what a load generator says when its warm-up is over.
type begun struct{ Begun bool }

// sent is what a load generator has measured after the warm-up. The times are milliseconds, from the moment at which
// the plan had the pulse go out, or where it had none, from when it went, to its answer.
type sent struct {
	Pulses  int
	Seconds float64
	Failed  int
	Failure string // the first one
	P50     float64
	P99     float64
	Slowest float64
}

func (s sent) perSecond() float64 { return float64(s.Pulses) / s.Seconds }

// maxConnections keeps a plan from exhausting what a process may have open.
const maxConnections = 10_000

// sendLoad is the role of a load generator.
func sendLoad(ctx context.Context, c *conversation) error {
	var p plan
	if err := c.hear(&p); err != nil {
		return err
	}
	if p.Connections < 1 || p.Connections > maxConnections || p.Services < 1 {
		return errors.New("the plan has no connections or services, or too many connections")
	}
	ctx, _ = c.untilEnd(ctx)
	senders := make([]*sender, p.Connections)
	for i := range senders {
		var err error
		if senders[i], err = newSender(p, i); err != nil {
			return err
		}
		defer senders[i].conn.Close()
	}
	start := time.Now()
	begin := start.Add(p.WarmUp)
	end := begin.Add(p.Duration)
	// Whatever hangs is cut soon after the end.
	context.AfterFunc(ctx, func() {
		for _, s := range senders {
			_ = s.conn.Close()
		}
	})
	var wg sync.WaitGroup
	for _, s := range senders {
		_ = s.conn.SetDeadline(end.Add(10 * time.Second))
		wg.Go(func() { s.run(window{start, begin, end}) })
	}
	time.Sleep(time.Until(begin))
	if err := c.say(begun{true}); err != nil {
		return err
	}
	wg.Wait()
	if err := c.say(sum(senders, min(time.Since(begin), p.Duration))); err != nil {
		return err
	}
	<-ctx.Done() // until then /proc says what this process has cost
	return nil
}

func sum(senders []*sender, took time.Duration) sent {
	out := sent{Seconds: took.Seconds()}
	var all []time.Duration
	for _, s := range senders {
		all = append(all, s.times...)
		if s.failure != nil {
			out.Failed++
			if out.Failure == "" {
				out.Failure = s.failure.Error()
			}
		}
	}
	slices.Sort(all)
	out.Pulses = len(all)
	out.P50, out.P99, out.Slowest = milliseconds(rank(all, 0.5)), milliseconds(rank(all, 0.99)), milliseconds(rank(all, 1))
	return out
}

// rank gives the value below which a share of a sorted list lies.
func rank(sorted []time.Duration, share float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// window is when a load begins to be sent, to be measured, and ends.
type window struct{ start, begin, end time.Time }

// sender is one connection, which has one request under way at a time.
type sender struct {
	plan    plan
	index   int
	conn    net.Conn
	message *message
	order   order
	times   []time.Duration // of each pulse within the window
	failure error
}

func newSender(p plan, index int) (*sender, error) {
	conn, err := net.Dial("tcp", p.Address)
	if err != nil {
		return nil, err
	}
	if !conn.RemoteAddr().(*net.TCPAddr).IP.IsLoopback() {
		return nil, errors.Join(errors.New("only the loopback interface is put under load"), conn.Close())
	}
	if p.TLS {
		// The certificate is not what is measured.
		secured := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
		if err := secured.Handshake(); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		conn = secured
	}
	return &sender{
		plan: p, index: index, conn: conn, message: newMessage(p.Request), order: newOrder(p.First, p.Services),
		times: make([]time.Duration, 0, 1<<14),
	}, nil
}

func (s *sender) run(w window) {
	p := s.plan
	for turn := 0; ; turn++ {
		nth := turn*p.Connections + s.index // of all pulses
		due := time.Now()
		if p.Rate > 0 {
			due = w.start.Add(time.Duration(float64(nth) / p.Rate * float64(time.Second)))
			time.Sleep(time.Until(due))
		}
		if due.After(w.end) || p.Total > 0 && nth >= p.Total {
			return
		}
		nextIn := p.NextIn
		if p.DeadlineIn > 0 {
			nextIn = p.DeadlineIn - int(time.Since(w.start)/time.Second)
			if nextIn < 1 {
				s.failure = errors.New("the pulses took so long that the common deadline has passed")
				return
			}
		}
		if err := s.message.exchange(s.conn, s.order.at(nth), nextIn); err != nil {
			s.failure = fmt.Errorf("pulse %d: %w", nth, err)
			return
		}
		if now := time.Now(); now.After(w.begin) && now.Before(w.end) {
			s.times = append(s.times, now.Sub(due))
		}
	}
}

// order is in which order services have their turn: all over the range, each once before any has its second.
type order struct{ first, count, stride int }

func newOrder(first, count int) order {
	stride := count*5/8 + 1 // neighbours in time are far from each other in the table
	for gcd(stride, count) != 1 {
		stride++
	}
	return order{first, count, stride}
}

func (o order) at(nth int) int { return o.first + nth%o.count*o.stride%o.count }

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
