// Package store is the only place with SQL. It keeps everything that Watchkeeper remembers, on embedded SQLite or on
// PostgreSQL, with the same behaviour on both: the conformance suite in storetest runs on either.
//
// Store has what concerns the whole: opening, migrations, the engine, wake-ups. Each noun is a handle on it, in three
// files: noun.go has the exported methods, one transaction with one now each; noun_sql.go the statements and the rows;
// noun_tx.go the steps inside a transaction, which other nouns may call too. What truly differs between the engines is
// in engine_sqlite.go and engine_postgres.go, which know no noun.
//
// No decision of the domain belongs here that could be a pure function in package api, and nothing here talks to anyone
// but the database.
package store
