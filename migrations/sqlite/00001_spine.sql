-- +goose Up
-- Times are milliseconds since 1970 UTC and 0 when none; ids and JSON are text; flags are 0 or 1.

-- setting: what the program remembers about itself. Secrets in it are sealed.
create table setting (
	name       text primary key,
	value      text not null,
	updated_at integer not null
) without rowid;

-- server: the servers that share this database, and when each was last alive.
create table server (
	id         text primary key,
	name       text not null,
	version    text not null,
	started_at integer not null,
	seen_at    integer not null
) without rowid;

-- gap: times in which no server was alive.
create table gap (
	from_at integer primary key,
	to_at   integer not null
);

-- lease: who of several servers does what only one may do. fence grows with every new holder.
create table lease (
	name     text primary key,
	holder   text not null,
	fence    integer not null,
	until_at integer not null
) without rowid;

-- service: settings, status and, in judge_at, the next moment to look at it. judge_at is the only time in an index and
-- is left alone by most pulses, so that a pulse rewrites the row and no index. name_key stands for the name where an
-- index needs a bounded length.
create table service (
	key            integer primary key autoincrement,
	id             text not null unique,
	name_key       text not null unique,
	name           text not null,
	slug           text not null,
	description    text not null,
	tags           text not null,
	host           text not null,
	next_in        integer not null,
	cron           text not null,
	time_zone      text not null,
	grace          integer not null,
	max_run        integer not null,
	min_run        integer not null,
	finish_within  integer not null,
	alerts         text not null,
	manual_resume  integer not null,
	created_at     integer not null,
	updated_at     integer not null,
	state          text not null check (state in ('new', 'up', 'late', 'down', 'paused')),
	state_since    integer not null,
	first_pulse    integer not null,
	last_pulse     integer not null,
	last_start     integer not null,
	last_duration  integer not null,
	expected       integer not null,
	deadline       integer not null,
	judge_at       integer not null,
	stated_next_in integer not null,
	open_runs      text not null,
	alert_type     text not null,
	alert_target   text not null,
	plain          integer not null
);
create index service_judge_at on service (judge_at) where judge_at > 0;
create index service_slug on service (slug) where slug <> '';
create index service_host on service (host) where host <> '';

-- pulse: the history of signs of life. Rows outlive their service until retention takes them.
create table pulse (
	id          integer primary key autoincrement,
	service     integer not null,
	kind        text not null,
	received_at integer not null,
	time        integer not null,
	next_in     integer not null,
	duration    integer not null,
	exit_code   integer not null,
	rid         text not null,
	scheme      text not null,
	method      text not null,
	remote_addr text not null,
	user_agent  text not null,
	body        blob
);
create index pulse_service on pulse (service, received_at, id);

-- event: what happened, by services and by Watchkeeper. service is the name_key; long_service the name where longer.
create table event (
	id           integer primary key autoincrement,
	service      text not null,
	long_service text not null,
	message      text not null,
	level        integer not null,
	level_text   text not null,
	time         integer not null,
	received_at  integer not null,
	flags        integer not null
);
create index event_time on event (time, id);
create index event_service on event (service, time, id);
create index event_level on event (time, id, level) where level >= 2;

-- stream: the sequence numbers had from each sender, as ranges in JSON.
create table stream (
	sender  text not null,
	name    text not null,
	ranges  text not null,
	seen_at integer not null,
	primary key (sender, name)
) without rowid;
create index stream_seen_at on stream (seen_at);

-- change: every transition, in the order of commits. subject_id is the id of a service, subject its name then.
create table change (
	id           integer primary key autoincrement,
	subject_kind text not null check (subject_kind in ('service', 'host', 'rule', 'run', 'firewall', 'server', 'event')),
	subject_id   text not null,
	subject      text not null,
	from_state   text not null,
	to_state     text not null,
	reason       text not null,
	at           integer not null,
	recorded_at  integer not null,
	facts        text not null,
	incident     text not null
);
create index change_subject on change (subject_kind, subject_id, id);
create index change_incident on change (incident, id) where incident <> '';

-- incident: from the change that opened it to the one that closed it. told is the id of the last change that became
-- deliveries; attend_at the moment at which somebody must look at the incident, 0 when nothing is to be done.
create table incident (
	id              text primary key,
	subject_kind    text not null,
	subject_id      text not null,
	subject         text not null,
	state           text not null check (state in ('open', 'closed')),
	opened_at       integer not null,
	closed_at       integer not null check ((closed_at = 0) = (state = 'open')),
	reason          text not null,
	acknowledged_by text not null,
	told            integer not null,
	attend_at       integer not null
);
create unique index incident_open on incident (subject_kind, subject_id) where state = 'open';
create index incident_attend_at on incident (attend_at) where attend_at > 0;
create index incident_opened_at on incident (opened_at, id);
create index incident_subject on incident (subject_kind, subject_id, opened_at);

-- delivery: one change of one incident to one target, or a digest of several. position orders the deliveries of one
-- incident; lane is what must not wait for others: a channel, or a host that many webhooks point to. While it is being
-- sent, claimed_by is the server that does it and next_attempt the moment from which another may; due_at is when it was
-- first to be sent.
create table delivery (
	id           text primary key,
	incident     text not null,
	change_id    integer not null,
	position     integer not null,
	subject_kind text not null,
	subject_id   text not null,
	subject      text not null,
	about        text not null check (about in ('opened', 'repeated', 'recovered', 'digest')),
	channel      text not null,
	address      text not null,
	target       text not null,
	lane         text not null,
	state        text not null check (state in ('waiting', 'held', 'sending', 'sent', 'failed', 'skipped')),
	reason       text not null,
	attempts     integer not null,
	next_attempt integer not null,
	claimed_by   text not null check ((claimed_by = '') = (state <> 'sending')),
	last_error   text not null,
	receipt      text not null,
	digest       text not null,
	created_at   integer not null,
	due_at       integer not null,
	sent_at      integer not null
);
create index delivery_due on delivery (lane, next_attempt) where state in ('waiting', 'sending');
create index delivery_claimed on delivery (claimed_by) where state = 'sending';
create unique index delivery_incident on delivery (incident, position) where incident <> '';
create index delivery_held on delivery (digest) where state = 'held';
create index delivery_failed on delivery (created_at, id) where state = 'failed';
create index delivery_created_at on delivery (created_at, id);

-- target: how much a target was told lately, for digests. name stands for channel:address; told is a list of moments,
-- told_at the latest of them; digest is the delivery that gathers what is too much, until it goes at digest_at.
create table target (
	name      text primary key,
	told      text not null,
	told_at   integer not null,
	digest    text not null,
	digest_at integer not null
) without rowid;
create index target_told_at on target (told_at);

-- warning: what was last said of a service whose alerts cannot go where it wants them to, so that it is said once.
create table warning (
	service text primary key,
	about   text not null,
	at      integer not null
) without rowid;

-- channel: where alerts go. settings is sealed.
create table channel (
	name       text primary key,
	kind       text not null,
	settings   text not null,
	created_at integer not null,
	updated_at integer not null
) without rowid;

-- token: credentials, as hashes.
create table token (
	id         text primary key,
	name       text not null,
	hash       text not null unique,
	scopes     text not null,
	match      text not null,
	created_at integer not null,
	expires_at integer not null,
	last_used  integer not null
);
