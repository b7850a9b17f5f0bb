// Package alert tells people: it makes deliveries of incidents, sends them, and keeps the channels through which they go.
//
// A change of state and its incident are one transaction, written elsewhere. From there on it is here: the Router looks
// at incidents and lets a pure function decide who is told, the Sender claims what is due and makes attempts until one
// succeeds or none is worth while, and Channels knows where a target such as "mail:me@example.org" leads.
//
// How a message is worded and handed over belongs to package notify and the channels below it, and how rows are claimed
// to package store. Nothing that changes the state of a service belongs here.
//
// Places that are left open: what decides who is told is the type policy, which later knows routes, silences, parents and
// flapping; Verdict.AttendAt is when an incident wants to be looked at again, for steps that come later.
package alert
