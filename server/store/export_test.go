package store

import "time"

// EndReadsAfter sets how long a transaction that only reads may last.
func (s *Store) EndReadsAfter(d time.Duration) { s.longest = d }
