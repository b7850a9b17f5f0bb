// Package api holds the words that every part of Watchkeeper shares: the types of the REST interface with their JSON
// names, their limits and Validate methods, the kinds of errors, and the state machine of a service as pure functions
// that take now.
//
// It imports only the standard library and nothing of ours, so that the server, the agent, the command line and a
// client in another repository can all use it. Nothing that does input or output, keeps state or reads the clock
// belongs here.
package api
