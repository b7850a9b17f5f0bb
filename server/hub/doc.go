// Package hub carries "look again" between the parts of one server: whoever changed rows wakes their topics after the
// commit, and whoever is woken reads the store from the last sequence it has.
//
// Nothing but that belongs here: never data, never ids, never an order of wakes. A wake may be one for many commits and
// may come for nothing; what it never does is go missing. So a reader that looks once at its start and then after every
// wake has seen all there is to see.
package hub
