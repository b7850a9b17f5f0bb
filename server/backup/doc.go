// Package backup is the file that a backup is: a tar archive, compressed with zstd, whose first entry says what the others
// are. Any tar that knows zstd can unpack it.
//
// How a database is copied is for package store, and what goes into a backup and what must hold for what comes out of one
// for package app.
package backup
