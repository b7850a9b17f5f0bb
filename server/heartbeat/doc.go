// Package heartbeat tells another Watchkeeper, or anything that takes pings, that this one does its work: it fetches a URL
// once a minute, but only while the database, the judging of deadlines and the sending of messages work. Whoever expects
// the ping tells people when it stays away.
//
// Pulses that services send here have nothing to do with it.
package heartbeat
