package schedule_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netresearch/go-cron"
	"pgregory.net/rapid"

	"watchkeeper/api/schedule"
)

// written is an expression together with what it means, so that a test can judge a time without parsing anything.
type written struct {
	text                     string
	minute, hour, day, month func(n int) bool
	weekday                  func(date time.Time) bool
	star                     struct{ time, day bool }
}

// names reports whether a wall clock that shows t, read as UTC, shows a named time.
func (w written) names(t time.Time) bool {
	if !w.minute(t.Minute()) || !w.hour(t.Hour()) || !w.month(int(t.Month())) {
		return false
	}
	if w.star.day {
		return w.dayOf(t) && w.weekday(t)
	}
	return w.dayOf(t) || w.weekday(t)
}

func (w written) dayOf(t time.Time) bool {
	if w.day(t.Day()) {
		return true
	}
	last := time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC)
	if w.day(-1) && t.Day() == last.Day() {
		return true
	}
	for last.Weekday() == time.Saturday || last.Weekday() == time.Sunday {
		last = last.AddDate(0, 0, -1)
	}
	return w.day(-2) && t.Day() == last.Day()
}

func anyOf(items []func(int) bool) func(int) bool {
	return func(n int) bool { return slices.ContainsFunc(items, func(f func(int) bool) bool { return f(n) }) }
}

func between(low, high, step int) func(int) bool {
	return func(n int) bool { return n >= low && n <= high && (n-low)%step == 0 }
}

// drawItem draws one member of a list for a field from low to high.
func drawItem(t *rapid.T, low, high int) (string, func(int) bool) {
	from := rapid.IntRange(low, high-2).Draw(t, "from")
	to := rapid.IntRange(from+2, high).Draw(t, "to")
	step := rapid.IntRange(1, to-from).Draw(t, "step")
	switch rapid.IntRange(0, 6).Draw(t, "form") {
	case 0:
		return fmt.Sprint(to), between(to, to, 1)
	case 1:
		return fmt.Sprintf("%d-%d", from, to), between(from, to, 1)
	case 2:
		return fmt.Sprintf("%d-%d/%d", from, to, step), between(from, to, step)
	case 3:
		return fmt.Sprintf("%d/%d", from, step), between(from, high, step)
	case 4:
		return fmt.Sprintf("*/%d", step), between(low, high, step)
	case 5:
		return fmt.Sprintf("*/%d", high+1+from), between(low, low, 1)
	}
	return "*", between(low, high, 1)
}

func drawField(t *rapid.T, low, high int, more ...string) (string, func(int) bool) {
	var texts []string
	var items []func(int) bool
	for range rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(t, "items") {
		text, item := drawItem(t, low, high)
		if len(more) > 0 && rapid.IntRange(0, 4).Draw(t, "special") == 0 {
			i := rapid.IntRange(0, len(more)-1).Draw(t, "which")
			text, item = more[i], func(n int) bool { return n == -1-i }
		}
		texts, items = append(texts, text), append(items, item)
	}
	return strings.Join(texts, ","), anyOf(items)
}

func drawWeekdays(t *rapid.T) (string, func(time.Time) bool) {
	text, plain := drawField(t, 0, 7)
	weekday := func(d time.Time) bool { return plain(int(d.Weekday())) || d.Weekday() == time.Sunday && plain(7) }
	if rapid.Bool().Draw(t, "plain") {
		return text, weekday
	}
	day, n := rapid.IntRange(0, 7).Draw(t, "day"), rapid.IntRange(1, 6).Draw(t, "nth")
	only := func(d time.Time) bool { return int(d.Weekday()) == day%7 && (d.Day()+6)/7 == n }
	special := fmt.Sprintf("%d#%d", day, n)
	if n == 6 {
		special = fmt.Sprintf("%dL", day)
		only = func(d time.Time) bool { return int(d.Weekday()) == day%7 && d.AddDate(0, 0, 7).Month() != d.Month() }
	}
	if rapid.Bool().Draw(t, "alone") {
		return special, only
	}
	return text + "," + special, func(d time.Time) bool { return weekday(d) || only(d) }
}

func drawExpression(t *rapid.T) written {
	var w written
	var fields [5]string
	fields[0], w.minute = drawField(t, 0, 59)
	fields[1], w.hour = drawField(t, 0, 23)
	fields[2], w.day = drawField(t, 1, 31, "L", "LW")
	fields[3], w.month = drawField(t, 1, 12)
	fields[4], w.weekday = drawWeekdays(t)
	w.text = strings.Join(fields[:], " ")
	w.star.time = fields[0][0] == '*' || fields[1][0] == '*'
	w.star.day = fields[2][0] == '*' || fields[4][0] == '*'
	return w
}

// shown is what a wall clock shows at t, as if it were UTC.
func shown(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.Add(time.Duration(offset) * time.Second).UTC()
}

// walk looks at every minute after a moment, one by one, and gives the first at which the expression comes due.
func (w written) walk(after time.Time, minutes int) (time.Time, bool) {
	t := after.Truncate(time.Minute)
	for range minutes {
		before := shown(t)
		t = t.Add(time.Minute)
		now := shown(t)
		if !w.star.time {
			for skipped := before.Add(time.Minute); skipped.Before(now); skipped = skipped.Add(time.Minute) {
				if w.names(skipped) {
					return t, true
				}
			}
		}
		if w.names(now) && (w.star.time || !shownBefore(t)) {
			return t, true
		}
	}
	return time.Time{}, false
}

func shownBefore(t time.Time) bool {
	now := shown(t)
	for back := time.Minute; back <= 25*time.Hour; back += time.Minute {
		if shown(t.Add(-back)).Equal(now) {
			return true
		}
	}
	return false
}

var walkedZones = []string{
	"UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "America/Havana",
	"Africa/Casablanca", "Antarctica/Troll", "Asia/Kathmandu", "Pacific/Apia", "Pacific/Chatham", "America/St_Johns",
}

// TestNextAgreesWithAWalkThroughEveryMinute draws expressions and moments, half of them near a change of the clocks.
func TestNextAgreesWithAWalkThroughEveryMinute(t *testing.T) {
	const days = 20
	outcomes := map[bool]int{} // by whether the walk found a time
	rapid.Check(t, func(t *rapid.T) {
		w := drawExpression(t)
		zone := rapid.SampledFrom(walkedZones).Draw(t, "zone")
		c, err := schedule.Parse(w.text, zone)
		if len(w.text) > schedule.MaxExpression || err != nil && strings.Contains(err.Error(), "never comes") {
			return
		}
		if err != nil {
			t.Fatalf("Parse(%q): %v", w.text, err)
		}
		after := time.Unix(rapid.Int64Range(1_262_304_000, 2_524_608_000).Draw(t, "after"), 0).In(c.Zone())
		if _, change := after.ZoneBounds(); !change.IsZero() && rapid.Bool().Draw(t, "near a change") {
			after = change.Add(-time.Duration(rapid.IntRange(-3*3600, 26*3600).Draw(t, "seconds before")) * time.Second)
		}
		want, found := w.walk(after, days*24*60)
		outcomes[found]++
		got := c.Next(after)
		switch {
		case found && !got.Equal(want):
			t.Fatalf("%q in %s after %v: Next is %v, a walk finds %v", w.text, zone, after, got, want)
		case !found && !got.IsZero() && got.Before(after.Truncate(time.Minute).Add(days*24*time.Hour)):
			t.Fatalf("%q in %s after %v: Next is %v, a walk finds nothing", w.text, zone, after, got)
		}
	})
	if outcomes[true] < 20 || outcomes[false] < 5 {
		t.Errorf("the drawn expressions are too much alike: %v", outcomes)
	}
}

// TestNextAgreesWithAnotherLibrary compares the calendar in UTC, for what both dialects share: there, steps are
// smaller than their range and a star is nowhere but at the beginning of a field.
func TestNextAgreesWithAnotherLibrary(t *testing.T) {
	const options = cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.DomL | cron.DomW | cron.DowNth | cron.DowLast
	lastWeekday := regexp.MustCompile(`([0-7])L`)
	compared := 0
	rapid.Check(t, func(t *rapid.T) {
		w := drawExpression(t)
		c, err := schedule.Parse(w.text, "UTC")
		if err != nil || strings.Contains(w.text, ",*") {
			return
		}
		use := options
		if !w.star.day {
			use |= cron.DowOrDom
		}
		theirs := lastWeekday.ReplaceAllString(w.text, "$1#L")
		other, err := cron.MustNewParser(use).WithMaxSearchYears(50).Parse("TZ=UTC " + theirs)
		if err != nil {
			return
		}
		compared++
		after := time.Unix(rapid.Int64Range(0, 4_102_444_800).Draw(t, "after"), 0).UTC()
		if got, want := c.Next(after), other.Next(after); !got.Equal(want) {
			t.Fatalf("%q after %v: %v, the other library says %v", w.text, after, got, want)
		}
	})
	if compared < 20 {
		t.Errorf("only %d expressions were compared", compared)
	}
}
