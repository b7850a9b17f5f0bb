// Package web is the floor that every protocol of the server stands on: how a request's body is read within limits of
// size, time and memory and decoded, how an error becomes an answer, who asked, what is logged and measured, and how
// events are streamed.
//
// It knows nothing of services, pulses or tokens: no route, no protocol's own shape of answers and no decision about who
// may do what belongs here. It imports api and chi; never the store, never a feature.
package web
