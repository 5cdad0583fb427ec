/**
 * The desk. Counts that many messages change are rows of `deltas` until they are added up in their row, at most once a
 * second: what the row of a group (`g`) or an operation (`o`) says is true with the deltas of a number above `folded`.
 */
export const deskSchema: string = `
-- the highest number that a message, or a place in a lane, has had
create sequence millrace.desk_numbers minvalue 0 start 0;
create table millrace.desk (
  id int8 primary key, slot int2 not null, processor text collate "C" not null, stream int4 not null,
  state text collate "C" not null, lane text collate "C", place int8 not null, due_at int8 not null,
  attempts int8 not null, kills int8 not null, corrections int8 not null, revision int8 not null, failures int8 not null,
  decisions int8 not null, group_id int8, error text collate "C", tries text collate "C", held_at int8 not null,
  resolved_at int8, position int8 not null, message_id text collate "C" not null, type text collate "C" not null,
  version int4 not null, source text collate "C" not null, time int8 not null, context text collate "C",
  correlation text collate "C", causation text collate "C", trace text collate "C", data text collate "C" not null,
  original text collate "C", asked int2 not null, attributes text collate "C", claimed_by text collate "C",
  claimed_at int8, claimed_until int8
);
create index desk_lanes on millrace.desk (processor, stream, lane, place) where lane is not null;
create index desk_moved on millrace.desk (processor, stream, lane) where lane is not null and place <> id;
create index desk_states on millrace.desk (state, processor, type, id);
create index desk_of on millrace.desk (processor, stream, state, id);
create index desk_grouped on millrace.desk (group_id, id) where group_id is not null;
create index desk_held on millrace.desk (group_id, held_at) where state = 'held';
create index desk_contexts on millrace.desk (context, id) where lane is null and context is not null;
create index desk_resolved on millrace.desk (resolved_at) where resolved_at is not null;
create index desk_asked on millrace.desk (message_id) where asked > 0 and resolved_at is null;
create index desk_untold on millrace.desk (id) where state = 'reset' and resolved_at is null;
create index desk_messages on millrace.desk (position, stream);
create table millrace.desk_groups (
  id int8 generated always as identity primary key, unit int4 not null default 0, processor text collate "C" not null,
  stream int4 not null, type text collate "C" not null, fingerprint text collate "C" not null, held int8 not null,
  first_at int8 not null, last_at int8 not null, snoozed_until int8, snoozed_count int8, snoozed_by text collate "C",
  snoozed_at int8, snoozed_why text collate "C", folded int8 not null default 0, folded_at int8 not null default 0,
  unique (processor, stream, type, fingerprint, unit)
);
create index desk_groups_held on millrace.desk_groups (first_at, id) where held > 0;
create table millrace.deltas (
  of "char", id int8, n int8 generated always as identity, held int8 not null default 0, done int8 not null default 0,
  refused int8 not null default 0, failures int8 not null default 0, at int8, primary key (of, id, n)
);
create table millrace.audit (
  id int8 generated always as identity primary key, at int8 not null, who text collate "C" not null,
  action text collate "C" not null, item int8, group_id int8, subject text collate "C" not null, why text collate "C",
  detail text collate "C"
);
create index audit_items on millrace.audit (item, id) where item is not null;
create index audit_groups on millrace.audit (group_id, id) where group_id is not null;
create index audit_refused on millrace.audit (id) where action = 'refused';
create table millrace.paused (
  processor text collate "C" primary key, at int8 not null, who text collate "C" not null, why text collate "C"
);
create table millrace.concurrency (processor text collate "C" primary key, most int8 not null);
-- actions of people that the owner of the store carries out, each until its answer is read
create table millrace.pending_actions (
  n int8 generated always as identity primary key, item int8 not null, action text collate "C" not null, at int8 not null,
  who text collate "C" not null, why text collate "C", asker text collate "C", answer text collate "C", answered_at int8
);
create unique index pending_actions_open on millrace.pending_actions (item) where answered_at is null;
create index pending_actions_made on millrace.pending_actions (at, item) where answered_at is null;
create index pending_actions_answered on millrace.pending_actions (answered_at) where answered_at is not null;
create table millrace.operations (
  id int8 generated always as identity primary key, name text collate "C" not null unique, action text collate "C" not null,
  who text collate "C" not null, why text collate "C", change text collate "C", one_first int2 not null,
  state text collate "C" not null, total int8 not null, done int8 not null, refused int8 not null, lanes int8 not null,
  failures int8 not null, per_second int8, next_at int8, stop_after int8, expires_at int8, started_at int8 not null,
  ended_at int8, folded int8 not null default 0, folded_at int8 not null default 0
);
create index operations_open on millrace.operations (id) where state in ('running', 'trying');
create index operations_prepared on millrace.operations (expires_at) where state = 'prepared';
create table millrace.selected (
  operation int8, item int8, lane int8 not null, error text collate "C", done bool not null default false,
  under_way bool not null default false, primary key (operation, item)
);
create index selected_next on millrace.selected (operation, lane, item) where not done;
create index selected_open on millrace.selected (operation, item) where not done;
create index selected_begun on millrace.selected (operation, lane) where done and error is null;
create index selected_refused on millrace.selected (operation, item) where error is not null;
create index selected_under_way on millrace.selected (operation, item) where under_way;
-- tokens of people and programs for the server: their hashes
create table millrace.tokens (
  name text collate "C" primary key, hash text collate "C" not null unique, grants text collate "C" not null,
  at int8 not null, who text collate "C" not null, expires_at int8
);`
