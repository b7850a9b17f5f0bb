// Package watchtower reads what the data folder of a watchTower server holds: its configuration, and the days of
// heartbeats and events in files of lines.
//
// It reads and decides what a heartbeat means for us, and writes nothing. How watchTower's clients are served is in
// package httpapi/watchtower.
package watchtower
