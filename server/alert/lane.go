package alert

import "watchkeeper/server/store"

// The bounds of what is sent at once. Beyond half of the total each lane has one place only, so that many slow lanes
// leave places to all others.
const (
	laneLimit  = 4
	totalLimit = 128
)

// lanes counts what is being sent, so that what is slow delays only its own lane.
type lanes struct {
	busy  map[string]int
	total int
}

func newLanes() lanes { return lanes{busy: map[string]int{}} }

func (l *lanes) begin(lane string) {
	l.busy[lane]++
	l.total++
}

func (l *lanes) end(lane string) {
	l.total--
	if l.busy[lane]--; l.busy[lane] == 0 {
		delete(l.busy, lane)
	}
}

// share says how many deliveries to take from each lane. The lanes with nothing under way come first, one delivery each;
// what is left over goes to those that have more.
func (l *lanes) share(due []store.LaneLoad) map[string]int {
	shares := map[string]int{}
	total := l.total
	take := func(load store.LaneLoad, limit int) {
		n := min(load.Due-shares[load.Lane], limit-l.busy[load.Lane]-shares[load.Lane], totalLimit-total)
		if n > 0 {
			shares[load.Lane] += n
			total += n
		}
	}
	for _, load := range due {
		take(load, 1)
	}
	for _, load := range due {
		if room := totalLimit/2 - total; room > 0 {
			take(load, min(laneLimit, l.busy[load.Lane]+shares[load.Lane]+room))
		}
	}
	return shares
}
