package store

// Deliveries is the handle of messages to targets.
type Deliveries struct{ s *Store }

func newDeliveries(s *Store) *Deliveries { return &Deliveries{s} }
