-- +goose Up
-- On SQLite the index of texts of events is a file of its own, search.db, whose schema is in package store: the file can
-- be made anew, and is when its version is another.
select 1;
