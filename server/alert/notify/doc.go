// Package notify holds what every way of telling people shares: the message with its texts, what a channel is and which
// settings it has, how a failed attempt says whether another is worth while, and what of a target and an answer may be
// shown.
//
// The ways themselves are the packages below it, one each. Whom to tell, when, how often, and what is stored of it do
// not belong here, nor does any state: a message comes in with all its facts decided, and goes out.
package notify
