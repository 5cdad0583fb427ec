/** Delayed messages, in the order in which they are due; slots and progress of schedules; alerts that are raised. */
export const timersSchema: string = `
create table millrace.timers (
  due int8 not null, n int8 generated always as identity, slot int2 not null, stream int4 not null,
  type text collate "C" not null, version int4 not null, source text collate "C" not null,
  message_id text collate "C" not null, own_id int2 not null, time int8 not null, context text collate "C",
  correlation text collate "C", causation text collate "C", trace text collate "C", data text collate "C" not null,
  attributes text collate "C", primary key (due, n)
);
create index timers_ids on millrace.timers (message_id, type);
create table millrace.slots (schedule text collate "C", due int8, primary key (schedule, due));
create table millrace.schedules (
  schedule text collate "C" primary key, cron text collate "C", time_zone text collate "C", seen int8 not null,
  gone bool not null, skipped int8 not null, skipped_at int8
);
create table millrace.alerts (
  watch text collate "C", alert text collate "C", data text collate "C" not null, primary key (watch, alert)
);`
