// Package migrations holds the schema as numbered SQL files, one folder per engine with the same numbers and names, and
// nothing else. A file is frozen once released: a later change of the schema is a new file in both folders.
package migrations

import "embed"

// SQLite is the schema of the state file of an embedded installation.
//
//go:embed sqlite/*.sql
var SQLite embed.FS

// Postgres is the schema on PostgreSQL.
//
//go:embed postgres/*.sql
var Postgres embed.FS
