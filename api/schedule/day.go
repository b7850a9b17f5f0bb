package schedule

import (
	"math/bits"
	"strings"
	"time"
)

// days says which days of a month an expression names, in its two fields for days.
type days struct {
	ofMonth     uint64    // bit n: day n
	last        bool      // L: the last day of the month
	lastWorking bool      // LW: the last day from Monday to Friday
	ofWeek      uint64    // bit n: every such weekday, Sunday is 0
	nth         [7]uint64 // by weekday, bit n: its nth in the month, bit 0: its last
	combined    combination
}

// combination says how day of month and day of week come together.
type combination string

const (
	combinedAnd combination = "and" // a field begins with a star
	combinedOr  combination = "or"  // both fields name days
)

func parseDays(ofMonth, ofWeek string) (days, error) {
	d := days{combined: combinedOr}
	if strings.HasPrefix(ofMonth, "*") || strings.HasPrefix(ofWeek, "*") {
		d.combined = combinedAnd
	}
	for item := range strings.SplitSeq(ofMonth, ",") {
		if err := d.addDay(item); err != nil {
			return days{}, err
		}
	}
	for item := range strings.SplitSeq(ofWeek, ",") {
		if err := d.addWeekday(item); err != nil {
			return days{}, err
		}
	}
	return d, nil
}

func (d *days) addDay(item string) error {
	switch strings.ToUpper(item) {
	case "L":
		d.last = true
		return nil
	case "LW":
		d.lastWorking = true
		return nil
	}
	set, err := dayField.item(item)
	d.ofMonth |= set
	return err
}

func (d *days) addWeekday(item string) error {
	if weekday, nth, ok := strings.Cut(item, "#"); ok {
		day, err := weekdayField.value(weekday)
		if err != nil {
			return err
		}
		n, err := number(nth)
		if err != nil || n < 1 || n > 5 {
			return weekdayField.errorf("the number after # in %q must be from 1 to 5", item)
		}
		d.nth[day%7] |= 1 << n
		return nil
	}
	if weekday := strings.TrimRight(item, "lL"); len(weekday) == len(item)-1 {
		day, err := number(weekday)
		if err != nil || day > weekdayField.max {
			return weekdayField.errorf("%q must be a number from 0 to 7 and L, such as 5L for the last Friday", item)
		}
		d.nth[day%7] |= 1
		return nil
	}
	set, err := weekdayField.item(item)
	d.ofWeek |= set&0x7f | set>>7&1 // 7 is Sunday as well
	return err
}

// in gives the days of one month that are named, bit n for day n.
func (d *days) in(year int, month time.Month) uint64 {
	first := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
	length := first.AddDate(0, 1, -1).Day()
	all := uint64(1)<<(length+1) - 2

	ofMonth := d.ofMonth & all
	if d.last {
		ofMonth |= 1 << length
	}
	if d.lastWorking {
		ofMonth |= 1 << lastWorkingDay(first.Weekday(), length)
	}
	var ofWeek uint64
	for weekday := range 7 {
		each := sevenths << ((weekday - int(first.Weekday()) + 7) % 7) & all
		if d.ofWeek&(1<<weekday) != 0 {
			ofWeek |= each
		} else if d.nth[weekday] != 0 {
			ofWeek |= pick(each, d.nth[weekday])
		}
	}
	if d.combined == combinedAnd {
		return ofMonth & ofWeek
	}
	return ofMonth | ofWeek
}

// sevenths are the days 1, 8, 15, 22, 29 and 36, the last of which no month has.
const sevenths = uint64(1<<1 | 1<<8 | 1<<15 | 1<<22 | 1<<29 | 1<<36)

// pick gives those days of one weekday that nth names: bit n the nth, bit 0 the last.
func pick(each, nth uint64) uint64 {
	var picked uint64
	last := bits.Len64(each) - 1
	for n := 1; each != 0; n++ {
		day := bits.TrailingZeros64(each)
		each &^= 1 << day
		if nth&(1<<n) != 0 || nth&1 != 0 && day == last {
			picked |= 1 << day
		}
	}
	return picked
}

func lastWorkingDay(first time.Weekday, length int) int {
	switch (int(first) + length - 1) % 7 {
	case int(time.Saturday):
		return length - 1
	case int(time.Sunday):
		return length - 2
	}
	return length
}
