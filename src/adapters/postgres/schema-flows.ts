/** Flows with their journals, times, questions and mail, and the commands that are never to be handled. */
export const flowsSchema: string = `
-- the highest numbers that flows, entries and mails may have had
create sequence millrace.flow_numbers minvalue 0 start 0;
create sequence millrace.entry_numbers minvalue 0 start 0;
create sequence millrace.mail_numbers minvalue 0 start 0;
create table millrace.flows (
  id int8 primary key, slot int2 not null, mediator text collate "C" not null, version int4 not null,
  context text collate "C", state text collate "C" not null, message text collate "C" not null, once text collate "C",
  parent_flow int8, parent_n int8, rerun_of int8, continues int8, mail_after text collate "C", error text collate "C",
  result text collate "C", started_at int8 not null, ended_at int8
);
create unique index flows_once on millrace.flows (mediator, once) where once is not null;
create index flows_open on millrace.flows (mediator, context, id) where ended_at is null and state <> 'queued';
create index flows_queued on millrace.flows (mediator, context, id) where state = 'queued';
create index flows_paused on millrace.flows (mediator, context) where state = 'paused';
create index flows_ended on millrace.flows (ended_at) where ended_at is not null;
create index flows_of on millrace.flows (parent_flow, parent_n) where parent_flow is not null and ended_at is null;
create table millrace.journal (
  flow int8, n int8, of_n int8, kind text collate "C" not null, step text collate "C" not null,
  what text collate "C" not null, data text collate "C", at int8 not null, primary key (flow, n)
);
create table millrace.flow_timers (due int8, flow int8, n int8, primary key (due, flow, n));
create index flow_timers_steps on millrace.flow_timers (flow, n);
create table millrace.questions (
  flow int8, step text collate "C", n int8 not null, mediator text collate "C" not null,
  title text collate "C" not null, to_whom text collate "C", escalated bool not null, asked_at int8 not null,
  due_at int8, primary key (flow, step)
);
create index questions_asked on millrace.questions (n);
create index questions_of on millrace.questions (mediator, n);
create index questions_to on millrace.questions (to_whom, n) where to_whom is not null;
create table millrace.mail (
  n int8 primary key, slot int2 not null, mediator text collate "C" not null, context text collate "C" not null,
  type text collate "C" not null, message text collate "C" not null, at int8 not null
);
create index mail_boxes on millrace.mail (mediator, context, type, n);
create table millrace.withdrawn (id text collate "C" primary key, slot int2 not null);`
