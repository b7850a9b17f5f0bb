package alert

import "watchkeeper/server/store"

// Found is a page of a list, the newest first.
type Found[T any] struct {
	Items []T
	Next  store.Place // where the next page begins; zero at the end
}

// page reads a list of rows from newest to oldest and shows those that fit.
type page[R, T any] struct {
	limit int
	read  func(before store.Place, limit int) ([]R, error)
	place func(*R) store.Place
	show  func(*R) T
	keep  func(*T) bool // nil for all
}

const readStep = 500

// from gives the page that begins behind a place.
func (p page[R, T]) from(after store.Place) (Found[T], error) {
	items := []T{}
	for {
		step := readStep
		if p.keep == nil {
			step = p.limit - len(items) + 1
		}
		rows, err := p.read(after, step)
		if err != nil {
			return Found[T]{}, err
		}
		for i := range rows {
			if len(items) == p.limit {
				return Found[T]{items, after}, nil
			}
			after = p.place(&rows[i])
			if shown := p.show(&rows[i]); p.keep == nil || p.keep(&shown) {
				items = append(items, shown)
			}
		}
		if len(rows) < step {
			return Found[T]{Items: items}, nil
		}
	}
}
