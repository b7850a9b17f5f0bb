package store

import "watchkeeper/api"

// indexSchema is the schema of the index in a file of SQLite. It has no migrations: a file of another version is made
// anew. PostgreSQL has the same tables by migration.
const indexSchema = `
create table if not exists search_segment (
	number       integer primary key,
	first_id     integer not null,
	last_id      integer not null,
	min_time     integer not null,
	max_time     integer not null,
	min_received integer not null,
	max_received integer not null,
	bytes        integer not null
);
create table if not exists search_part (
	place integer primary key,
	data  blob not null
);
create table if not exists search_source (
	name  text primary key,
	value text not null
) without rowid;
`

// indexVersion changes when the schema, or what packages search and event put into it, does.
const indexVersion = "3"

// Segment is what the index knows of a range of ids besides its trigrams.
type Segment struct {
	Number                   int64 // the ids are from Number times the size of a segment on
	FirstID, LastID          int64 // of the events in it
	MinTime, MaxTime         api.Time
	MinReceived, MaxReceived api.Time
	Bytes                    int64 // of their texts
}

const segmentColumns = "number, first_id, last_id, min_time, max_time, min_received, max_received, bytes"

func scanSegment(r row) (Segment, error) {
	var s Segment
	return s, r.Scan(&s.Number, &s.FirstID, &s.LastID, &s.MinTime, &s.MaxTime, &s.MinReceived, &s.MaxReceived, &s.Bytes)
}

// place gives the key of a part: the parts of one bucket lie together, in the order of their segments, so that a question
// about few trigrams reads few pages.
func place(bucket int, segment int64) int64 { return int64(bucket)<<40 | segment }
