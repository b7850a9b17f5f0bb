// Package e2e tests the whole server from outside: real HTTP, real databases, real messages to local servers that speak
// the protocols of the real ones, and programs that are killed. It has nothing but tests.
package e2e
