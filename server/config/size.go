package config

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
)

type unit struct {
	name string
	size int64
}

// sizeUnits are the units from the largest to the smallest.
var sizeUnits = []unit{
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

var errSize = errors.New("must be a size such as 10000, 64KiB or 2GiB")

// ParseSize reads a number of bytes, plain or with a unit such as 64MiB or 10kB. It is never negative.
func ParseSize(text string) (int64, error) {
	n, name, ok := leadingNumber(text)
	if name == "" {
		name = "B"
	}
	i := slices.IndexFunc(sizeUnits, func(u unit) bool { return u.name == name })
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
