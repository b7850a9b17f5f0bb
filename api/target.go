package api

import (
	"slices"
	"strconv"
	"time"
)

// The bounds of what one target is told message by message. Whatever becomes due beyond them is gathered in a digest.
const (
	StormLimit  = 5
	StormWindow = time.Minute
)

// TargetTally is what a target was told lately.
type TargetTally struct {
	Told     []Time // when messages were let through that still count, oldest first, StormLimit at most
	DigestAt Time   // when the digest goes that gathers the further ones; 0 while none does
}

// Admit decides about a message that becomes due now. 0 means that it goes out by itself. Any other moment is when the
// digest goes that tells of it: the end of the window in which there were too many.
func (t *TargetTally) Admit(now Time) Time {
	if t.DigestAt > 0 {
		return t.DigestAt
	}
	t.Told = slices.DeleteFunc(t.Told, func(at Time) bool { return now.Sub(at) >= StormWindow })
	if len(t.Told) >= StormLimit {
		t.DigestAt = t.Told[0].Add(StormWindow)
		return t.DigestAt
	}
	t.Told = append(t.Told, now)
	slices.Sort(t.Told) // of two servers one may be a little behind
	return 0
}

// Held says, as the reason of a delivery, which digest it waits for.
func (t *TargetTally) Held(zone Zone) string {
	return "more than " + strconv.Itoa(StormLimit) + " messages to this target within a minute: gathered in the digest at " +
		t.DigestAt.Std().In(zone).Format("15:04:05 -07:00")
}
