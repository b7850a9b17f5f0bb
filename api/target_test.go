package api

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestTargetTallyAdmits(t *testing.T) {
	const base = Time(1_000_000)
	seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	tests := []struct {
		name string
		due  []float64 // seconds
		want []float64 // when the digest goes, 0 for a message of its own
	}{
		{"five at once go out", []float64{0, 0, 0, 0, 0}, []float64{0, 0, 0, 0, 0}},
		{"the sixth waits for the end of the window", []float64{0, 1, 2, 3, 4, 5}, []float64{0, 0, 0, 0, 0, 60}},
		{"and so does what follows it", []float64{0, 0, 0, 0, 0, 0, 30, 59.999}, []float64{0, 0, 0, 0, 0, 60, 60, 60}},
		{"the window slides", []float64{0, 55, 56, 57, 58, 60, 60.5}, []float64{0, 0, 0, 0, 0, 0, 115}},
		{"exactly a minute is no longer within it", []float64{0, 0, 0, 0, 0, 60}, []float64{0, 0, 0, 0, 0, 0}},
		{"a millisecond less is", []float64{0, 0, 0, 0, 0, 59.999}, []float64{0, 0, 0, 0, 0, 60}},
		{"a server whose clock is behind counts too", []float64{1, 1, 1, 1, 0.5, 1}, []float64{0, 0, 0, 0, 0, 60.5}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var tally TargetTally
			var got []float64
			for _, at := range test.due {
				digest := tally.Admit(base.Add(seconds(at)))
				if digest > 0 {
					digest -= base
				}
				got = append(got, float64(digest)/1000)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("digests (-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever becomes due when: no minute sees more than five messages of their own, and none is held back unless five
// others became due within the minute before.
func TestTargetTallyKeepsTheRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := Time(1_000_000)
		var tally TargetTally
		var alone, due []Time
		for range rapid.IntRange(1, 60).Draw(t, "messages") {
			now += Time(rapid.OneOf(rapid.Just(0), rapid.IntRange(0, 3000), rapid.IntRange(0, 90_000)).Draw(t, "milliseconds"))
			if tally.DigestAt > 0 && tally.DigestAt <= now {
				tally.DigestAt = 0 // it has gone
			}
			digest := tally.Admit(now)
			recent := within(due, now)
			due = append(due, now)
			if digest == 0 {
				alone = append(alone, now)
				if n := within(alone, now); n > StormLimit {
					t.Fatalf("%d messages within a minute", n)
				}
				continue
			}
			if digest <= now || digest.Sub(now) > StormWindow {
				t.Fatalf("a message due at %d waits for a digest at %d", now, digest)
			}
			if recent < StormLimit {
				t.Fatalf("held back though only %d others became due within a minute", recent)
			}
		}
	})
}

func within(times []Time, now Time) int {
	n := 0
	for _, at := range times {
		if now.Sub(at) < StormWindow {
			n++
		}
	}
	return n
}
