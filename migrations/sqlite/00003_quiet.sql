-- +goose Up
-- Who is told, and when not. A match is matchers as text, empty for everything.

-- route: who is told of what no service names targets of its own for. Those with lower positions are asked first.
create table route (
	id         text primary key,
	name       text not null unique,
	position   integer not null,
	match      text not null,
	targets    text not null,
	go_on      integer not null,
	after_s    integer not null,
	repeat_s   integer not null,
	hours      text not null,
	created_at integer not null,
	updated_at integer not null
) without rowid;

-- silence: until when nobody is told of what it matches. One that is ended early keeps its row.
create table silence (
	id         text primary key,
	match      text not null,
	starts_at  integer not null,
	ends_at    integer not null,
	comment    text not null,
	created_by text not null,
	created_at integer not null
) without rowid;
create index silence_ends_at on silence (ends_at, id);
create index silence_created_at on silence (created_at, id);

-- maintenance: times in which nobody is told, once or again and again. Either starts_at or cron is set.
create table maintenance (
	id         text primary key,
	name       text not null unique,
	match      text not null,
	starts_at  integer not null,
	ends_at    integer not null,
	cron       text not null,
	duration   integer not null,
	zone       text not null,
	comment    text not null,
	created_by text not null,
	created_at integer not null
) without rowid;

-- acknowledged_by is empty until somebody says that he is at it.
alter table incident add column acknowledged_at integer not null default 0;
alter table incident add column acknowledged_comment text not null default '';
