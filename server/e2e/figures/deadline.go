package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Figure 4: a million services of which most pulse on, 5,000 times a second in all, some fall silent all the time, and
// ten thousand fall silent in one second.
const (
	flowing     = 5_000 // pulses per second
	lingering   = 18 * time.Second
	silentCount = 2_000
	silentRate  = 200 // services per second that send their last pulse
	silentIn    = 2   // seconds that this pulse promises
	burstCount  = 10_000
	burstRate   = 1_250
	burstIn     = 12 // seconds from the start to the second in which their deadlines fall
)

// The services of each kind, by their numbers: first those that pulse on.
const (
	firstSilent = 1_000_000 - silentCount
	firstBurst  = firstSilent - burstCount
)

// deadlines is figure 4: how soon silence is noticed.
func (b *bench) deadlines(ctx context.Context) error {
	return b.withServer(ctx, largeSet, func(s *server) (err error) {
		db, err := s.database.look()
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, db.Close()) }()
		// The sweeper looks at everything once at the start; what is measured is its daily life.
		time.Sleep(time.Second)

		loads := []plan{
			{Request: requestHeartbeat, Connections: 32, Services: firstBurst, NextIn: nextIn, Rate: flowing},
			{Request: requestHeartbeat, Connections: 4, First: firstSilent, Services: silentCount, NextIn: silentIn, Rate: silentRate, Total: silentCount},
			{Request: requestHeartbeat, Connections: 8, First: firstBurst, Services: burstCount, DeadlineIn: burstIn, Rate: burstRate, Total: burstCount},
		}
		done := make(chan error, len(loads))
		for _, p := range loads {
			p.Duration = lingering
			go func() {
				_, err := b.load(ctx, s, p)
				done <- err
			}()
		}
		if err := b.profileOf(s, b.engine.name+"-deadlines"); err != nil {
			return err
		}
		seen, err := watchBurst(ctx, db)
		for range loads {
			err = errors.Join(err, <-done)
		}
		if err != nil {
			return err
		}
		return b.reportDeadlines(ctx, s, db, seen)
	})
}

// watchBurst looks at the database from outside until all of the burst is committed, and gives when that was seen.
func watchBurst(ctx context.Context, db *sql.DB) (time.Time, error) {
	limit := time.Now().Add(lingering)
	for {
		n, err := countDown(ctx, db, firstBurst, burstCount)
		now := time.Now()
		if err != nil || n >= burstCount || now.After(limit) {
			return now, err
		}
		select {
		case <-ctx.Done():
			return now, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

const downsOf = ` from change where to_state = 'down' and subject >= $1 and subject <= $2`

func countDown(ctx context.Context, db *sql.DB, first, count int) (n int, err error) {
	err = db.QueryRowContext(ctx, "select count(*)"+downsOf, serviceName(first), serviceName(first+count-1)).Scan(&n)
	return n, err
}

// noticed is when services fell silent, and how long after that it was recorded.
type noticed struct {
	first time.Time // the earliest deadline
	lags  []time.Duration
}

func readNoticed(ctx context.Context, db *sql.DB, first, count int) (noticed, error) {
	var n noticed
	rows, err := db.QueryContext(ctx, "select at, recorded_at"+downsOf, serviceName(first), serviceName(first+count-1))
	if err != nil {
		return n, err
	}
	defer rows.Close()
	for rows.Next() {
		var at, recorded int64
		if err := rows.Scan(&at, &recorded); err != nil {
			return n, err
		}
		if moment := time.UnixMilli(at); n.first.IsZero() || moment.Before(n.first) {
			n.first = moment
		}
		n.lags = append(n.lags, time.Duration(recorded-at)*time.Millisecond)
	}
	slices.Sort(n.lags)
	if err := rows.Err(); err != nil {
		return n, err
	}
	if len(n.lags) != count {
		return n, fmt.Errorf("%d of %d silent services were noticed", len(n.lags), count)
	}
	return n, nil
}

func (b *bench) reportDeadlines(ctx context.Context, s *server, db *sql.DB, burstSeen time.Time) error {
	silent, err := readNoticed(ctx, db, firstSilent, silentCount)
	if err != nil {
		return err
	}
	burst, err := readNoticed(ctx, db, firstBurst, burstCount)
	if err != nil {
		return err
	}
	all, err := countDown(ctx, db, 0, largeSet.services)
	if err != nil {
		return err
	}
	if wrong := all - silentCount - burstCount; wrong != 0 {
		return fmt.Errorf("%d services that pulsed in time were called silent", wrong)
	}
	b.report.add(result{
		Figure: "4 detection lag, p99", Engine: b.engine.name, Unit: "ms", Value: milliseconds(rank(silent.lags, 0.99)),
		Goal: goal{ofValue, atMost, 1000},
		Note: fmt.Sprintf("of %d silences while %d pulses/s flow; p50 %s ms, longest %s ms", silentCount, flowing,
			number(milliseconds(rank(silent.lags, 0.5))), number(milliseconds(rank(silent.lags, 1)))),
	})
	took := burstSeen.Add(time.Duration(s.Ahead) * time.Millisecond).Sub(burst.first)
	b.report.add(result{
		Figure: "4 ten thousand deadlines in one second", Engine: b.engine.name, Unit: "s", Value: took.Seconds(),
		Goal: goal{ofValue, atMost, 3},
		Note: fmt.Sprintf("from the first deadline until all were seen committed; lag p99 %s ms", number(milliseconds(rank(burst.lags, 0.99)))),
	})
	return nil
}
