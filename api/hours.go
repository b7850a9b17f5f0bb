package api

import (
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

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func (h *Hours) parse(zone Zone) (week, error) {
	w := week{zone: zone}
	var err error
	if w.from, err = minuteOfDay(h.From); err != nil {
		return w, fmt.Errorf("from %w", err)
	}
	if w.to, err = minuteOfDay(h.To); err != nil {
		return w, fmt.Errorf("to %w", err)
	}
	if w.to <= w.from {
		w.to += 24 * 60
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

func weekday(name string) int {
	for i, day := range weekdays {
		if strings.HasPrefix(strings.TrimSpace(name), day) {
			return i
		}
	}
	return -1
}

func minuteOfDay(text string) (int, error) {
	t, err := time.Parse("15:04", text)
	if err != nil {
		if text == "24:00" {
			return 24 * 60, nil
		}
		return 0, fmt.Errorf("must be written HH:MM, such as 08:00")
	}
	return t.Hour()*60 + t.Minute(), nil
}

// Opens gives the moment from which the hours let messages through: now when they do already, else their next
// beginning. zone is the one they name, loaded, or the server's where they name none. Hours that cannot be read are
// always open: a message too many is better than none.
func (h *Hours) Opens(now Time, zone Zone) Time {
	if h == nil {
		return now
	}
	w, err := h.parse(zone)
	if err != nil {
		return now
	}
	local := now.Std().In(w.zone)
	// From the day before yesterday, whose span may reach into today, to the same day of next week.
	for day := -2; day <= 8; day++ {
		date := time.Date(local.Year(), local.Month(), local.Day()+day, 0, 0, 0, 0, w.zone)
		if !w.days[date.Weekday()] {
			continue
		}
		begin := TimeOf(time.Date(date.Year(), date.Month(), date.Day(), 0, w.from, 0, 0, w.zone))
		end := TimeOf(time.Date(date.Year(), date.Month(), date.Day(), 0, w.to, 0, 0, w.zone))
		if now < end {
			return max(now, begin)
		}
	}
	return now
}
