package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"watchkeeper/api"
	"watchkeeper/api/client"
	"watchkeeper/server/search"
	"watchkeeper/server/store"
)

// Figures 6 and 7 are measured on the same events: first how fast they come, then how soon they are found again.
const (
	eventBatch       = 500
	batchConnections = 32 // few would all wait for one group, and the database for them
	singleEvents     = 64 // connections
	indexPatience    = 10 * time.Minute
	searchRounds     = 5
	pageSize         = 100
)

// events is figures 6 and 7.
func (b *bench) events(ctx context.Context) (err error) {
	bare, err := b.baseline(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bare.end()) }()
	return b.withServer(ctx, emptySet, func(s *server) error {
		if b.wants("6") {
			if err := b.singles(ctx, s, bare); err != nil {
				return err
			}
		}
		c, err := client.New(client.Options{URL: "http://" + s.Address, Password: password})
		if err != nil {
			return err
		}
		if _, err := c.AddEvents(ctx, []api.EventInput{{Service: "haystack", Message: "there is " + needle + " in it"}}, ""); err != nil {
			return err
		}
		if err := b.batches(ctx, s); err != nil || !b.wants("7") {
			return err
		}
		return b.searches(ctx, s, c)
	})
}

// singles compares events that come one by one with the bare handler.
func (b *bench) singles(ctx context.Context, ours, bare *server) error {
	p := plan{Request: requestEvent, Connections: singleEvents, Services: smallSet.services}
	found, err := b.alternate(ctx, rounds, contender{bare, p}, contender{ours, p})
	if err != nil {
		return err
	}
	b.report.add(result{Figure: "6 bare handler, single events", Engine: b.engine.name, Value: found[0].rate(), Unit: "/s", Note: found[0].costs()})
	b.report.add(result{
		Figure: "6 durable events one by one", Engine: b.engine.name, Value: found[1].rate(), Unit: "/s",
		Ratio: ratio(found[1], found[0]), Goal: goal{ofRatio, atLeast, 0.5}, Note: found[1].costs(),
	})
	return nil
}

// batches sends events in batches for a while, and waits until the index of texts has them all; where figure 7 needs more
// of them, it goes on before it waits.
func (b *bench) batches(ctx context.Context, s *server) error {
	p := plan{Request: requestEvents, Connections: batchConnections, Services: 1, Duration: b.lasting}
	if b.wants("6") {
		m, err := b.load(ctx, s, p)
		if err != nil {
			return err
		}
		ended := time.Now()
		b.report.add(result{
			Figure: fmt.Sprintf("6 durable events in batches of %d", eventBatch), Engine: b.engine.name, Value: m.perSecond() * eventBatch, Unit: "/s",
			Goal: goal{ofValue, atLeast, 100_000},
			Note: fmt.Sprintf("for %s; CPU/event: server %.1f µs, database %.1f, client %.1f; p99 of a batch %s ms", b.lasting,
				m.perPulse(m.server)/eventBatch, m.perPulse(m.database)/eventBatch, m.perPulse(m.client)/eventBatch, number(m.P99)),
		})
		if _, err := b.waitForIndex(ctx, s); err != nil {
			return err
		}
		b.report.add(result{
			Figure: "6 index of texts caught up after", Engine: b.engine.name, Value: time.Since(ended).Seconds(), Unit: "s",
			Goal: goal{ofValue, atMost, 60},
		})
	}
	if !b.wants("7") {
		return nil
	}
	there, err := b.waitForIndex(ctx, s)
	if err != nil {
		return err
	}
	if missing := b.stored - there; missing > 0 {
		p.Total, p.Duration = (missing+eventBatch-1)/eventBatch, time.Hour
		if _, err := b.load(ctx, s, p); err != nil {
			return err
		}
	}
	_, err = b.waitForIndex(ctx, s)
	return err
}

// waitForIndex waits until every whole segment of events is in the index, and gives the number of events.
func (b *bench) waitForIndex(ctx context.Context, s *server) (events int, err error) {
	state, err := s.database.look()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, state.Close()) }()
	index := state
	if s.database.url() == "" {
		if index, err = openFile(filepath.Join(s.database.folder, store.SearchFile), "mode=ro", "_pragma=busy_timeout(10000)"); err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, index.Close()) }()
	}
	ask := func(db *sql.DB, question string) (n int, err error) {
		return n, db.QueryRowContext(ctx, question).Scan(&n)
	}
	for deadline := time.Now().Add(indexPatience); ; {
		last, err := ask(state, "select coalesce(max(id), 0) from event")
		if err != nil {
			return 0, err
		}
		segments, err := ask(index, "select count(*) from search_segment")
		switch {
		case err != nil:
			return 0, err
		case segments >= (last+1)/search.SegmentSize:
			return last, nil
		case time.Now().After(deadline):
			return 0, fmt.Errorf("the index has %d segments of %d events", segments, last)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// searches is figure 7: how long lists and searches take among all of the events.
func (b *bench) searches(ctx context.Context, s *server, c *client.Client) error {
	there, err := b.waitForIndex(ctx, s)
	if err != nil {
		return err
	}
	level := api.LevelError
	among := fmt.Sprintf("among %d events", there)
	for _, part := range []struct {
		figure  string
		goal    float64
		filters []client.EventFilter
	}{
		{"7 filtered page of 100", 50, []client.EventFilter{
			{}, {Service: serviceName(77)}, {Service: "haystack"}, {Level: &level}, {Service: serviceName(5), Level: &level},
		}},
		{"7 search for texts and patterns", 500, []client.EventFilter{
			{Message: needle},
			{Message: "no such words anywhere"},
			{Message: "timed out"},
			{Message: "from 10.17.3"},
			{MessageRE: "node-1[0-9]7 request [0-9a-f]*77f"},
			{MessageRE: "needle-[0-9]+ in"},
			{ServiceRE: "hay.tack"},
			{Service: serviceName(77), Message: "restarted"},
		}},
	} {
		var slowest time.Duration
		var notes []string
		for _, f := range part.filters {
			var times []time.Duration
			found := 0
			for range searchRounds {
				began := time.Now()
				if found, err = fillPage(ctx, c.Events(f)); err != nil {
					return err
				}
				times = append(times, time.Since(began))
			}
			slices.Sort(times)
			middle := times[len(times)/2]
			slowest = max(slowest, middle)
			notes = append(notes, fmt.Sprintf("%s: %d in %s ms", describe(f), found, number(milliseconds(middle))))
		}
		b.report.add(result{
			Figure: part.figure + ", the slowest", Engine: b.engine.name, Value: milliseconds(slowest), Unit: "ms",
			Goal: goal{ofValue, atMost, part.goal}, Note: among + "; " + strings.Join(notes, "; "),
		})
	}
	return nil
}

// fillPage asks for a page; where a search ended early, it goes on until the page is full or the list at its end.
func fillPage(ctx context.Context, list client.List[api.Event]) (found int, err error) {
	p := client.Paging{Limit: pageSize}
	for {
		page, err := list.Page(ctx, p)
		if err != nil {
			return 0, err
		}
		if found += len(page.Items); found >= pageSize || page.Next == "" {
			return found, nil
		}
		p.Limit, p.Cursor = pageSize-found, page.Next
	}
}

func describe(f client.EventFilter) string {
	q := url.Values{}
	for name, value := range map[string]string{
		"service": f.Service, "service_re": f.ServiceRE, "message": f.Message, "message_re": f.MessageRE,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.Level != nil {
		q.Set("level", f.Level.Name())
	}
	text, err := url.QueryUnescape(q.Encode())
	if err != nil || text == "" {
		return "all"
	}
	return text
}

// needle is in one event, the first of all.
const needle = "needle-4711"

var eventSayings = []string{
	"connected to", "failed to reach", "restarted", "finished the backup of", "timed out on", "rejected a login for",
}

// eventText gives an event as logs have them: few words, many numbers.
func eventText(r *rand.Rand, service string) string {
	return fmt.Sprintf(`{"service":"%s","level":%d,"message":"worker %d %s node-%03d request %016x after %d ms from 10.%d.%d.%d"}`,
		service, min(r.IntN(12), 3), r.IntN(64), eventSayings[r.IntN(len(eventSayings))], r.IntN(500), r.Uint64(), r.IntN(5000),
		r.IntN(256), r.IntN(256), r.IntN(256))
}

// bareEvent is the least that a server in Go can do about an event.
func bareEvent(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Service, Message string
		Level            int
	}
	bareAnswer(w, r, &in, func() any { return api.EventsAnswer{IDs: []int64{int64(len(in.Message))}} })
}
