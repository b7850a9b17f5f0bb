-- +goose Up
-- audit: who changed what, in the order of commits. Ids count from 1 without a gap. hash is over the other columns, of
-- which previous is the hash of the row before; how many rows there are and the hash of the last is sealed in the setting
-- audit_head. Rows are never changed and never deleted.
create table audit (
	id         integer primary key,
	at         integer not null,
	actor_kind text not null,
	actor      text not null,
	actor_ref  text not null,
	address    text not null,
	request_id text not null,
	action     text not null,
	subject    text not null,
	detail     text not null,
	previous   text not null,
	hash       text not null
);
