// Package service is the feature of services: it makes and changes them, takes their pulses, and notices their silence.
//
// The rules of states are in package api, what is kept in package store; here is what joins them: validation that needs
// the server's settings, the moment a pulse is received, the loop that judges silence and the mark of the server's own
// life. Who is told of a change is for package alert, and how requests look is for httpapi.
package service
