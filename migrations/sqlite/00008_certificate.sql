-- +goose Up
-- certificate: what servers that get their certificate by ACME share: account, certificate and key, open challenges.
-- key is a path with slashes, value is sealed.
create table certificate (
	key        text primary key,
	value      text not null,
	updated_at integer not null
) without rowid;
