package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

// A read that lasts must not keep the database from clearing up for ever, and not take what it used with it.
func TestReadsThatLastTooLongAreEnded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, f *storetest.Fixture) {
		event := api.Event{Service: "s", Message: strings.Repeat("x", 1000), Level: 1, Time: api.TimeOf(f.Clock.Now())}
		event.ReceivedAt = event.Time
		for range 20 {
			events := make([]api.Event, 500)
			for i := range events {
				events[i] = event
			}
			if _, err := f.Events.Add(events, nil); err != nil {
				t.Fatal(err)
			}
		}
		f.EndReadsAfter(200 * time.Millisecond)
		for range 20 { // more than there are connections
			seen := 0
			err := f.Events.Within(t.Context(), []store.Span{{First: 0, Last: 1 << 40}}, "", store.Window{}, func(*api.Event) bool {
				if seen++; seen == 1 {
					time.Sleep(300 * time.Millisecond)
				}
				return true
			})
			if api.KindOf(err) != api.KindUnavailable || seen == 10_000 {
				t.Fatalf("after %d events: %v", seen, err)
			}
		}
		if short, err := f.Events.After(t.Context(), 0, 5); err != nil || len(short) != 5 {
			t.Errorf("a short read after them gives %d events (%v)", len(short), err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := f.Events.After(gone, 0, 5); api.KindOf(err) == api.KindUnavailable {
			t.Errorf("a caller who gave up is told %v", err)
		}
	})
}
