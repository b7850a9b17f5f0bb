// Package shoutrrr tells people through any service that the library of that name speaks to, such as chats and push
// services. The URL that names the service holds its credentials and is a secret as a whole.
//
// # Where its connections go
//
// Most services use http.DefaultTransport, which app replaces by the guarded one at start. Three bring a transport of
// their own; it is exchanged here. One (smtp) dials by itself and one (logger) tells nobody: these are refused, and so
// is every service that a later version of the library adds, until somebody has looked where its connections go and
// put it into the table.
//
// # How long it takes
//
// The library knows no context. An attempt runs in a goroutine of its own, which is left behind when the context ends;
// it ends with the connection, which the transport's limits of time end. At most four attempts of one channel exist at
// a time, those left behind included, so that a service that hangs cannot gather goroutines.
package shoutrrr
