package api

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func zoneNamed(tb testing.TB, name string) *time.Location {
	tb.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		tb.Fatal(err)
	}
	return zone
}

func TestHoursOpen(t *testing.T) {
	t.Parallel()
	day := &Hours{Days: "mon-fri", From: "08:00", To: "18:00"}
	night := &Hours{Days: "fri", From: "22:00", To: "06:00"}
	const open = "open"
	for _, test := range []struct {
		hours *Hours
		zone  string
		now   string // local
		want  string // local, with the offset where it matters
	}{
		{nil, "UTC", "2026-03-01 12:00", open},
		{day, "UTC", "2026-03-02 08:00", open}, // a Monday
		{day, "UTC", "2026-03-02 07:59", "2026-03-02 08:00 +0000"},
		{day, "UTC", "2026-03-02 17:59", open},
		{day, "UTC", "2026-03-02 18:00", "2026-03-03 08:00 +0000"},
		{day, "UTC", "2026-03-06 18:00", "2026-03-09 08:00 +0000"},
		{day, "UTC", "2026-03-07 12:00", "2026-03-09 08:00 +0000"},
		{night, "UTC", "2026-03-07 05:59", open}, // it began on Friday
		{night, "UTC", "2026-03-07 06:00", "2026-03-13 22:00 +0000"},
		{night, "UTC", "2026-03-06 05:00", "2026-03-06 22:00 +0000"},
		{&Hours{From: "00:00", To: "24:00"}, "UTC", "2026-03-01 23:59", open},
		{&Hours{From: "00:00", To: "00:00"}, "UTC", "2026-03-01 12:00", open},
		{&Hours{From: "12:00", To: "12:00"}, "UTC", "2026-03-01 11:59", open},
		{&Hours{Days: "sun", From: "12:00", To: "12:00"}, "UTC", "2026-03-02 12:00", "2026-03-08 12:00 +0000"},
		{&Hours{Days: "sat-mon, wednesday", From: "1:00", To: "02:00"}, "UTC", "2026-03-02 03:00", "2026-03-04 01:00 +0000"},
		{&Hours{Days: "sometimes", From: "1:00", To: "02:00"}, "UTC", "2026-03-02 03:00", open}, // cannot be read
		{day, "Asia/Tokyo", "2026-03-02 07:59", "2026-03-02 08:00 +0900"},
		// Paris: on 2026-03-29 the hour from 02:00 is left out, on 2026-10-25 it comes twice.
		{&Hours{From: "02:30", To: "04:00"}, "Europe/Paris", "2026-03-29 01:00", "2026-03-29 03:00 +0200"},
		{&Hours{From: "01:00", To: "02:30"}, "Europe/Paris", "2026-03-29 03:01", "2026-03-30 01:00 +0200"},
		{&Hours{From: "02:30", To: "02:45"}, "Europe/Paris", "2026-03-29 03:10", "2026-03-30 02:30 +0200"},
		{&Hours{From: "02:30", To: "04:00"}, "Europe/Paris", "2026-10-25 01:00", "2026-10-25 02:30 +0200"},
		{&Hours{From: "22:00", To: "06:00"}, "Europe/Paris", "2026-10-25 05:59", open},
		{&Hours{From: "22:00", To: "06:00"}, "Europe/Paris", "2026-10-25 06:00", "2026-10-25 22:00 +0100"},
		{&Hours{From: "02:30", To: "04:00"}, "America/New_York", "2026-03-08 01:00", "2026-03-08 03:00 -0400"},
		{&Hours{From: "01:30", To: "04:00"}, "America/New_York", "2026-11-01 00:30", "2026-11-01 01:30 -0400"},
		// Cairo leaves midnight itself out: 2026-04-24 begins at 01:00.
		{&Hours{Days: "fri", From: "00:00", To: "02:00"}, "Africa/Cairo", "2026-04-23 23:00", "2026-04-24 01:00 +0300"},
		{&Hours{Days: "fri", From: "08:00", To: "09:00"}, "Africa/Cairo", "2026-04-24 01:30", "2026-04-24 08:00 +0300"},
	} {
		zone := zoneNamed(t, test.zone)
		now, err := time.ParseInLocation("2006-01-02 15:04", test.now, zone)
		if err != nil {
			t.Fatal(err)
		}
		got := test.hours.Opens(TimeOf(now), zone)
		shown := got.Std().In(zone).Format("2006-01-02 15:04 -0700")
		if got == TimeOf(now) {
			shown = open
		}
		if shown != test.want {
			t.Errorf("%+v in %s at %s: %s, want %s", test.hours, test.zone, test.now, shown, test.want)
		}
	}
}

func TestHoursInTheNightThatComesTwice(t *testing.T) {
	t.Parallel()
	zone := zoneNamed(t, "Europe/Paris")
	hours := &Hours{From: "02:15", To: "02:30"}
	first := time.Date(2026, 10, 25, 0, 0, 0, 0, time.UTC) // 02:00 in summer time
	for minute, want := range map[int]bool{0: false, 14: false, 15: true, 29: true, 30: true, 60: true, 89: true, 90: false} {
		now := TimeOf(first.Add(time.Duration(minute) * time.Minute))
		if got := hours.Opens(now, zone) == now; got != want {
			t.Errorf("%d minutes after the first 02:00: open %v", minute, got)
		}
	}
}

func TestHoursThatAreNot(t *testing.T) {
	t.Parallel()
	for _, h := range []Hours{
		{},
		{From: "08:00"},
		{To: "08:00"},
		{From: "8", To: "9"},
		{From: "08:00", To: "25:00"},
		{From: "24:00", To: "08:00"},
		{From: "08:60", To: "09:00"},
		{From: "08:00", To: "24:01"},
		{From: "08:00:00", To: "09:00"},
		{From: "08:00", To: "09:00", Days: "mo"},
		{From: "08:00", To: "09:00", Days: "monkey"},
		{From: "08:00", To: "09:00", Days: "mon-"},
		{From: "08:00", To: "09:00", Days: "mon,,tue"},
		{From: "08:00", To: "09:00", Days: "mon-tue-wed"},
	} {
		if _, err := h.parse(time.UTC); err == nil {
			t.Errorf("%+v is taken", h)
		}
	}
}

// TestHoursAgreeWithTheWall compares with a clock on the wall that is looked at every minute.
func TestHoursAgreeWithTheWall(t *testing.T) {
	t.Parallel()
	zones := []*time.Location{time.UTC}
	for _, name := range []string{"Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kathmandu", "America/St_Johns"} {
		zones = append(zones, zoneNamed(t, name))
	}
	names := []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		from, to := rapid.IntRange(0, 1439).Draw(t, "from"), rapid.IntRange(0, 1440).Draw(t, "to")
		day := rapid.IntRange(0, 6).Draw(t, "day")
		last := rapid.IntRange(0, 6).Draw(t, "last")
		h := &Hours{Days: names[day] + "-" + names[last], From: fmt.Sprintf("%02d:%02d", from/60, from%60), To: fmt.Sprintf("%02d:%02d", to/60, to%60)}
		on := func(weekday int) bool { return (weekday-day+7)%7 <= (last-day+7)%7 }
		if to <= from {
			to += 1440
		}
		shown := func(at time.Time) bool { // within the hours by the wall alone
			minute := at.Hour()*60 + at.Minute()
			today, before := int(at.Weekday()), (int(at.Weekday())+6)%7
			return on(today) && minute >= from && minute < to || on(before) && minute+1440 >= from && minute+1440 < to
		}
		now := time.Date(2026, time.Month(rapid.IntRange(1, 12).Draw(t, "month")), rapid.IntRange(1, 31).Draw(t, "date"), 0, rapid.IntRange(0, 1439).Draw(t, "minute"), 0, 0, zone)
		opens := h.Opens(TimeOf(now), zone)
		if opens < TimeOf(now) || opens.Sub(TimeOf(now)) > 8*24*time.Hour {
			t.Fatalf("opens at %s", opens)
		}
		if shown(now) && opens != TimeOf(now) {
			t.Fatalf("closed until %s while the wall shows hours", opens.Std().In(zone))
		}
		for at := now; TimeOf(at) < opens; at = at.Add(time.Minute) {
			if shown(at) {
				t.Fatalf("closed at %s", at)
			}
		}
		if again := h.Opens(opens, zone); again != opens {
			t.Fatalf("opens at %s and then at %s", opens, again)
		}
		// It is open beside the wall only within the hour that comes twice, or where the hour is left out.
		if at := opens.Std().In(zone); !shown(at) {
			_, before := at.Add(-3 * time.Hour).Zone()
			_, after := at.Add(3 * time.Hour).Zone()
			if before == after {
				t.Fatalf("open at %s", at)
			}
		}
	})
}

func FuzzHours(f *testing.F) {
	f.Add("mon-fri", "08:00", "18:00", int64(1772366400000))
	f.Add("", "24:00", "0:00", int64(0))
	f.Add("sun-sat,tue", "23:59", "24:00", int64(4102444800000))
	paris := zoneNamed(f, "Europe/Paris")
	f.Fuzz(func(t *testing.T, days, from, to string, at int64) {
		now := Time(at)
		if now < MinTime+1 || now > MaxTime {
			return
		}
		h := &Hours{Days: days, From: from, To: to}
		opens := h.Opens(now, paris)
		if opens < now || opens.Sub(now) > 9*24*time.Hour || h.Opens(opens, paris) != opens {
			t.Fatalf("%+v at %s opens at %s", h, now, opens)
		}
	})
}
