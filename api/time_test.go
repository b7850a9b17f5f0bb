package api

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text, want string // want is Time.String, or "" for an error
	}{
		{"RFC 3339 in UTC", "2026-01-31T08:00:00Z", "2026-01-31T08:00:00.000Z"},
		{"RFC 3339 with milliseconds", "2026-01-31T08:00:00.125Z", "2026-01-31T08:00:00.125Z"},
		{"RFC 3339 with more than milliseconds, which are cut", "2026-01-31T08:00:00.9999999Z", "2026-01-31T08:00:00.999Z"},
		{"RFC 3339 with an offset", "2026-01-31T08:00:00+02:00", "2026-01-31T06:00:00.000Z"},
		{"blanks around", " 2026-01-31T08:00:00Z\n", "2026-01-31T08:00:00.000Z"},
		{"Unix seconds", "1700000000", "2023-11-14T22:13:20.000Z"},
		{"Unix seconds with a fraction that binary cannot hold", "1700000000.123", "2023-11-14T22:13:20.123Z"},
		{"Unix seconds with more than milliseconds, which are cut", "1700000000.9999", "2023-11-14T22:13:20.999Z"},
		{"Unix seconds with an exponent", "1.7e9", "2023-11-14T22:13:20.000Z"},
		{"the last moment", "4102444800", "2100-01-01T00:00:00.000Z"},
		{"zero, which is none", "0", "never"},
		{"after the last moment", "4102444800.001", ""},
		{"milliseconds by mistake", "1700000000000", ""},
		{"more than fits", "99999999999999999999", ""},
		{"much more than fits", "1e300", ""},
		{"more than a float holds", "1e999", ""},
		{"before 1970", "-1", ""},
		{"before 1970 with a fraction", "-0.5", ""},
		{"a year before 1970", "1969-12-31T23:59:59Z", ""},
		{"a year after 2100", "2100-01-01T00:00:00.001Z", ""},
		{"a date", "2026-01-31", ""},
		{"no zone", "2026-01-31T08:00:00", ""},
		{"a day that is none", "2026-02-30T08:00:00Z", ""},
		{"words", "yesterday", ""},
		{"not a number", "NaN", ""},
		{"infinity", "+Inf", ""},
		{"a hexadecimal number", "0x10", ""},
		{"signs only", "+-", ""},
		{"nothing", "", ""},
		{"blanks", "  ", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseTime(c.text)
			if c.want == "" {
				if KindOf(err) != KindInvalid {
					t.Errorf("%q: %s, %v", c.text, got, err)
				}
				return
			}
			if err != nil || got.String() != c.want {
				t.Errorf("%q: %s, %v, want %s", c.text, got, err, c.want)
			}
		})
	}
}

func TestTimeInJSON(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`null`: `null`, `0`: `null`, `"2026-01-31T08:00:00Z"`: `"2026-01-31T08:00:00.000Z"`,
		`1700000000.5`: `"2023-11-14T22:13:20.500Z"`, `"1700000000"`: `"2023-11-14T22:13:20.000Z"`,
		`"\u0031700000000"`: `"2023-11-14T22:13:20.000Z"`,
		`true`:              "", `{}`: "", `[]`: "", `""`: "", `"null"`: "", `-5`: "",
	} {
		got := Time(7) // so that null is seen to clear it
		err := json.Unmarshal([]byte(text), &got)
		if want == "" {
			if err == nil {
				t.Errorf("%s: %s", text, got)
			}
			continue
		}
		if back, _ := json.Marshal(got); err != nil || string(back) != want {
			t.Errorf("%s: %s, %v, want %s", text, back, err, want)
		}
	}
}

func TestTimeInText(t *testing.T) {
	t.Parallel()
	var at Time
	if err := at.UnmarshalText([]byte("1700000000")); err != nil {
		t.Fatal(err)
	}
	if text, err := at.MarshalText(); err != nil || string(text) != "2023-11-14T22:13:20.000Z" {
		t.Errorf("%s, %v", text, err)
	}
	if text, err := Time(0).MarshalText(); err != nil || len(text) != 0 {
		t.Errorf("none: %q, %v", text, err)
	}
	if err := at.UnmarshalText([]byte("soon")); KindOf(err) != KindInvalid {
		t.Errorf("soon: %v", err)
	}
}

func TestTimeArithmetic(t *testing.T) {
	t.Parallel()
	if got := Time(1500).Add(2500 * time.Millisecond); got != 4000 {
		t.Errorf("1.5 s and 2.5 s are %d ms", got)
	}
	if got := Time(0).Add(time.Hour); got != 0 {
		t.Errorf("an hour after never is %s", got)
	}
	if got := Time(4000).Sub(1500); got != 2500*time.Millisecond {
		t.Errorf("from 1.5 s to 4 s are %s", got)
	}
	for at, want := range map[Time]int64{1999: 1, 2000: 2, 0: 0, -1: -1, -1000: -1} {
		if got := at.Unix(); got != want {
			t.Errorf("%d ms are %d s, want %d", int64(at), got, want)
		}
	}
	if !Time(0).IsZero() || Time(1).IsZero() || !Time(0).Std().IsZero() || TimeOf(time.Time{}) != 0 {
		t.Error("never is not zero")
	}
	if got := TimeOf(time.Unix(1, 999_999)); got != 1000 {
		t.Errorf("1.000999999 s are %d ms", got)
	}
	if got := Seconds(90).Duration(); got != 90*time.Second {
		t.Errorf("90 s are %s", got)
	}
}

// TestTimesSurvive writes any moment in every form and reads it back.
func TestTimesSurvive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := Time(rapid.Int64Range(1, int64(MaxTime)).Draw(t, "at"))
		if got := TimeOf(at.Std()); got != at {
			t.Fatalf("as time.Time: %d", got)
		}
		if got, err := ParseTime(at.String()); err != nil || got != at {
			t.Fatalf("as text: %d, %v", got, err)
		}
		seconds := fmt.Sprintf("%d.%03d", at/1000, at%1000)
		if got, err := ParseTime(seconds); err != nil || got != at {
			t.Fatalf("as %s seconds: %d, %v", seconds, got, err)
		}
	})
}

func FuzzParseTime(f *testing.F) {
	for _, text := range []string{"2026-01-31T08:00:00.125+02:00", "1700000000.123", "1e9", "-1", "0", "", "4102444800.001", "1e308"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := ParseTime(text)
		if err != nil {
			if KindOf(err) != KindInvalid {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if at < MinTime || at > MaxTime {
			t.Fatalf("%q: %d", text, at)
		}
		if again, err := ParseTime(at.String()); at != 0 && (err != nil || again != at) {
			t.Fatalf("%q: %s, read back %s, %v", text, at, again, err)
		}
	})
}

func FuzzTimeJSON(f *testing.F) {
	for _, text := range []string{`"2026-01-31T08:00:00Z"`, `1700000000.123`, `null`, `"x"`, `{"a":1}`, `1e999`, `"\ud800"`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var at Time
		if json.Unmarshal(text, &at) != nil {
			return
		}
		written, err := json.Marshal(at)
		if err != nil {
			t.Fatal(err)
		}
		var again Time
		if err := json.Unmarshal(written, &again); err != nil || again != at {
			t.Fatalf("%s: %s, read back %s, %v", text, written, again, err)
		}
	})
}

func TestInSeconds(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0", 1235 * time.Millisecond: "1.235", time.Millisecond: "0.001", 1999 * time.Microsecond: "0.001",
		36*time.Hour + 100*time.Millisecond: "129600.1",
	} {
		if got := strconv.FormatFloat(InSeconds(d), 'f', -1, 64); got != want {
			t.Errorf("%s is %s seconds, want %s", d, got, want)
		}
	}
}
