package clock

import (
	"context"
	"time"
)

// Clock says what time it is and makes timers. Now never goes backwards, carries no monotonic reading and is in UTC.
type Clock interface {
	Now() time.Time
	NewTimer(d time.Duration) Timer
}

// Timer fires once. It measures time that passes on the machine, which Now may outrun or trail by half a percent, so
// whoever waits for a moment looks at Now when it fires, and waits again if it is early.
type Timer interface {
	// C receives the clock's Now when the timer fires.
	C() <-chan time.Time
	// Stop keeps the timer from firing and reports whether it did: false means that C was received from already, or
	// that the timer was stopped before. Nothing is left in C afterwards.
	Stop() bool
	// Reset stops the timer and makes it fire after d instead.
	Reset(d time.Duration)
}

var (
	_ Clock = (*System)(nil)
	_ Clock = (*Manual)(nil)
)

// Sleep waits for d. It gives the error of ctx when that ends first, or has ended.
func Sleep(ctx context.Context, c Clock, d time.Duration) error {
	if err := ctx.Err(); err != nil || d <= 0 {
		return err
	}
	timer := c.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C():
		return nil
	}
}
