package alert

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"watchkeeper/server/store"
)

func TestLanesShare(t *testing.T) {
	tests := []struct {
		name string
		busy map[string]int
		due  []store.LaneLoad
		want map[string]int
	}{
		{name: "as much as is due", due: []store.LaneLoad{{Lane: "a", Due: 2}, {Lane: "b", Due: 1}}, want: map[string]int{"a": 2, "b": 1}},
		{
			name: "a lane has its limit", busy: map[string]int{"a": 3}, due: []store.LaneLoad{{Lane: "a", Due: 9}, {Lane: "b", Due: 9}},
			want: map[string]int{"a": 1, "b": 4},
		},
		{
			name: "a full lane gets none", busy: map[string]int{"a": 4}, due: []store.LaneLoad{{Lane: "a", Due: 9}, {Lane: "b", Due: 1}},
			want: map[string]int{"b": 1},
		},
		{
			name: "beyond half, one for each idle lane", busy: map[string]int{"x": 62}, due: []store.LaneLoad{{Lane: "a", Due: 9}, {Lane: "b", Due: 9}, {Lane: "c", Due: 9}},
			want: map[string]int{"a": 1, "b": 1, "c": 1},
		},
		{name: "none beyond all", busy: map[string]int{"x": totalLimit}, due: []store.LaneLoad{{Lane: "a", Due: 1}}, want: map[string]int{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLanes()
			for lane, n := range test.busy {
				for range n {
					l.begin(lane)
				}
			}
			if diff := cmp.Diff(test.want, l.share(test.due)); diff != "" {
				t.Errorf("shares (-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever is under way: no lane has more than its limit, all together not more than theirs, and an idle lane is served
// as long as there is any place.
func TestLanesKeepTheirLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLanes()
		for range rapid.IntRange(1, 20).Draw(t, "rounds") {
			var due []store.LaneLoad
			for i := range rapid.IntRange(0, 200).Draw(t, "lanes") {
				due = append(due, store.LaneLoad{Lane: fmt.Sprint(i), Due: rapid.IntRange(1, 10).Draw(t, "due")})
			}
			shares := l.share(due)
			for _, load := range due {
				n := shares[load.Lane]
				if n > load.Due || n+l.busy[load.Lane] > laneLimit && n > 0 {
					t.Fatalf("lane %s gets %d of %d, with %d under way", load.Lane, n, load.Due, l.busy[load.Lane])
				}
			}
			for lane, n := range shares {
				for range n {
					l.begin(lane)
				}
			}
			if l.total > totalLimit {
				t.Fatalf("%d under way", l.total)
			}
			for _, load := range due {
				if l.busy[load.Lane] == 0 && l.total < totalLimit {
					t.Fatalf("lane %s is idle though there is a place", load.Lane)
				}
			}
			for lane, n := range l.busy {
				for range rapid.IntRange(0, n).Draw(t, "ended") {
					l.end(lane)
				}
			}
		}
	})
}
