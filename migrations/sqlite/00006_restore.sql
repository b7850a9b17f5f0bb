-- +goose Up
-- restored marks the gap between a backup and the first start of what was restored from it.
alter table gap add column restored integer not null default 0;
