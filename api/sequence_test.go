package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseSequence(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		stream string
		number uint64
	}{
		"abc-0": {"abc", 0}, "A1-42": {"A1", 42}, strings.Repeat("x", 64) + "-1": {strings.Repeat("x", 64), 1},
		"x-9223372036854775807": {"x", 1<<63 - 1},
	} {
		stream, number, err := ParseSequence(text)
		if err != nil || stream != want.stream || number != want.number {
			t.Errorf("%q: %q, %d, %v", text, stream, number, err)
		}
	}
	for _, text := range []string{
		"", "abc", "-1", "abc-", "abc-x", "abc--1", "a-b-1", "ä-1", "a b-1", "abc-1 ", "abc-+1", "abc-1.5", "x-9223372036854775808",
		strings.Repeat("x", 65) + "-1",
	} {
		_, _, err := ParseSequence(text)
		wantFields(t, text, err, "header.Watchkeeper-Sequence")
	}
}

func FuzzParseSequence(f *testing.F) {
	f.Add("abc-1")
	f.Add("a-b-1")
	f.Add("abc-007")
	f.Fuzz(func(t *testing.T, text string) {
		stream, number, err := ParseSequence(text)
		if err != nil {
			return
		}
		again, n, err := ParseSequence(fmt.Sprintf("%s-%d", stream, number))
		if err != nil || again != stream || n != number || len(stream) > maxStreamLength {
			t.Fatalf("%q: %q, %d, read back %q, %d, %v", text, stream, number, again, n, err)
		}
	})
}

func TestRanges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		numbers []uint64
		want    Ranges
	}{
		{"one", []uint64{5}, Ranges{{5, 5}}},
		{"in order", []uint64{1, 2, 3}, Ranges{{1, 3}}},
		{"backwards", []uint64{3, 2, 1}, Ranges{{1, 3}}},
		{"with a gap", []uint64{1, 3}, Ranges{{1, 1}, {3, 3}}},
		{"a gap that closes", []uint64{1, 3, 2}, Ranges{{1, 3}}},
		{"from nought", []uint64{0, 1}, Ranges{{0, 1}}},
		{"the largest of all", []uint64{1<<64 - 1, 0, 1<<64 - 2}, Ranges{{0, 0}, {1<<64 - 2, 1<<64 - 1}}},
	} {
		var r Ranges
		for _, n := range c.numbers {
			var had bool
			if r, had = r.Add(n); had {
				t.Errorf("%s: %d was had", c.name, n)
			}
		}
		for _, n := range c.numbers {
			if again, had := r.Add(n); !had || !cmp.Equal(again, r) {
				t.Errorf("%s: %d was not had, %v", c.name, n, again)
			}
		}
		if diff := cmp.Diff(c.want, r); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestRangesForgetTheLowest(t *testing.T) {
	t.Parallel()
	var r Ranges
	for n := range uint64(MaxRanges + 1) {
		r, _ = r.Add(10 * n)
	}
	if len(r) != MaxRanges || r[0] != (Range{10, 10}) {
		t.Fatalf("%d ranges, the lowest %v", len(r), r[0])
	}
	r, had := r.Add(0)
	if had || len(r) != MaxRanges || r[0] != (Range{10, 10}) {
		t.Errorf("0 again: had %v, %d ranges, the lowest %v", had, len(r), r[0])
	}
}

// TestRangesAreASet compares them with a set, as long as nothing is forgotten.
func TestRangesAreASet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var r Ranges
		set := map[uint64]bool{}
		for _, n := range rapid.SliceOfN(rapid.Uint64Range(0, 100), 0, 200).Draw(t, "numbers") {
			before := len(r)
			next, had := r.Add(n)
			if had != set[n] || len(r) != before {
				t.Fatalf("%d: had %v, want %v", n, had, set[n])
			}
			set[n], r = true, next
			count := uint64(0)
			for i, x := range r {
				if x[0] > x[1] || i > 0 && r[i-1][1]+1 >= x[0] {
					t.Fatalf("%v", r)
				}
				count += x[1] - x[0] + 1
			}
			if count != uint64(len(set)) {
				t.Fatalf("%v holds %d numbers, want %d", r, count, len(set))
			}
		}
	})
}
