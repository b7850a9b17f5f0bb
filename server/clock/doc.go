// Package clock is where the server's time comes from: the interface that loops and stores take, the clock of a running
// server, and a manual one for tests and for simulated faults.
//
// Periods, deadlines, schedules and what to do at them do not belong here; this package only says what time it is and
// wakes whoever asked to be woken.
//
// # The clock of a server
//
// System is a base plus monotonic time, so that nobody who sets the machine's clock makes a service late or alive. The
// base is taken from a reference, the clock of PostgreSQL or of the machine, and compared with it every second. What
// they differ by is made good while running at half a percent at most, never by a jump and never backwards; a
// difference that appears at once and is larger than two seconds is reported besides, once.
//
// Time in which the machine slept is the exception: it really passed, though the monotonic clock stood still, and so
// Now goes forward by it at once. The gap in the shared liveness mark then shows it for what it is, our own absence.
package clock
