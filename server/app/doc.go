// Package app wires the server: it makes every part in the order in which they need each other, starts the loops, and
// stops everything in the opposite order.
//
// Nothing is decided here about services, alerts or requests; what reads like a rule belongs into a feature.
package app
