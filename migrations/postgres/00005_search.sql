-- +goose Up
-- The index of texts of events, which follows their commits and may be emptied at any time. A segment is a range of ids;
-- place is the number of a part of it in the upper bits and the number of the segment in the lower forty.
create table search_segment (
	number       bigint primary key,
	first_id     bigint not null,
	last_id      bigint not null,
	min_time     bigint not null,
	max_time     bigint not null,
	min_received bigint not null,
	max_received bigint not null,
	bytes        bigint not null
);
create table search_part (
	place bigint primary key,
	data  bytea not null
);
alter table search_part alter column data set storage external;
create table search_source (
	name  text collate "C" primary key,
	value text collate "C" not null
);
