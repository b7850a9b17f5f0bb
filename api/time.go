package api

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// Time is a moment in milliseconds since 1970 UTC; 0 means "never" or "none". In JSON it is RFC 3339 in UTC with
// milliseconds, and null when none; it is read from RFC 3339 or from Unix seconds, with or without a fraction.
type Time int64

// The moments that requests may name. Anything outside is a mistake of the sender.
const (
	MinTime = Time(0)
	MaxTime = Time(4102444800000) // 2100-01-01
)

const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// TimeOf gives t cut to the millisecond; the zero time gives 0.
func TimeOf(t time.Time) Time {
	if t.IsZero() {
		return 0
	}
	return Time(t.UnixMilli())
}

// IsZero reports whether t is none, for the omitzero option of encoding/json.
func (t Time) IsZero() bool { return t == 0 }

// Std gives t as a time.Time in UTC; none gives the zero time.
func (t Time) Std() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(t)).UTC()
}

// Unix gives t in whole seconds, rounded down, as the watchTower protocol shows times.
func (t Time) Unix() int64 { return floorDiv(int64(t), 1000) }

// Add gives t moved by d; none stays none.
func (t Time) Add(d time.Duration) Time {
	if t == 0 {
		return 0
	}
	return t + Time(d.Milliseconds())
}

// Sub gives how long after u the moment t is.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t-u) * time.Millisecond }

// String gives t as RFC 3339 in UTC, and "never" when none.
func (t Time) String() string {
	if t == 0 {
		return "never"
	}
	return t.Std().Format(timeLayout)
}

// MarshalJSON writes RFC 3339, or null when none.
func (t Time) MarshalJSON() ([]byte, error) {
	if t == 0 {
		return []byte("null"), nil
	}
	b := make([]byte, 0, len(timeLayout)+2)
	b = append(b, '"')
	b = t.Std().AppendFormat(b, timeLayout)
	return append(b, '"'), nil
}

// UnmarshalJSON reads RFC 3339 in a string, Unix seconds as a number or in a string, or null.
func (t *Time) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		*t = 0
		return nil
	}
	text := string(b)
	if len(b) > 0 && b[0] == '"' {
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
	}
	parsed, err := ParseTime(text)
	if err != nil {
		return err
	}
	*t = parsed
	return nil
}

// UnmarshalText reads a query parameter.
func (t *Time) UnmarshalText(b []byte) error {
	parsed, err := ParseTime(string(b))
	if err != nil {
		return err
	}
	*t = parsed
	return nil
}

// MarshalText writes RFC 3339, and nothing when none.
func (t Time) MarshalText() ([]byte, error) {
	if t == 0 {
		return nil, nil
	}
	return []byte(t.String()), nil
}

// ParseTime reads RFC 3339 or Unix seconds, with or without a fraction, between 1970 and 2100.
func ParseTime(s string) (Time, error) {
	s = strings.TrimSpace(s)
	parsed, ok := parseUnixSeconds(s)
	if !ok {
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return 0, Errorf(KindInvalid, "must be a time in RFC 3339 (2026-01-31T08:00:00Z) or in Unix seconds")
		}
		parsed = TimeOf(t)
	}
	if parsed < MinTime || parsed > MaxTime {
		return 0, Errorf(KindInvalid, "must be a time between 1970 and 2100")
	}
	return parsed, nil
}

func parseUnixSeconds(s string) (Time, bool) {
	if s == "" || strings.Trim(s, "0123456789.-+eE") != "" {
		return 0, false
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		if n < 0 || n > int64(MaxTime) {
			return MaxTime + 1, true
		}
		return Time(n * 1000), true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, false
	}
	if math.IsNaN(f) || f < 0 || f > float64(MaxTime) {
		return MaxTime + 1, true
	}
	// By way of microseconds, because a fraction such as .123 is a little less than that in binary.
	return Time(floorDiv(int64(math.Round(f*1e6)), 1000)), true
}

// Seconds is a length of time in whole seconds, as every field of the interface that ends in nothing else is.
type Seconds int64

// MaxSeconds is the longest period or grace: ten years.
const MaxSeconds = Seconds(10 * 365 * 24 * 3600)

// Duration gives s as a time.Duration.
func (s Seconds) Duration() time.Duration { return time.Duration(s) * time.Second }

// InSeconds gives d in seconds, exact to the millisecond, as JSON shows it: Duration.Seconds makes 1.2349999999999999 of
// 1.235 s.
func InSeconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
