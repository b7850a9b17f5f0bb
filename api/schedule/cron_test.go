package schedule_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchkeeper/api/schedule"
)

func mustParse(t testing.TB, expression, zone string) *schedule.Cron {
	t.Helper()
	c, err := schedule.Parse(expression, zone)
	if err != nil {
		t.Fatalf("Parse(%q, %q): %v", expression, zone, err)
	}
	return c
}

func moment(t testing.TB, text string) time.Time {
	t.Helper()
	m, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// upcoming gives the times in the zone of the schedule, as a reader of this file writes them.
func upcoming(s *schedule.Cron, after time.Time, n int) []string {
	var texts []string
	for _, at := range schedule.Upcoming(s, after, n) {
		texts = append(texts, at.Format(time.RFC3339))
	}
	return texts
}

func TestNextFollowsTheCalendar(t *testing.T) {
	const after = "2026-01-01T00:00:00Z" // a Thursday
	tests := map[string][]string{
		"* * * * *":          {"2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z"},
		" 0\t0 * *  * ":      {"2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"},
		"*/15 * * * *":       {"2026-01-01T00:15:00Z", "2026-01-01T00:30:00Z", "2026-01-01T00:45:00Z", "2026-01-01T01:00:00Z"},
		"5/25 3 * * *":       {"2026-01-01T03:05:00Z", "2026-01-01T03:30:00Z", "2026-01-01T03:55:00Z", "2026-01-02T03:05:00Z"},
		"10-20/5,59 3 * * *": {"2026-01-01T03:10:00Z", "2026-01-01T03:15:00Z", "2026-01-01T03:20:00Z", "2026-01-01T03:59:00Z"},
		"7-7/2 3 * * *":      {"2026-01-01T03:07:00Z", "2026-01-02T03:07:00Z"},
		"0 23-23,1 * * *":    {"2026-01-01T01:00:00Z", "2026-01-01T23:00:00Z"},
		"007 03 * * *":       {"2026-01-01T03:07:00Z"},
		"0 0 1 jan,JUL *":    {"2026-07-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		"0 0 1 Mar-May/2 *":  {"2026-03-01T00:00:00Z", "2026-05-01T00:00:00Z", "2027-03-01T00:00:00Z"},
		"0 0 29 2 *":         {"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"},
		"0 0 31 * *":         {"2026-01-31T00:00:00Z", "2026-03-31T00:00:00Z"},
		"0 0 31 2,4,6,12 *":  {"2026-12-31T00:00:00Z", "2027-12-31T00:00:00Z"},
		"0 0 * 2 MON#5":      {"2044-02-29T00:00:00Z", "2072-02-29T00:00:00Z", "2112-02-29T00:00:00Z"},

		"0 0 * * 0":       {"2026-01-04T00:00:00Z", "2026-01-11T00:00:00Z"},
		"0 0 * * 7":       {"2026-01-04T00:00:00Z", "2026-01-11T00:00:00Z"},
		"0 0 * * sun":     {"2026-01-04T00:00:00Z", "2026-01-11T00:00:00Z"},
		"0 0 * * Fri-7":   {"2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z", "2026-01-09T00:00:00Z"},
		"0 0 * * */2":     {"2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z", "2026-01-06T00:00:00Z", "2026-01-08T00:00:00Z"},
		"0 0 * * 5/2":     {"2026-01-02T00:00:00Z", "2026-01-04T00:00:00Z", "2026-01-09T00:00:00Z"},
		"0 0 * * MON#2":   {"2026-01-12T00:00:00Z", "2026-02-09T00:00:00Z"},
		"0 0 * * 7#1":     {"2026-01-04T00:00:00Z", "2026-02-01T00:00:00Z"},
		"0 0 * * 4#5":     {"2026-01-29T00:00:00Z", "2026-04-30T00:00:00Z"},
		"0 0 * * 5L":      {"2026-01-30T00:00:00Z", "2026-02-27T00:00:00Z", "2026-03-27T00:00:00Z"},
		"0 0 * * 7l":      {"2026-01-25T00:00:00Z", "2026-02-22T00:00:00Z"},
		"0 0 * * 1,6#1":   {"2026-01-03T00:00:00Z", "2026-01-05T00:00:00Z", "2026-01-12T00:00:00Z"},
		"0 0 * * 2#1,2L":  {"2026-01-06T00:00:00Z", "2026-01-27T00:00:00Z", "2026-02-03T00:00:00Z"},
		"0 0 L * *":       {"2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z"},
		"0 0 l 2 *":       {"2026-02-28T00:00:00Z", "2027-02-28T00:00:00Z", "2028-02-29T00:00:00Z"},
		"0 0 15,L * *":    {"2026-01-15T00:00:00Z", "2026-01-31T00:00:00Z", "2026-02-15T00:00:00Z"},
		"0 0 LW * *":      {"2026-01-30T00:00:00Z", "2026-02-27T00:00:00Z", "2026-03-31T00:00:00Z"},
		"0 0 lw 5 *":      {"2026-05-29T00:00:00Z", "2027-05-31T00:00:00Z"},
		"0 0 */2 * *":     {"2026-01-03T00:00:00Z", "2026-01-05T00:00:00Z"},
		"0 0 1-31/10 * *": {"2026-01-11T00:00:00Z", "2026-01-21T00:00:00Z", "2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z"},

		// Both day fields: either is enough unless one begins with a star, then both must fit.
		"0 3 1 * 1":            {"2026-01-01T03:00:00Z", "2026-01-05T03:00:00Z", "2026-01-12T03:00:00Z"},
		"0 0 13 * 5":           {"2026-01-02T00:00:00Z", "2026-01-09T00:00:00Z", "2026-01-13T00:00:00Z", "2026-01-16T00:00:00Z"},
		"0 0 */2 * 1":          {"2026-01-05T00:00:00Z", "2026-01-19T00:00:00Z", "2026-02-09T00:00:00Z"},
		"0 0 1-7 * */7":        {"2026-01-04T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"},
		"0 0 */100,1-7 * MON":  {"2026-01-05T00:00:00Z", "2026-02-02T00:00:00Z", "2026-03-02T00:00:00Z"},
		"0 0 *,5 * 1":          {"2026-01-05T00:00:00Z", "2026-01-12T00:00:00Z"},
		"0 0 1,* * 1":          {"2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"},
		"0 0 L * 1":            {"2026-01-05T00:00:00Z", "2026-01-12T00:00:00Z", "2026-01-19T00:00:00Z", "2026-01-26T00:00:00Z", "2026-01-31T00:00:00Z"},
		"0 0 */2 * 5L":         {"2026-02-27T00:00:00Z", "2026-03-27T00:00:00Z", "2026-05-29T00:00:00Z"},
		"0 0 25-31 12 */2":     {"2026-12-26T00:00:00Z", "2026-12-27T00:00:00Z", "2026-12-29T00:00:00Z", "2026-12-31T00:00:00Z"},
		"30 12 */31 1-12/11 *": {"2026-01-01T12:30:00Z", "2026-12-01T12:30:00Z"},
	}
	for expression, want := range tests {
		t.Run(expression, func(t *testing.T) {
			got := upcoming(mustParse(t, expression, "UTC"), moment(t, after), len(want))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("times of %q (-want +got):\n%s", expression, diff)
			}
		})
	}
}

func TestNextIsStrictlyAfterToTheNanosecond(t *testing.T) {
	c := mustParse(t, "30 8 * * *", "")
	at := moment(t, "2026-05-05T08:30:00Z")
	for _, step := range []struct {
		after, want time.Time
	}{
		{at.Add(-time.Nanosecond), at},
		{at.Add(-time.Minute), at},
		{at, at.AddDate(0, 0, 1)},
		{at.Add(time.Nanosecond), at.AddDate(0, 0, 1)},
		{at.Add(59 * time.Second), at.AddDate(0, 0, 1)},
	} {
		if got := c.Next(step.after); !got.Equal(step.want) {
			t.Errorf("Next(%v) = %v, want %v", step.after, got, step.want)
		}
	}
}

func TestParseSaysWhatToWriteInstead(t *testing.T) {
	tests := []struct {
		expression, zone, want string
	}{
		{"", "", "five fields"},
		{"* * * *", "", "five fields (minute, hour, day of month, month, day of week) such as 30 3 * * 1-5, not 4"},
		{"0 * * * * *", "", "not 6"},
		{"@daily", "", "not 1"},
		{"0 0 * *\n*", "", "not 4"},
		{"0 0 * *\u00a0*", "", "not 4"},
		{"TZ=UTC 0 0 * * *", "", "not 6"},
		{"TZ=UTC 0 0 * *", "", `minute: "TZ=UTC" must be a number from 0 to 59`},
		{strings.Repeat(" ", 92) + "* * * * *", "", "at most 100 bytes"},
		{"60 * * * *", "", `minute: "60" must be a number from 0 to 59`},
		{"* 24 * * *", "", `hour: "24" must be a number from 0 to 23`},
		{"0 0 0 * *", "", `day of month: "0" must be a number from 1 to 31`},
		{"0 0 32 * *", "", `day of month: "32"`},
		{"0 0 * 13 *", "", `month: "13" must be a number from 1 to 12 or a name from JAN to DEC`},
		{"0 0 * 0 *", "", `month: "0"`},
		{"0 0 * MON *", "", `month: "MON"`},
		{"0 0 * * 8", "", `day of week: "8" must be a number from 0 to 7 or a name from SUN to SAT`},
		{"0 0 * * monday", "", `day of week: "monday"`},
		{"0 0 * * FRI-MON", "", "day of week: the range FRI-MON runs backwards, write it as two: FRI-7,0-MON"},
		{"0 22-2 * * *", "", "hour: the range 22-2 runs backwards, write it as two: 22-23,0-2"},
		{"0 0 * NOV-FEB *", "", "month: the range NOV-FEB runs backwards, write it as two: NOV-12,1-FEB"},
		{"5-1 * * * *", "", "minute: the range 5-1"},
		{"*/0 * * * *", "", `minute: the step in "*/0" must be a number from 1 on`},
		{"*/ * * * *", "", "minute: the step"},
		{"*/x * * * *", "", "minute: the step"},
		{"*/99999999999999999999 * * * *", "", "minute: the step"},
		{"1//2 * * * *", "", "minute: the step"},
		{"/2 * * * *", "", `minute: ""`},
		{"1,,2 * * * *", "", `minute: ""`},
		{", * * * *", "", `minute: ""`},
		{"-1 * * * *", "", `minute: ""`},
		{"+1 * * * *", "", `minute: "+1"`},
		{"1- * * * *", "", `minute: ""`},
		{"1-2-3 * * * *", "", `minute: "2-3"`},
		{"*-5 * * * *", "", `minute: "*"`},
		{"1_0 * * * *", "", `minute: "1_0"`},
		{"\u0661 * * * *", "", "minute: \"\u0661\""},
		{"? * * * *", "", `minute: "?"`},
		{"H * * * *", "", `minute: "H"`},
		{"L * * * *", "", `minute: "L"`},
		{"0 0 L-3 * *", "", `day of month: "L"`},
		{"0 0 15W * *", "", `day of month: "15W"`},
		{"0 0 LWL * *", "", `day of month: "LWL"`},
		{"0 0 * * L", "", "day of week: \"L\" must be a number from 0 to 7 and L, such as 5L for the last Friday"},
		{"0 0 * * FRIL", "", `day of week: "FRIL"`},
		{"0 0 * * 8L", "", `day of week: "8L"`},
		{"0 0 * * 5LL", "", `day of week: "5LL"`},
		{"0 0 * * 5L-6", "", `day of week: "5L"`},
		{"0 0 * * 5L/3", "", `day of week: "5L"`},
		{"0 0 * * 5L#1", "", `day of week: "5L"`},
		{"0 0 * * 5#L", "", `day of week: the number after # in "5#L" must be from 1 to 5`},
		{"0 0 * * 1#0", "", "day of week: the number after #"},
		{"0 0 * * 1#6", "", "day of week: the number after #"},
		{"0 0 * * 1##1", "", "day of week: the number after #"},
		{"0 0 * * #2", "", `day of week: ""`},
		{"0 0 * * MON#", "", "day of week: the number after #"},
		{"0 0 1#2 * *", "", `day of month: "1#2"`},

		{"0 0 31 2 *", "", "never comes"},
		{"0 0 30 2 *", "", "never comes"},
		{"0 0 31 4,6,9,11 *", "", "never comes"},
		{"0 0 */100 * MON#4", "", "never comes"},
		{"0 0 LW * */7", "", "never comes"},
		{"* * 31 2 *", "Europe/Paris", "never comes"},
		{"*/5 2 25-31 3 */7", "Europe/Paris", "never comes"}, // always in the hour that is skipped

		{"0 0 * * *", "Europe/Pariss", `unknown time zone "Europe/Pariss": write it as Area/City, such as Europe/Paris, or UTC`},
		{"0 0 * * *", "../../etc/passwd", "unknown time zone"},
		{"0 0 * * *", "/etc/localtime", "unknown time zone"},
		{"0 0 * * *", "right/Europe/Paris", "unknown time zone"},
		{"0 0 * * *", "localtime", "unknown time zone"},
		{"0 0 * * *", "Europe", "unknown time zone"},
		{"0 0 * * *", "UTC\x00", "unknown time zone"},
		{"0 0 * * *", strings.Repeat("A", 5000), "unknown time zone"},
	}
	for _, test := range tests {
		t.Run(test.expression+" "+test.zone[:min(len(test.zone), 30)], func(t *testing.T) {
			c, err := schedule.Parse(test.expression, test.zone)
			if err == nil {
				t.Fatalf("Parse gave %v, want an error with %q", c, test.want)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, want one with %q", err, test.want)
			}
			if len(err.Error()) > 250 {
				t.Errorf("the error has %d bytes, too many to read: %.300s", len(err.Error()), err)
			}
		})
	}
}

func TestOldZoneNamesAreKnown(t *testing.T) {
	for old, current := range map[string]string{
		"":                         "UTC",
		"Europe/Kiev":              "Europe/Kyiv",
		"Asia/Calcutta":            "Asia/Kolkata",
		"US/Eastern":               "America/New_York",
		"US/Pacific-New":           "America/Los_Angeles",
		"Canada/East-Saskatchewan": "America/Regina",
		"GB":                       "Europe/London",
		"Etc/GMT+5":                "America/Lima",
	} {
		after := moment(t, "2026-06-01T00:00:00Z")
		got, want := mustParse(t, "0 12 * * *", old).Next(after), mustParse(t, "0 12 * * *", current).Next(after)
		if !got.Equal(want) {
			t.Errorf("noon in %q is %v, in %q %v", old, got, current, want)
		}
	}
}

func TestStringAndZone(t *testing.T) {
	c := mustParse(t, "  0\t3  * * mon ", "Asia/Tokyo")
	if got := c.String(); got != "0 3 * * mon" {
		t.Errorf("String() = %q", got)
	}
	if got := c.Zone().String(); got != "Asia/Tokyo" {
		t.Errorf("Zone() = %q", got)
	}
	if got := c.Next(moment(t, "2026-01-01T00:00:00Z")).Location().String(); got != "Asia/Tokyo" {
		t.Errorf("Next is in zone %q", got)
	}
}

func TestNextEndsWithTheCalendar(t *testing.T) {
	c := mustParse(t, "0 0 * * *", "UTC")
	for _, after := range []time.Time{
		time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Unix(1<<62, 0),
		time.Unix(-1<<62, 0),
	} {
		if got := c.Next(after); !got.IsZero() {
			t.Errorf("Next(%v) = %v, want none", after, got)
		}
		if got := schedule.Upcoming(c, after, 3); len(got) != 0 {
			t.Errorf("Upcoming(%v) = %v, want none", after, got)
		}
	}
	if got, want := c.Next(time.Time{}), time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("Next of the zero time = %v, want %v", got, want)
	}
}
