package config_test

import (
	"math"
	"testing"

	"watchkeeper/server/config"
)

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

func TestFormatSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 1: "1", 10_000: "10000", 1024: "1KiB", 1536: "1536", 64 << 20: "64MiB", 1 << 40: "1TiB", 3 << 50: "3072TiB"} {
		if got := config.FormatSize(n); got != want {
			t.Errorf("FormatSize(%d) = %q, want %q", n, got, want)
		}
	}
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
