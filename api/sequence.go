package api

import (
	"slices"
	"strconv"
	"strings"
)

// HeaderSequence carries STREAM-NUMBER: a sender that repeats a request with the same value has it stored once.
const HeaderSequence = "Watchkeeper-Sequence"

// The limits of sequences.
const (
	MaxRanges       = 64 // ranges that are remembered of a stream; beyond that the lowest is forgotten
	maxStreamLength = 64
)

// ParseSequence reads the value of HeaderSequence: 1 to 64 letters and digits, a hyphen, a number.
func ParseSequence(s string) (stream string, number uint64, err error) {
	i := strings.LastIndexByte(s, '-')
	if i < 1 || i > maxStreamLength || strings.ContainsFunc(s[:i], func(r rune) bool { return !isASCIILetterOrDigit(r) }) {
		return "", 0, Invalid("header."+HeaderSequence, "must be STREAM-NUMBER with a stream of 1 to 64 letters and digits")
	}
	number, err = strconv.ParseUint(s[i+1:], 10, 63)
	if err != nil {
		return "", 0, Invalid("header."+HeaderSequence, "must end in a whole number")
	}
	return s[:i], number, nil
}

// Ranges is a set of sequence numbers as ranges, ascending, that neither meet nor overlap.
type Ranges []Range

// Range is the numbers from First to Last, both included.
type Range [2]uint64

// Add gives the set with a number, and whether it was in it before. Gaps are never filled in; when there are more than
// MaxRanges ranges the lowest is forgotten, because a record stored twice is better than one lost.
func (r Ranges) Add(n uint64) (Ranges, bool) {
	i, _ := slices.BinarySearchFunc(r, n, func(a Range, n uint64) int {
		if a[1] < n {
			return -1
		}
		return 1
	})
	if i < len(r) && r[i][0] <= n {
		return r, true
	}
	out := slices.Clone(r)
	joinsLeft := i > 0 && out[i-1][1]+1 == n
	joinsRight := i < len(out) && out[i][0] == n+1
	switch {
	case joinsLeft && joinsRight:
		out[i-1][1] = out[i][1]
		out = slices.Delete(out, i, i+1)
	case joinsLeft:
		out[i-1][1] = n
	case joinsRight:
		out[i][0] = n
	default:
		out = slices.Insert(out, i, Range{n, n})
	}
	if len(out) > MaxRanges {
		out = slices.Delete(out, 0, len(out)-MaxRanges)
	}
	return out, false
}
