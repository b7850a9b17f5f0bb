package config

import "fmt"

// Origin is a kind of place that a value may come from. A later one of the list wins over an earlier one.
type Origin string

// The places that values come from.
const (
	OriginDefault     Origin = "default"
	OriginFile        Origin = "file"
	OriginEnvironment Origin = "environment"
	OriginFlag        Origin = "flag"
)

// Valid reports whether o is one of the places above.
func (o Origin) Valid() bool {
	switch o {
	case OriginDefault, OriginFile, OriginEnvironment, OriginFlag:
		return true
	}
	return false
}

// Source is where the value of one setting came from.
type Source struct {
	Origin Origin
	Name   string // the flag with its dashes, the variable, or the file; empty for a default
	Line   int    // in the file, from 1 on
}

// String gives the form in which the user knows the place: --listen, WATCHKEEPER_LISTEN, watchkeeper.yaml:12 or default.
func (s Source) String() string {
	switch s.Origin {
	case OriginFile:
		if s.Line > 0 {
			return fmt.Sprintf("%s:%d", s.Name, s.Line)
		}
		return s.Name
	case OriginFlag, OriginEnvironment:
		return s.Name
	}
	return string(OriginDefault)
}
