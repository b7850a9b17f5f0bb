package alert

import (
	"errors"
	"math"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/store"
)

// How long and how often a message is tried.
const (
	firstWait = 5 * time.Second
	maxWait   = 15 * time.Minute
	tryFor    = 24 * time.Hour
	jitter    = 0.2 // of a wait, either way
)

// errStopping is why an attempt was broken off: the server stops.
var errStopping = errors.New("the server stops")

// attempted is an attempt that was made, with what decides what follows from it.
type attempted struct {
	delivery store.Delivery
	receipt  string
	err      error
	now      api.Time
	stopping bool    // the attempt was broken off because the server stops
	random   float64 // 0 to below 1
}

// outcome says what follows: it is sent, or tried again after a wait, or has failed for good.
func (a attempted) outcome() store.Outcome {
	switch {
	case a.err == nil:
		return store.Outcome{State: api.DeliverySent, Receipt: a.receipt}
	case a.stopping:
		return store.Outcome{State: api.DeliveryWaiting, NextAttempt: a.now, LastError: a.err.Error()}
	case notify.Permanent(a.err, a.delivery.Attempts):
		return store.Outcome{State: api.DeliveryFailed, LastError: a.err.Error(), AttendAt: a.now}
	}
	wait := max(backoff(a.delivery.Attempts, a.random), notify.RetryAfter(a.err))
	next := a.now.Add(wait)
	if next.Sub(a.delivery.DueAt) > tryFor {
		return store.Outcome{State: api.DeliveryFailed, Reason: gaveUp, LastError: a.err.Error(), AttendAt: a.now}
	}
	o := store.Outcome{State: api.DeliveryWaiting, NextAttempt: next, LastError: a.err.Error()}
	if a.delivery.Attempts == 1 { // whoever looks before keeps it in mind
		o.AttendAt = max(a.now, a.delivery.DueAt.Add(escalateAfter))
	}
	return o
}

const gaveUp = "given up: the next attempt would come more than 24 hours after it was due"

// backoff gives how long to wait after an attempt, the first of which is 1.
func backoff(attempts int, random float64) time.Duration {
	wait := min(float64(maxWait), float64(firstWait)*math.Pow(2, float64(attempts-1)))
	return time.Duration(wait * (1 + jitter*(2*random-1)))
}
