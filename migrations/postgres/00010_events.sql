-- +goose Up
-- Events of one service are found through the index of texts: keeping them in the order of their services took longer than
-- everything else that is done for an event.
drop index event_service;
