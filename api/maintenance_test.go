package api

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// everyMinutes is a schedule of each so many minutes; 0 has no time at all.
type everyMinutes int

func (e everyMinutes) Next(after time.Time) time.Time {
	if e == 0 {
		return time.Time{}
	}
	step := time.Duration(e) * time.Minute
	return after.Truncate(step).Add(step)
}

func TestWindows(t *testing.T) {
	t.Parallel()
	const now, minute = Time(1_772_366_400_000), Time(60_000) // on the hour
	once := MaintenanceInput{StartsAt: now, EndsAt: now + 10*minute}
	hourly := MaintenanceInput{Cron: "x", Duration: 600}
	for name, test := range map[string]struct {
		in   MaintenanceInput
		cron Schedule
		now  Time
		want string // minutes after now
	}{
		"once, before":           {once, nil, now - 1, "0-10"},
		"once, at its end":       {once, nil, now + 10*minute, ""},
		"once, just before":      {once, nil, now + 10*minute - 1, "0-10"},
		"hourly":                 {hourly, everyMinutes(60), now - 1, "0-10 60-70 120-130"},
		"hourly, at a beginning": {hourly, everyMinutes(60), now, "0-10 60-70 120-130"},
		"hourly, within":         {hourly, everyMinutes(60), now + 10*minute - 1, "0-10 60-70 120-130"},
		"hourly, behind":         {hourly, everyMinutes(60), now + 10*minute, "60-70 120-130 180-190"},
		"no schedule":            {hourly, nil, now, ""},
		"no time":                {hourly, everyMinutes(0), now, ""},
		"that meet":              {hourly, everyMinutes(10), now, "0-20000"},
		"that overlap":           {hourly, everyMinutes(5), now, "-5-10000"},
	} {
		got := ""
		for i, w := range test.in.Windows(test.now, test.cron, NextWindows) {
			if i > 0 {
				got += " "
			}
			got += fmt.Sprintf("%d-%d", (w.From-now)/minute, (w.To-now)/minute)
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestWindowsHoldNow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		every := everyMinutes(rapid.IntRange(1, 3000).Draw(t, "every"))
		in := MaintenanceInput{Cron: "x", Duration: Seconds(rapid.IntRange(60, 200_000).Draw(t, "duration"))}
		now := Time(1_772_366_400_000 + rapid.Int64Range(0, 1e9).Draw(t, "now"))
		n := rapid.IntRange(1, 4).Draw(t, "windows")
		windows := in.Windows(now, every, n)
		if len(windows) == 0 || len(windows) > n {
			t.Fatalf("%d windows", len(windows))
		}
		// The latest beginning up to now says by itself whether a window is open.
		latest := TimeOf(now.Std().Truncate(time.Duration(every) * time.Minute))
		if open := now < latest.Add(in.Duration.Duration()); windows[0].Contains(now) != open {
			t.Fatalf("open %v: %v", open, windows)
		}
		for i, w := range windows {
			if w.To <= now || w.From >= w.To || i > 0 && w.From <= windows[i-1].To {
				t.Fatalf("windows %v at %s", windows, now)
			}
		}
	})
}

func TestMaintenanceInputs(t *testing.T) {
	t.Parallel()
	good := MaintenanceInput{Name: "m", Match: mustMatchers(t, `tag="x"`), Comment: "c", Cron: "0 3 * * *", Duration: 60}
	for name, test := range map[string]struct {
		change func(*MaintenanceInput)
		want   string
	}{
		"good":             {func(*MaintenanceInput) {}, ""},
		"once":             {func(m *MaintenanceInput) { m.Cron, m.Duration, m.StartsAt, m.EndsAt = "", 0, 1, 2 }, ""},
		"the longest":      {func(m *MaintenanceInput) { m.Duration = MaxWindow }, ""},
		"no name":          {func(m *MaintenanceInput) { m.Name = "" }, "body.name"},
		"no match":         {func(m *MaintenanceInput) { m.Match = nil }, "body.match"},
		"no comment":       {func(m *MaintenanceInput) { m.Comment = " " }, "body.comment"},
		"neither":          {func(m *MaintenanceInput) { m.Cron, m.Duration = "", 0 }, "body.cron"},
		"both":             {func(m *MaintenanceInput) { m.StartsAt, m.EndsAt = 1, 2 }, "body.cron"},
		"no expression":    {func(m *MaintenanceInput) { m.Cron = "" }, "body.cron"},
		"too short":        {func(m *MaintenanceInput) { m.Duration = 59 }, "body.duration"},
		"too long":         {func(m *MaintenanceInput) { m.Duration = MaxWindow + 1 }, "body.duration"},
		"only an end":      {func(m *MaintenanceInput) { m.Cron, m.Duration, m.EndsAt = "", 0, 2 }, "body.ends_at"},
		"only a beginning": {func(m *MaintenanceInput) { m.Cron, m.Duration, m.StartsAt = "", 0, 2 }, "body.ends_at"},
		"backwards":        {func(m *MaintenanceInput) { m.Cron, m.Duration, m.StartsAt, m.EndsAt = "", 0, 2, 2 }, "body.ends_at"},
		"for months":       {func(m *MaintenanceInput) { m.Cron, m.Duration, m.StartsAt, m.EndsAt = "", 0, 1, 3_000_000_000 }, "body.ends_at"},
	} {
		in := good
		test.change(&in)
		got := ""
		if err := in.Validate(); err != nil {
			got = ProblemOf(err).Errors[0].Location
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}
