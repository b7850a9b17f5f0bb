-- +goose Up
-- certificate: what servers that get their certificate by ACME share: account, certificate and key, open challenges.
-- key is a path with slashes, value is sealed.
create table certificate (
	key        text collate "C" primary key,
	value      text collate "C" not null,
	updated_at bigint not null
);
