package alert

import "watchkeeper/server/store"

// page reads a list of rows from newest to oldest and shows those that fit.
type page[R, T any] struct {
	limit int
	read  func(before store.Place, limit int) ([]R, error)
	place func(*R) store.Place
	show  func(*R) T
	keep  func(*T) bool // nil for all
}

const readStep = 500

// from gives the page that begins behind a place, and the place where the next one does, zero at the end.
func (p page[R, T]) from(after store.Place) (items []T, next store.Place, err error) {
	items = []T{}
	for {
		step := readStep
		if p.keep == nil {
			step = p.limit - len(items) + 1
		}
		rows, err := p.read(after, step)
		if err != nil {
			return nil, store.Place{}, err
		}
		for i := range rows {
			if len(items) == p.limit {
				return items, after, nil
			}
			after = p.place(&rows[i])
			if shown := p.show(&rows[i]); p.keep == nil || p.keep(&shown) {
				items = append(items, shown)
			}
		}
		if len(rows) < step {
			return items, store.Place{}, nil
		}
	}
}
