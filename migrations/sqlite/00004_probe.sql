-- +goose Up
-- A service whose target the server looks at by itself has a row in probe. The flag in service spares the others, by far
-- the most, a look there.
alter table service add column probe integer not null default 0;

-- probe: settings is JSON with its secrets masked, sealed the whole of it where it has secrets. ran_at is when it last
-- ran, ok_at when the target last was well, result what it found last, as JSON.
create table probe (
	service  integer primary key,
	settings text not null,
	sealed   text not null,
	ran_at   integer not null,
	ok_at    integer not null,
	result   text not null
);
