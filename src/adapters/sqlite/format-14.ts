// The step of the file to format 14: statements are appended until it is released.
export const format14: string = `-- what became of a message at the desk of each processor. The position comes first, so that no look-up by stream and a
   -- range of positions takes this index for its own
   create index millrace_desk_messages on millrace_desk (position, stream);
   alter table millrace_operations add column change text;
   -- how often the data were replaced has a name of its own; a revision counts what was done about a message
   alter table millrace_desk rename column revision to corrections;
   alter table millrace_desk add column revision integer not null default 0;
   -- an operation runs at a rate, until so many failed; a prepared one can be run until it expires
   alter table millrace_operations add column lanes integer not null default 0;
   alter table millrace_operations add column failures integer not null default 0;
   alter table millrace_operations add column per_second integer; alter table millrace_operations add column next_at integer;
   alter table millrace_operations add column stop_after integer; alter table millrace_operations add column expires_at integer;
   update millrace_operations set lanes = total, failures = refused;
   create index millrace_operations_prepared on millrace_operations (expires_at) where state = 'prepared';
   -- the lowest number that was selected of its lane; whether its end is to be told
   alter table millrace_selected add column lane integer not null default 0;
   alter table millrace_selected add column under_way integer not null default 0; update millrace_selected set lane = item;
   create index millrace_selected_next on millrace_selected (operation, lane, item) where done = 0;
   create index millrace_selected_begun on millrace_selected (operation, lane) where done = 1 and error is null;
   create index millrace_selected_under_way on millrace_selected (operation, item) where under_way = 1;
   -- who works on a message; which groups are to be quiet; the lines about a group
   alter table millrace_desk add column claimed_by text; alter table millrace_desk add column claimed_at integer;
   alter table millrace_desk add column claimed_until integer;
   alter table millrace_desk_groups add column snoozed_until integer; alter table millrace_desk_groups add column snoozed_count integer;
   alter table millrace_desk_groups add column snoozed_by text; alter table millrace_desk_groups add column snoozed_at integer;
   alter table millrace_desk_groups add column snoozed_why text; alter table millrace_audit add column group_id integer;
   create index millrace_audit_groups on millrace_audit (group_id) where group_id is not null;
   create index millrace_audit_refused on millrace_audit (id) where action = 'refused';
   -- how many slots a schedule has left out, and when
   alter table millrace_schedules add column skipped integer not null default 0;
   alter table millrace_schedules add column skipped_at integer;
   -- tokens of people and programs for the server: their hashes
   create table millrace_tokens (
     name text primary key, hash text not null unique, grants text not null, at integer not null, who text not null,
     expires_at integer
   ) strict, without rowid;
   -- the alerts that are raised; the groups that hold messages, and the oldest that each holds
   create table millrace_alerts (watch text, alert text, data text not null, primary key (watch, alert)) strict, without rowid;
   create index millrace_desk_groups_held on millrace_desk_groups (first_at, id) where held > 0;
   create index millrace_desk_held on millrace_desk (group_id, held_at) where state = 'held';`
