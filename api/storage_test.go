package api_test

import (
	"testing"
	"time"

	"watchkeeper/api"
)

func TestRetention(t *testing.T) {
	const now = api.Time(1_000_000_000)
	for _, c := range []struct {
		what   string
		r      api.Retention
		size   api.Time // where the rows begin that fit
		before api.Time
		reason api.RetentionReason
	}{
		{"for ever", api.Retention{}, 0, 0, api.RetentionNone},
		{"by age", api.Retention{Age: time.Hour}, 0, now - 3_600_000, api.RetentionAge},
		{"by size", api.Retention{Bytes: 5}, 77, 77, api.RetentionSize},
		{"size asks for less than age", api.Retention{Age: time.Hour, Bytes: 5}, 77, now - 3_600_000, api.RetentionAge},
		{"size asks for more than age", api.Retention{Age: time.Hour, Bytes: 5}, now - 5, now - 5, api.RetentionSize},
		{"longer than there is time", api.Retention{Age: 1e6 * time.Hour}, 0, 0, api.RetentionNone},
	} {
		before, reason := c.r.Before(now, c.size)
		if before != c.before || reason != c.reason {
			t.Errorf("%s: before %d for %q, want %d for %q", c.what, before, reason, c.before, c.reason)
		}
	}
	for _, c := range []struct {
		keep, bytes, left int64
		over              bool
	}{{0, 1 << 40, 1 << 40, false}, {100, 100, 100, false}, {100, 101, 95, true}} {
		left, over := (api.Retention{Bytes: c.keep}).Keep(c.bytes)
		if left != c.left || over != c.over {
			t.Errorf("of %d bytes a budget of %d leaves %d, %v", c.bytes, c.keep, left, over)
		}
	}
	u := api.TableUse{Bytes: 30}.With(api.Retention{Age: time.Minute, Bytes: 20})
	if u.KeepFor != 60 || u.KeepBytes != 20 || u.LeftBytes != 0 {
		t.Errorf("use: %+v", u)
	}
}

// TestDisk lets a disk fill and empty again; small steps around a bound change nothing.
func TestDisk(t *testing.T) {
	const mib, gib = int64(1 << 20), int64(1 << 30)
	state := api.DiskWell
	for i, step := range []struct {
		free, total int64
		want        api.DiskState
	}{
		{2 * gib, 10 * gib, api.DiskWell},
		{gib - 1, 10 * gib, api.DiskLow},
		{gib + 1, 10 * gib, api.DiskLow},
		{2 * gib, 10 * gib, api.DiskWell},
		{2 * gib, 50 * gib, api.DiskLow}, // under 5 %
		{3 * gib, 50 * gib, api.DiskLow},
		{4 * gib, 50 * gib, api.DiskWell},
		{255 * mib, 10 * gib, api.DiskFull},
		{257 * mib, 10 * gib, api.DiskFull},
		{400 * mib, 10 * gib, api.DiskLow},
		{257 * mib, 10 * gib, api.DiskLow},
		{0, 10 * gib, api.DiskFull},
		{9 * gib, 10 * gib, api.DiskWell},
	} {
		if state = api.JudgeDisk(state, step.free, step.total); state != step.want {
			t.Fatalf("step %d: %d of %d free is %s, want %s", i, step.free, step.total, state, step.want)
		}
	}
}
