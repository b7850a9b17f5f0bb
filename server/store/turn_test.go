package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// line lets waiters come one after the other while the turn is taken, and gives the order in which they got theirs.
func line(t *testing.T, waiters string) string {
	t.Helper()
	var got strings.Builder
	synctest.Test(t, func(t *testing.T) {
		var q turns
		if err := q.take(t.Context(), useGeneral); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for _, w := range waiters {
			wg.Go(func() {
				u := useGeneral
				if w == 'g' {
					u = useGroup
				}
				if err := q.take(t.Context(), u); err != nil {
					t.Error(err)
				}
				got.WriteRune(w)
				q.give()
			})
			synctest.Wait()
		}
		q.give()
		wg.Wait()
		if q.taken {
			t.Error("the turn was not given back")
		}
	})
	return got.String()
}

func TestGroupsGoFirstButNotForEver(t *testing.T) {
	for waiters, want := range map[string]string{
		"":             "",
		"o":            "o",
		"oog":          "goo",
		"ogggggggg":    "ggggogggg",
		"oogggggggggg": "ggggoggggogg",
		"gggggggg":     "gggggggg",
	} {
		if got := line(t, waiters); got != want {
			t.Errorf("%s: %s, want %s", waiters, got, want)
		}
	}
}

func TestWhoGivesUpWaitingLeavesTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q turns
		if err := q.take(t.Context(), useGroup); err != nil {
			t.Fatal(err)
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := q.take(impatient, useGroup); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("gave up with %v", err)
		}
		if err := q.take(impatient, useGeneral); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("asked too late and got %v", err)
		}
		q.give()
		if q.taken || !slices.Equal(q.groups, nil) || len(q.others) > 0 {
			t.Errorf("left behind: %+v", &q)
		}
	})
}

// Whatever is given up when, one at a time has the turn, and in the end nobody.
func TestOneAtATime(t *testing.T) {
	var q turns
	var inside int
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for n := range 200 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+(i*n)%50)*10*time.Microsecond)
				u := useGroup
				if i%2 == 0 {
					u = useGeneral
				}
				if q.take(ctx, u) == nil {
					if inside++; inside != 1 {
						t.Errorf("%d at once", inside)
					}
					inside--
					q.give()
				}
				cancel()
			}
		})
	}
	wg.Wait()
	if q.taken || len(q.groups)+len(q.others) > 0 {
		t.Errorf("left behind: %+v", &q)
	}
}
