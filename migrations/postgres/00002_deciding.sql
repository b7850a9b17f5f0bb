-- +goose Up
-- parents are names; failures_to_alert 0 is 1; failures counts fails in a row.
alter table service add column parents text collate "C" not null default '[]';
alter table service add column failures_to_alert bigint not null default 0;
alter table service add column failures bigint not null default 0;

-- parent: who names whom as a parent, so that the children of a service are found. name stands for the name of the parent
-- as name_key does, child is an id. What is in front of a service as its host is found in service.host.
create table parent (
	name  text collate "C" not null,
	child text collate "C" not null,
	primary key (name, child)
);
create index parent_child on parent (child);

-- looked_at is when somebody last decided about the incident; flap is how often its subject went down lately, as JSON.
alter table incident add column looked_at bigint not null default 0;
alter table incident add column flap text collate "C" not null default '';
create index incident_untold on incident (subject_kind, subject_id) where told = 0;

-- route is by which route the target is told, empty when the service names it itself.
alter table delivery add column route text collate "C" not null default '';
