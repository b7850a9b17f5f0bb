//go:build race

package web

// raceEnabled says that pools forget on purpose, so that allocations cannot be counted.
const raceEnabled = true
