package api

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "2s": 2 * time.Second, "5m": 5 * time.Minute, "25h": 25 * time.Hour, "14d": 14 * day,
		"1d12h": 36 * time.Hour, "1d2h3m4s5ms": day + 2*time.Hour + 3*time.Minute + 4*time.Second + 5*time.Millisecond,
		"90m": 90 * time.Minute, "007s": 7 * time.Second, "500ms": 500 * time.Millisecond, "1m500ms": time.Minute + 500*time.Millisecond,
		"106751d": 106751 * day,
	} {
		got, err := ParseDuration(text)
		if err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", " ", "s", "5", "600", "-5m", "+5m", "1.5h", "5 m", "5m ", "5M", "5min", "1h1d", "1h1h", "1m1h", "5us", "1w", "1y", "00", "1d5",
		"106752d", "9223372036855s", "99999999999999999999s", "106751d24h", "٥m", "1h-5m", "5ms5s",
	} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("ParseDuration(%q) = %v, want an error", text, got)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 1500 * time.Millisecond: "1s500ms", 36 * time.Hour: "1d12h", 10 * time.Minute: "10m", 90 * time.Minute: "1h30m",
	} {
		if got := FormatDuration(d); got != want {
			t.Errorf("FormatDuration(%v) = %q, want %q", d, got, want)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, text := range []string{"0", "1d12h", "106751d23h47m16s854ms", "99999999999999999999s", "1ms1ms", "-1s", "1m5ms"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDuration(text)
		if err != nil {
			return
		}
		if d < 0 {
			t.Fatalf("%q is negative: %v", text, d)
		}
		if again, err := ParseDuration(FormatDuration(d)); err != nil || again != d {
			t.Fatalf("%q is %v, which prints as %q and reads as %v, %v", text, d, FormatDuration(d), again, err)
		}
	})
}
