package api

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// durationUnits are the units from the largest to the smallest.
var durationUnits = []struct {
	name string
	size time.Duration
}{
	{"d", 24 * time.Hour},
	{"h", time.Hour},
	{"m", time.Minute},
	{"s", time.Second},
	{"ms", time.Millisecond},
}

var errDuration = errors.New("must be a duration such as 2s, 5m, 25h, 14d or 1d12h")

// ParseDuration reads a length of time such as 2s, 5m, 25h, 14d, or a sum with the larger units first such as 1d12h.
// It is never negative; 0 needs no unit.
func ParseDuration(text string) (time.Duration, error) {
	switch text {
	case "":
		return 0, errDuration
	case "0":
		return 0, nil
	}
	var sum time.Duration
	units := durationUnits
	for rest := text; rest != ""; {
		after := strings.TrimLeft(rest, "0123456789")
		n, err := strconv.ParseInt(rest[:len(rest)-len(after)], 10, 64)
		name := after[:len(after)-len(strings.TrimLeft(after, "abcdefghijklmnopqrstuvwxyz"))]
		i := 0
		for i < len(units) && units[i].name != name {
			i++
		}
		if err != nil || i == len(units) || n > int64((math.MaxInt64-sum)/units[i].size) {
			return 0, errDuration
		}
		sum += time.Duration(n) * units[i].size
		units, rest = units[i+1:], after[len(name):]
	}
	return sum, nil
}

// FormatDuration gives the form that ParseDuration reads, for whole milliseconds.
func FormatDuration(d time.Duration) string {
	var b strings.Builder
	for _, u := range durationUnits {
		if n := d / u.size; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + u.name)
			d %= u.size
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}
