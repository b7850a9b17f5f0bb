package cert

import (
	"testing"
	"time"
)

func TestWhenAnOrderIsTriedAgain(t *testing.T) {
	at := time.UnixMilli(1_800_000_000_000)
	for count, want := range map[int]time.Duration{
		1: time.Minute, 2: 5 * time.Minute, 3: 20 * time.Minute, 4: time.Hour, 5: 3 * time.Hour, 100: 3 * time.Hour,
	} {
		if got := (failure{Count: count, At: at.UnixMilli()}).next(); !got.Equal(at.Add(want)) {
			t.Errorf("after %d failures at %v", count, got)
		}
	}
	if got := (failure{At: at.UnixMilli()}).next(); !got.IsZero() {
		t.Errorf("without a failure at %v", got)
	}
}
