-- +goose Up
-- audit: who changed what, in the order of commits. Ids count from 1 without a gap. hash is over the other columns, of
-- which previous is the hash of the row before; how many rows there are and the hash of the last is sealed in the setting
-- audit_head. Rows are never changed and never deleted.
create table audit (
	id         bigint primary key,
	at         bigint not null,
	actor_kind text collate "C" not null,
	actor      text collate "C" not null,
	actor_ref  text collate "C" not null,
	address    text collate "C" not null,
	request_id text collate "C" not null,
	action     text collate "C" not null,
	subject    text collate "C" not null,
	detail     text collate "C" not null,
	previous   text collate "C" not null,
	hash       text collate "C" not null
);
