package storetest

import "testing"

// Run runs the whole suite on every engine.
func Run(t *testing.T) {
	for name, test := range map[string]func(*testing.T, *Fixture){
		"pulse creates": pulseCreates,
	} {
		t.Run(name, func(t *testing.T) { Each(t, test) })
	}
}
