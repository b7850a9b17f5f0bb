package schedule_test

import (
	"strings"
	"testing"
	"time"

	"watchkeeper/api/schedule"
)

func FuzzParse(f *testing.F) {
	for _, expression := range []string{
		"* * * * *", "0 3 1 * 1", "0 0 31 2 *", "0 0 * 2 MON#5", "*/5 2 25-31 3 */7", "0 0 LW * 5L", "0-59/7,3 0 L 1-12 7",
		"0 0 * * FRI-MON", "* * * * *\n", "TZ=UTC * * * * *", "@every 1s", ", , , , ,", "99999999999999999999 * * * *",
		strings.Repeat("*,", 45) + "* * * * *", "0 0 */100 * MON#4",
	} {
		f.Add(expression, "Europe/Paris", int64(1_767_225_600))
		f.Add(expression, "Australia/Lord_Howe", int64(-1))
	}
	f.Add("0 0 29 2 *", "", int64(1)<<62)
	f.Add("0 0 29 2 *", "Local", -int64(1)<<62)
	f.Add("* * * * *", "../x", int64(0))
	f.Add("* * * * *", "Europe/Dublin", int64(2_240_524_800)) // the last day of a leap year beyond the tables of zones
	f.Fuzz(func(t *testing.T, expression, zone string, unix int64) {
		started := time.Now()
		c, err := schedule.Parse(expression, zone)
		if err != nil {
			if c != nil || err.Error() == "" {
				t.Fatalf("Parse gave %v and error %q", c, err)
			}
			return
		}
		after := time.Unix(unix, 0)
		for range 5 {
			next := c.Next(after)
			if next.IsZero() {
				break
			}
			if !next.After(after) {
				t.Fatalf("%q in %q: Next(%v) = %v is not after it", expression, zone, after, next)
			}
			after = next
		}
		again, err := schedule.Parse(c.String(), zone)
		if err != nil || !again.Next(time.Unix(unix, 0)).Equal(c.Next(time.Unix(unix, 0))) {
			t.Fatalf("%q does not parse to the same when printed as %q: %v", expression, c, err)
		}
		if took := time.Since(started); took > time.Second {
			t.Fatalf("%q in %q took %v", expression, zone, took)
		}
	})
}
