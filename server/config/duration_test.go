package config_test

import (
	"math"
	"testing"
	"time"

	"watchkeeper/server/config"
)

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "2s": 2 * time.Second, "5m": 5 * time.Minute, "25h": 25 * time.Hour, "14d": 14 * day,
		"1d12h": 36 * time.Hour, "1d2h3m4s5ms": day + 2*time.Hour + 3*time.Minute + 4*time.Second + 5*time.Millisecond,
		"90m": 90 * time.Minute, "007s": 7 * time.Second, "500ms": 500 * time.Millisecond, "1m500ms": time.Minute + 500*time.Millisecond,
		"106751d": 106751 * day,
	} {
		got, err := config.ParseDuration(text)
		if err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", " ", "s", "5", "600", "-5m", "+5m", "1.5h", "5 m", "5m ", "5M", "5min", "1h1d", "1h1h", "1m1h", "5us", "1w", "1y", "00", "1d5",
		"106752d", "9223372036855s", "99999999999999999999s", "106751d24h", "٥m", "1h-5m", "5ms5s",
	} {
		if got, err := config.ParseDuration(text); err == nil {
			t.Errorf("ParseDuration(%q) = %v, want an error", text, got)
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "10000": 10_000, "1B": 1, "10kB": 10_000, "1KiB": 1024, "64MiB": 64 << 20, "2GiB": 2 << 30, "3TiB": 3 << 40,
		"5MB": 5_000_000, "5GB": 5_000_000_000, "1TB": 1_000_000_000_000, "9223372036854775807": math.MaxInt64,
	} {
		got, err := config.ParseSize(text)
		if err != nil || got != want {
			t.Errorf("ParseSize(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "B", "MiB", "-1", "+1", "1.5MiB", "1 MiB", "1M", "1mb", "1KB", "1K", "1e6", "0x10", "1_000", "9223372036854775808", "8388608TiB",
	} {
		if got, err := config.ParseSize(text); err == nil {
			t.Errorf("ParseSize(%q) = %v, want an error", text, got)
		}
	}
}

func TestFormats(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 1500 * time.Millisecond: "1s500ms", 36 * time.Hour: "1d12h", 10 * time.Minute: "10m", 90 * time.Minute: "1h30m",
	} {
		if got := config.FormatDuration(d); got != want {
			t.Errorf("FormatDuration(%v) = %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 1: "1", 10_000: "10000", 1024: "1KiB", 1536: "1536", 64 << 20: "64MiB", 1 << 40: "1TiB", 3 << 50: "3072TiB"} {
		if got := config.FormatSize(n); got != want {
			t.Errorf("FormatSize(%d) = %q, want %q", n, got, want)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, text := range []string{"0", "1d12h", "106751d23h47m16s854ms", "99999999999999999999s", "1ms1ms", "-1s", "1m5ms"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := config.ParseDuration(text)
		if err != nil {
			return
		}
		if d < 0 {
			t.Fatalf("%q is negative: %v", text, d)
		}
		if again, err := config.ParseDuration(config.FormatDuration(d)); err != nil || again != d {
			t.Fatalf("%q is %v, which prints as %q and reads as %v, %v", text, d, config.FormatDuration(d), again, err)
		}
	})
}

func FuzzParseSize(f *testing.F) {
	for _, text := range []string{"0", "64MiB", "10kB", "8388607TiB", "8388608TiB", "-1", "1 B"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := config.ParseSize(text)
		if err != nil {
			return
		}
		if n < 0 {
			t.Fatalf("%q is negative: %v", text, n)
		}
		if again, err := config.ParseSize(config.FormatSize(n)); err != nil || again != n {
			t.Fatalf("%q is %v, which prints as %q and reads as %v, %v", text, n, config.FormatSize(n), again, err)
		}
	})
}
