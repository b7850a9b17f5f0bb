// Package search tells which few of very many events can fit what somebody looks for, without reading them.
//
// Events are cut by their ids into segments, and each segment into cells of a few events. A segment says of every trigram,
// three bytes in a row, in which of its cells it stands, in any case of letters. A text that is looked for, or what every
// match of a regular expression must contain, is trigrams too; only cells that have all of them are read and compared.
// Trigrams are kept as hashes of 16 bits: some cells are read for nothing, and none is missed.
//
// Nothing here reads a database or a clock. What segments look like in the database is in package store, who builds and
// asks them in package event.
package search
