package api

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// week is Hours that have been read.
type week struct {
	days     [7]bool // on which the span begins
	from, to int     // minutes of the day; to may be up to two days on
	zone     Zone
}

var weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

func (h *Hours) parse(zone Zone) (week, error) {
	w := week{zone: zone}
	var err error
	if w.from, err = minuteOfDay(h.From); err == nil && w.from == minutesOfDay {
		err = errMinute // the day's end is where hours end, the next day's beginning where they begin
	}
	if err != nil {
		return w, fmt.Errorf("from %w", err)
	}
	if w.to, err = minuteOfDay(h.To); err != nil {
		return w, fmt.Errorf("to %w", err)
	}
	if w.to <= w.from {
		w.to += minutesOfDay
	}
	if strings.TrimSpace(h.Days) == "" {
		w.days = [7]bool{true, true, true, true, true, true, true}
		return w, nil
	}
	for part := range strings.SplitSeq(strings.ToLower(h.Days), ",") {
		first, last, span := strings.Cut(strings.TrimSpace(part), "-")
		if !span {
			last = first
		}
		i, j := weekday(first), weekday(last)
		if i < 0 || j < 0 {
			return w, fmt.Errorf("days must be days of the week such as mon-fri or sat,sun")
		}
		for ; ; i = (i + 1) % 7 {
			w.days[i] = true
			if i == j {
				break
			}
		}
	}
	return w, nil
}

// weekday gives the number of a day that is written whole or cut to three letters or more, -1 for what is none.
func weekday(name string) int {
	name = strings.TrimSpace(name)
	for i, day := range weekdays {
		if len(name) >= 3 && strings.HasPrefix(day, name) {
			return i
		}
	}
	return -1
}

const minutesOfDay = 24 * 60

var errMinute = errors.New("must be written HH:MM, such as 08:00")

func minuteOfDay(text string) (int, error) {
	if text == "24:00" {
		return minutesOfDay, nil
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		return 0, errMinute
	}
	return t.Hour()*60 + t.Minute(), nil
}

// Opens gives the moment from which the hours let messages through: now when they do already, else their next
// beginning. zone is the one they name, loaded, or the server's where they name none. Hours that cannot be read are
// always open: a message too many is better than none. So it is in the night in which an hour comes twice: hours begin
// the first time that the clock shows their beginning, and end the last time that it shows their end. Where an hour is
// left out, what would be in it is the moment of the change.
func (h *Hours) Opens(now Time, zone Zone) Time {
	if h == nil {
		return now
	}
	w, err := h.parse(zone)
	if err != nil {
		return now
	}
	local := now.Std().In(w.zone)
	// From the day before yesterday, whose span may reach into today, to the same day of next week. At noon, because
	// some zones leave midnight out.
	for day := -2; day <= 8; day++ {
		date := time.Date(local.Year(), local.Month(), local.Day()+day, 12, 0, 0, 0, time.UTC)
		if !w.days[date.Weekday()] {
			continue
		}
		begin, _ := wallClock(date, w.from, w.zone)
		if _, end := wallClock(date, w.to, w.zone); now < end {
			return max(now, begin)
		}
	}
	return now
}

// wallClock gives the first and the last moment at which clocks in a zone show a minute of a date, counted from its
// midnight.
func wallClock(date time.Time, minute int, zone Zone) (first, last Time) {
	shown := time.Date(date.Year(), date.Month(), date.Day(), 0, minute, 0, 0, time.UTC)
	var found []time.Time
	for _, about := range []time.Duration{-24 * time.Hour, 24 * time.Hour} { // before and after a change
		_, offset := shown.Add(about).In(zone).Zone()
		at := shown.Add(-time.Duration(offset) * time.Second).In(zone)
		if _, there := at.Zone(); there == offset {
			found = append(found, at)
		}
	}
	if len(found) == 0 { // no clock ever shows it
		_, offset := shown.Add(-24 * time.Hour).In(zone).Zone()
		start, _ := shown.Add(-time.Duration(offset) * time.Second).In(zone).ZoneBounds()
		return TimeOf(start), TimeOf(start)
	}
	first, last = TimeOf(found[0]), TimeOf(found[len(found)-1])
	return min(first, last), max(first, last)
}
