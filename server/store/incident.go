package store

// Incidents is the handle of incidents.
type Incidents struct{ s *Store }
