package api

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestUptime(t *testing.T) {
	const hour = Time(3600_000)
	now := 10_000 * hour
	flip := func(ago Time, from, to State) Change { return Change{From: from, To: to, At: now - ago*hour} }
	for name, c := range map[string]struct {
		state     State
		createdAt Time
		changes   []Change // newest first
		day       float64  // percent, -1 for none
		week      float64
		outages   int // of the week
	}{
		"never pulsed":                     {StateNew, now - 5*hour, nil, -1, -1, 0},
		"up since it was made":             {StateUp, now - 5*hour, []Change{flip(4, StateNew, StateUp)}, 100, 100, 0},
		"down for six hours":               {StateDown, 1, []Change{flip(6, StateUp, StateDown), flip(2000, StateNew, StateUp)}, 75, 100 * (168 - 6) / 168., 1},
		"late is up":                       {StateLate, 1, []Change{flip(1, StateUp, StateLate), flip(2000, StateNew, StateUp)}, 100, 100, 0},
		"a pause is not watched":           {StateUp, 1, []Change{flip(12, StatePaused, StateUp), flip(36, StateUp, StatePaused), flip(2000, StateNew, StateUp)}, 100, 100, 0},
		"paused the whole day":             {StatePaused, 1, []Change{flip(84, StateUp, StatePaused), flip(2000, StateNew, StateUp)}, -1, 100, 0},
		"an outage across the day's begin": {StateUp, 1, []Change{flip(18, StateDown, StateUp), flip(30, StateUp, StateDown), flip(2000, StateNew, StateUp)}, 75, 100 * (168 - 12) / 168., 1},
		"two outages":                      {StateUp, 1, []Change{flip(1, StateDown, StateUp), flip(2, StateUp, StateDown), flip(50, StateDown, StateUp), flip(51, StateUp, StateDown)}, 100 * 23 / 24., 100 * 166 / 168., 2},
	} {
		count := NewUptimeCount(c.state, now)
		for _, change := range c.changes {
			if !count.Add(change) {
				break
			}
		}
		periods := count.Periods(c.createdAt)
		for i, want := range []float64{c.day, c.week} {
			switch got := periods[i].Percent; {
			case want < 0 && got != nil:
				t.Errorf("%s: %s is %v, want none", name, periods[i].Period, *got)
			case want >= 0 && (got == nil || math.Abs(*got-want) > 1e-9):
				t.Errorf("%s: %s is %v, want %v", name, periods[i].Period, got, want)
			}
		}
		if periods[1].Outages != c.outages {
			t.Errorf("%s: %d outages in the week, want %d", name, periods[1].Outages, c.outages)
		}
	}
}

// Every millisecond of every period is counted once, whatever happened.
func TestUptimeCountsAllTime(t *testing.T) {
	states := []State{StateNew, StateUp, StateLate, StateDown, StatePaused}
	rapid.Check(t, func(t *rapid.T) {
		now := Time(rapid.Int64Range(40_000_000_000, 50_000_000_000).Draw(t, "now"))
		created := now - Time(rapid.Int64Range(0, 40_000_000_000).Draw(t, "age"))
		at, state := now, rapid.SampledFrom(states).Draw(t, "state")
		count := NewUptimeCount(state, now)
		for range rapid.IntRange(0, 30).Draw(t, "changes") {
			at -= Time(rapid.Int64Range(0, 3_000_000_000).Draw(t, "before"))
			before := rapid.SampledFrom(states).Draw(t, "before")
			if at < created || !count.Add(Change{From: before, To: state, At: at}) {
				break
			}
			state = before
		}
		for i, p := range count.Periods(created) {
			if sum, want := p.Up+p.Down+p.Unwatched, uptimePeriods[i].length.Seconds(); math.Abs(sum-want) > 0.002 {
				t.Fatalf("%s has %v seconds, want %v", p.Period, sum, want)
			}
			if p.From != now.Add(-uptimePeriods[i].length) || p.Percent != nil && (*p.Percent < 0 || *p.Percent > 100) {
				t.Fatalf("%+v", p)
			}
		}
	})
	if longest := uptimePeriods[len(uptimePeriods)-1].length; longest != UptimeReach || UptimeReach > 400*24*time.Hour {
		t.Errorf("uptime reaches %s, its longest period is %s, and changes are kept for 400 days", UptimeReach, longest)
	}
}
