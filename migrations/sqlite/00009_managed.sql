-- +goose Up
-- managed_by is what made a thing and keeps it as a file says, empty for what was made otherwise.
alter table service add column managed_by text not null default '';
alter table channel add column managed_by text not null default '';
alter table route add column managed_by text not null default '';
alter table maintenance add column managed_by text not null default '';
