-- +goose Up
-- Who is told, and when not. A match is matchers as text, empty for everything.

-- route: who is told of what no service names targets of its own for. Those with lower positions are asked first.
create table route (
	id         text collate "C" primary key,
	name       text collate "C" not null unique,
	position   bigint not null,
	match      text collate "C" not null,
	targets    text collate "C" not null,
	go_on      bigint not null,
	after_s    bigint not null,
	repeat_s   bigint not null,
	hours      text collate "C" not null,
	created_at bigint not null,
	updated_at bigint not null
);

-- silence: until when nobody is told of what it matches. One that is ended early keeps its row.
create table silence (
	id         text collate "C" primary key,
	match      text collate "C" not null,
	starts_at  bigint not null,
	ends_at    bigint not null,
	comment    text collate "C" not null,
	created_by text collate "C" not null,
	created_at bigint not null
);
create index silence_ends_at on silence (ends_at, id);
create index silence_created_at on silence (created_at, id);

-- maintenance: times in which nobody is told, once or again and again. Either starts_at or cron is set.
create table maintenance (
	id         text collate "C" primary key,
	name       text collate "C" not null unique,
	match      text collate "C" not null,
	starts_at  bigint not null,
	ends_at    bigint not null,
	cron       text collate "C" not null,
	duration   bigint not null,
	zone       text collate "C" not null,
	comment    text collate "C" not null,
	created_by text collate "C" not null,
	created_at bigint not null
);

-- acknowledged_by is empty until somebody says that he is at it.
alter table incident add column acknowledged_at bigint not null default 0;
alter table incident add column acknowledged_comment text collate "C" not null default '';
