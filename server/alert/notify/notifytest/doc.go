// Package notifytest holds what tests send alerts to: a mail server, a push service and a receiver of webhooks, each on
// a port of its own on this machine. They keep what they took, check it as the real ones do, and can be told to refuse,
// to be slow and to hang up.
//
// Only tests import it.
package notifytest
