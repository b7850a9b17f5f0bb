package schedule_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"watchkeeper/api/schedule"
)

func TestCacheGivesWhatParseGives(t *testing.T) {
	cache := schedule.NewCache(4)
	after := moment(t, "2026-01-01T00:00:00Z")
	for round := range 3 {
		for hour := range 10 { // more than it holds
			for _, zone := range []string{"Europe/Paris", "Asia/Tokyo", ""} {
				expression := fmt.Sprintf("0 %d * * *", hour)
				got, err := cache.Parse(expression, zone)
				if err != nil {
					t.Fatal(err)
				}
				if want := mustParse(t, expression, zone); got.String() != want.String() || !got.Next(after).Equal(want.Next(after)) {
					t.Fatalf("round %d: the cache gives %v for %q in %q", round, got, expression, zone)
				}
			}
		}
	}
}

func TestCacheKeepsWhatItParsed(t *testing.T) {
	cache := schedule.NewCache(4)
	first, err := cache.Parse("0 3 * * *", "Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	second, err := cache.Parse("0 3 * * *", "Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	if first != second {
		t.Error("the same expression was parsed twice")
	}
	if other, err := cache.Parse("0 4 * * *", "Europe/Paris"); err != nil || other.Zone() != first.Zone() {
		t.Errorf("the same zone was read twice (error %v)", err)
	}
}

func TestCacheGivesErrors(t *testing.T) {
	cache := schedule.NewCache(4)
	for range 2 {
		for _, bad := range [][2]string{{"0 0 31 2 *", "UTC"}, {"0 0 * * *", "Nowhere"}} {
			if c, err := cache.Parse(bad[0], bad[1]); err == nil || c != nil {
				t.Errorf("Parse(%q, %q) = %v, %v; want an error", bad[0], bad[1], c, err)
			}
		}
	}
}

func TestCacheServesManyAtOnce(t *testing.T) {
	cache := schedule.NewCache(8)
	after := moment(t, "2026-01-01T00:00:00Z")
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 200 {
				hour := (i + worker) % 24
				c, err := cache.Parse(fmt.Sprintf("0 %d * * *", hour), "Asia/Tokyo")
				if err != nil || c.Next(after).Hour() != hour {
					t.Errorf("hour %d: %v %v", hour, c, err)
					return
				}
			}
		})
	}
	group.Wait()
}

func BenchmarkParse(b *testing.B) {
	for _, expression := range []string{"30 3 * * 1-5", "0 0 * 2 MON#5"} {
		b.Run("plain/"+expression, func(b *testing.B) {
			for b.Loop() {
				mustParse(b, expression, "Europe/Paris")
			}
		})
	}
	b.Run("cached", func(b *testing.B) {
		cache := schedule.NewCache(10)
		for b.Loop() {
			if _, err := cache.Parse("30 3 * * 1-5", "Europe/Paris"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("refused", func(b *testing.B) {
		for b.Loop() {
			if _, err := schedule.Parse("*/5 2 25-31 3 */7", "Europe/Paris"); err == nil {
				b.Fatal("accepted")
			}
		}
	})
}

func BenchmarkNext(b *testing.B) {
	for _, expression := range []string{"30 3 * * 1-5", "*/5 * * * *", "0 0 29 2 *", "0 0 * 2 MON#5", "* * * 2 MON#5"} {
		b.Run(expression, func(b *testing.B) {
			c := mustParse(b, expression, "Europe/Paris")
			after := time.Date(2026, 5, 5, 12, 0, 0, 0, time.UTC)
			for b.Loop() {
				c.Next(after)
			}
		})
	}
}
