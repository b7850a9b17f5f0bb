package alert

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/store"
)

func TestOutcome(t *testing.T) {
	const now = api.Time(1_000_000_000)
	asked := notify.Fail(notify.Persist, "slow down", nil)
	asked.RetryAfter = 10 * time.Minute
	month := notify.Fail(notify.Persist, "quota", nil)
	month.RetryAfter = 20 * 24 * time.Hour
	few := notify.Fail(notify.TryFew, "moved", nil)
	waiting := func(d time.Duration, text string) store.Outcome {
		return store.Outcome{State: api.DeliveryWaiting, NextAttempt: now.Add(d), LastError: text}
	}
	tests := []struct {
		name     string
		err      error
		attempts int
		age      time.Duration
		stopping bool
		want     store.Outcome
	}{
		{name: "taken", attempts: 3, want: store.Outcome{State: api.DeliverySent, Receipt: "250 OK"}},
		{name: "first failure", err: errDown, attempts: 1, want: waiting(5*time.Second, "connection refused")},
		{name: "second", err: errDown, attempts: 2, want: waiting(10*time.Second, "connection refused")},
		{name: "eighth", err: errDown, attempts: 8, want: waiting(640*time.Second, "connection refused")},
		{name: "later", err: errDown, attempts: 9, want: waiting(15*time.Minute, "connection refused")},
		{name: "very late", err: errDown, attempts: 5000, want: waiting(15*time.Minute, "connection refused")},
		{name: "the other side asks for patience", err: asked, attempts: 1, want: waiting(10*time.Minute, "slow down")},
		{name: "less than we have", err: asked, attempts: 9, want: waiting(15*time.Minute, "slow down")},
		{name: "more than it is worth", err: month, attempts: 1, want: store.Outcome{State: api.DeliveryFailed, Reason: gaveUp, LastError: "quota"}},
		{
			name: "permanent", err: notify.Fail(notify.GiveUp, "no such user", nil), attempts: 1,
			want: store.Outcome{State: api.DeliveryFailed, LastError: "no such user"},
		},
		{name: "hardly passes", err: few, attempts: 3, want: waiting(20*time.Second, "moved")},
		{name: "does not pass", err: few, attempts: 4, want: store.Outcome{State: api.DeliveryFailed, LastError: "moved"}},
		{name: "the last attempt of a day", err: errDown, attempts: 99, age: 24*time.Hour - 15*time.Minute, want: waiting(15*time.Minute, "connection refused")},
		{
			name: "after a day", err: errDown, attempts: 99, age: 24*time.Hour - 15*time.Minute + time.Millisecond,
			want: store.Outcome{State: api.DeliveryFailed, Reason: gaveUp, LastError: "connection refused"},
		},
		{name: "broken off", err: errDown, attempts: 7, stopping: true, want: waiting(0, "connection refused")},
		{name: "an error of no kind", err: errors.New("odd"), attempts: 1, want: waiting(5*time.Second, "odd")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := store.Delivery{Delivery: api.Delivery{Attempts: test.attempts}, DueAt: now.Add(-test.age)}
			got := attempted{delivery: d, receipt: "250 OK", err: test.err, now: now, stopping: test.stopping, random: 0.5}.outcome()
			if test.err != nil {
				test.want.Receipt = ""
			}
			switch { // somebody else is to be told: now, or when it has failed for a while
			case test.want.State == api.DeliveryFailed:
				test.want.AttendAt = now
			case test.err != nil && test.attempts == 1:
				test.want.AttendAt = now.Add(escalateAfter)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBackoffStaysNearItsMiddle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		attempts := rapid.IntRange(1, 100_000).Draw(t, "attempts")
		random := rapid.Float64Range(0, 0.999999).Draw(t, "random")
		middle, got := backoff(attempts, 0.5), backoff(attempts, random)
		if middle < firstWait || middle > maxWait {
			t.Fatalf("the middle is %s", middle)
		}
		if off := (got - middle).Abs(); off > middle/5+time.Microsecond {
			t.Fatalf("%s is %s away from %s", got, off, middle)
		}
	})
}
