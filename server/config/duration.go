package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

type unit struct {
	name string
	size int64
}

// The units from the largest to the smallest.
var (
	durationUnits = []unit{
		{"d", int64(24 * time.Hour)},
		{"h", int64(time.Hour)},
		{"m", int64(time.Minute)},
		{"s", int64(time.Second)},
		{"ms", int64(time.Millisecond)},
	}
	sizeUnits = []unit{
		{"TiB", 1 << 40},
		{"GiB", 1 << 30},
		{"MiB", 1 << 20},
		{"KiB", 1 << 10},
		{"TB", 1e12},
		{"GB", 1e9},
		{"MB", 1e6},
		{"kB", 1e3},
		{"B", 1},
	}
)

var (
	errDuration = errors.New("must be a duration such as 2s, 5m, 25h, 14d or 1d12h")
	errSize     = errors.New("must be a size such as 10000, 64KiB or 2GiB")
)

// ParseDuration reads a length of time such as 2s, 5m, 25h, 14d, or a sum with the larger units first such as 1d12h.
// It is never negative; 0 needs no unit.
func ParseDuration(text string) (time.Duration, error) {
	switch text {
	case "":
		return 0, errDuration
	case "0":
		return 0, nil
	}
	var sum int64
	units := durationUnits
	for rest := text; rest != ""; {
		n, after, ok := leadingNumber(rest)
		name := leadingLetters(after)
		i := indexUnit(units, name)
		if !ok || i < 0 || n > (math.MaxInt64-sum)/units[i].size {
			return 0, errDuration
		}
		sum += n * units[i].size
		units, rest = units[i+1:], after[len(name):]
	}
	return time.Duration(sum), nil
}

// FormatDuration gives the form that ParseDuration reads, for whole milliseconds.
func FormatDuration(d time.Duration) string {
	var b strings.Builder
	rest := int64(d)
	for _, u := range durationUnits {
		if n := rest / u.size; n > 0 {
			b.WriteString(strconv.FormatInt(n, 10) + u.name)
			rest %= u.size
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}

// ParseSize reads a number of bytes, plain or with a unit such as 64MiB or 10kB. It is never negative.
func ParseSize(text string) (int64, error) {
	n, name, ok := leadingNumber(text)
	if name == "" {
		name = "B"
	}
	i := indexUnit(sizeUnits, name)
	if !ok || i < 0 || n > math.MaxInt64/sizeUnits[i].size {
		return 0, errSize
	}
	return n * sizeUnits[i].size, nil
}

// FormatSize gives the form that ParseSize reads, with the largest binary unit that leaves a whole number.
func FormatSize(bytes int64) string {
	for _, u := range sizeUnits[:4] {
		if bytes != 0 && bytes%u.size == 0 {
			return strconv.FormatInt(bytes/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(bytes, 10)
}

func leadingNumber(text string) (n int64, rest string, ok bool) {
	rest = strings.TrimLeft(text, "0123456789")
	n, err := strconv.ParseInt(text[:len(text)-len(rest)], 10, 64)
	return n, rest, err == nil
}

func leadingLetters(text string) string {
	return text[:len(text)-len(strings.TrimLeft(text, "abcdefghijklmnopqrstuvwxyz"))]
}

func indexUnit(units []unit, name string) int {
	for i, u := range units {
		if u.name == name {
			return i
		}
	}
	return -1
}
