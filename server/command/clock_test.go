package command

import (
	"testing"
	"time"

	"watchkeeper/api"
)

func TestTimesForPeople(t *testing.T) {
	zone := time.FixedZone("CET", 3600)
	now := time.Date(2026, 1, 31, 23, 30, 0, 0, zone)
	c := clock{now: now, zone: zone}
	tests := map[string]struct {
		at          time.Time
		short, full string
	}{
		"now":         {now, "23:30:00 (now)", "2026-01-31 23:30:00 CET (now)"},
		"a moment":    {now.Add(-999 * time.Millisecond), "23:29:59 (now)", "2026-01-31 23:29:59 CET (now)"},
		"seconds ago": {now.Add(-59 * time.Second), "23:29:01 (59 s ago)", "2026-01-31 23:29:01 CET (59 s ago)"},
		"minutes ago": {now.Add(-3 * time.Minute), "23:27:00 (3 min ago)", "2026-01-31 23:27:00 CET (3 min ago)"},
		"hours ago":   {now.Add(-23 * time.Hour), "00:30:00 (23 h ago)", "2026-01-31 00:30:00 CET (23 h ago)"},
		"yesterday":   {now.Add(-24 * time.Hour), "2026-01-30 23:30:00 (24 h ago)", "2026-01-30 23:30:00 CET (24 h ago)"},
		"last year":   {now.AddDate(-1, 0, 0), "2025-01-31 23:30:00 (365 d ago)", "2025-01-31 23:30:00 CET (365 d ago)"},
		"soon":        {now.Add(90 * time.Second), "23:31:30 (in 1 min)", "2026-01-31 23:31:30 CET (in 1 min)"},
		"in an hour":  {now.Add(time.Hour - time.Millisecond), "2026-02-01 00:29:59 (in 1 h)", "2026-02-01 00:29:59 CET (in 1 h)"},
		"in two days": {now.Add(48 * time.Hour), "2026-02-02 23:30:00 (in 2 d)", "2026-02-02 23:30:00 CET (in 2 d)"},
		"never":       {time.Time{}, "-", "never"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := c.short(api.TimeOf(test.at)); got != test.short {
				t.Errorf("short %q, want %q", got, test.short)
			}
			if got := c.full(api.TimeOf(test.at).Std()); got != test.full {
				t.Errorf("full %q, want %q", got, test.full)
			}
		})
	}
}

func TestLengths(t *testing.T) {
	for s, want := range map[api.Seconds]string{
		0: "", 1: "1 s", 60: "1 min", 61: "1 min 1 s", 3600: "1 h", 90_000: "1 d 1 h", 86_400: "1 d", 93_784: "1 d 2 h 3 min 4 s",
	} {
		if got := length(s); got != want {
			t.Errorf("%d: %q, want %q", s, got, want)
		}
	}
}

func TestDurationsAreWholeSecondsAtLeast(t *testing.T) {
	for text, want := range map[string]api.Seconds{"0s": 0, "1ms": 1, "2s": 2, "2500ms": 3, "25h": 90_000, "14d": 1_209_600} {
		var d durationValue
		if err := d.Set(text); err != nil {
			t.Fatal(err)
		}
		if got := d.seconds(); got == nil || *got != want {
			t.Errorf("%s: %v, want %d", text, got, want)
		}
	}
	var none durationValue
	if none.seconds() != nil {
		t.Error("a duration that was not given has a value")
	}
}
