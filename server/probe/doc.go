// Package probe is the feature of probes: it looks at the targets that services name, at the moments that package api
// computes, and records what it found as their pulses.
//
// One file for each kind says how a target is asked and judged. The schedule is in memory of the server that leads;
// everything it needs to go on elsewhere is in the store. All connections are made with the guarded dialer. What a pulse
// means for a service, and who is told, is decided elsewhere, as for every other pulse.
package probe
