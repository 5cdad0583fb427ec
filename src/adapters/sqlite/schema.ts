import type { DatabaseSync } from 'node:sqlite'
import { fault } from '../../model/errors.ts'
import { applicationId, checkForeign, type Foreign, kindOf } from './file-kind.ts'
import { format14 } from './format-14.ts'
import { inTransaction } from './in-transaction.ts'
import { logsIn, logTable } from './log-tables.ts'
import { schemaTextOf } from './schema-text.ts'
import { createWalRow, type WalRow } from './wal-row.ts'

/** Each entry brings the file from the format of its index to the next. Entries are never changed, only added. */
const migrations: readonly (string | ((db: DatabaseSync) => void))[] = [
  `create table millrace_meta (key text primary key, value any) strict, without rowid;
   create table millrace_streams (
     id integer primary key, kind text not null, name text not null unique
   ) strict;
   -- what many messages share, so that a row holds one number for it
   create table millrace_kinds (
     id integer primary key, type text not null, version integer not null, source text not null,
     unique (type, version, source)
   ) strict;
   -- ids that publishers gave: the same id again adds nothing as long as the log keeps the message
   create table millrace_ids (
     type text, id text, stream integer not null, position integer not null, primary key (type, id)
   ) strict, without rowid;
   -- updating this row is the acknowledgement
   create table millrace_progress (
     processor text, stream integer, epoch integer not null, low integer not null, done blob,
     primary key (processor, stream)
   ) strict, without rowid;
   create table millrace_marks (
     processor text, stream integer, position integer, primary key (processor, stream, position)
   ) strict, without rowid;
   create table millrace_desk (
     id integer primary key autoincrement, processor text not null, state text not null,
     attempts integer not null, kills integer not null, error text, held_at integer not null,
     stream integer not null, position integer not null, message_id text not null, kind integer not null,
     time integer not null, context text, correlation text, causation text, trace text, data text not null
   ) strict;
   create index millrace_desk_lanes on millrace_desk (processor, context, id);`,
  `create table millrace_desk_groups (
     id integer primary key, processor text not null, stream integer not null, type text not null,
     fingerprint text not null, held integer not null, first_at integer not null, last_at integer not null,
     unique (processor, stream, type, fingerprint)
   ) strict;
   create table millrace_audit (
     id integer primary key autoincrement, at integer not null, who text not null, action text not null,
     item integer, subject text not null, why text, detail text
   ) strict;
   create index millrace_audit_items on millrace_audit (item) where item is not null;
   create table millrace_paused (
     processor text primary key, at integer not null, who text not null, why text
   ) strict, without rowid;
   create table millrace_wishes (
     item integer primary key, wish text not null, at integer not null, who text not null, why text
   ) strict;
   create table millrace_operations (
     id integer primary key autoincrement, name text not null unique, action text not null, who text not null,
     why text, one_first integer not null, state text not null, total integer not null, done integer not null,
     refused integer not null, started_at integer not null, ended_at integer
   ) strict;
   create table millrace_selected (
     operation integer, item integer, error text, done integer not null, primary key (operation, item)
   ) strict, without rowid;
   create index millrace_selected_open on millrace_selected (operation, item) where done = 0;
   drop index millrace_desk_lanes;
   alter table millrace_desk rename to millrace_desk_1;
   create table millrace_desk (
     id integer primary key autoincrement, processor text not null, stream integer not null, state text not null,
     lane text, place integer not null, due_at integer not null, attempts integer not null, kills integer not null,
     revision integer not null, failures integer not null, decisions integer not null, group_id integer, error text,
     tries text, held_at integer not null, resolved_at integer, position integer not null, message_id text not null,
     kind integer not null, time integer not null, context text, correlation text, causation text, trace text,
     data text not null, original text
   ) strict;
   insert into millrace_desk_groups (processor, stream, type, fingerprint, held, first_at, last_at)
     select d.processor, d.stream, k.type, coalesce(json_extract(d.error, '$.code'), '-'), count(*), min(held_at),
       max(held_at)
     from millrace_desk_1 d join millrace_kinds k on k.id = d.kind where d.state = 'held' group by 1, 2, 3, 4;
   insert into millrace_desk
     select d.id, d.processor, d.stream,
       case when d.state = 'line' and d.id = min(d.id) over (partition by d.processor, d.stream, d.context)
         then 'trying' else d.state end,
       d.context, d.id, 0, d.attempts, d.kills, 0, d.state = 'held', 0,
       case when d.state = 'held' then (
         select g.id from millrace_desk_groups g join millrace_kinds k on k.id = d.kind
         where g.processor = d.processor and g.stream = d.stream and g.type = k.type
           and g.fingerprint = coalesce(json_extract(d.error, '$.code'), '-')) end,
       d.error, null, d.held_at, null, d.position, d.message_id, d.kind, d.time, d.context, d.correlation,
       d.causation, d.trace, d.data, null
     from millrace_desk_1 d;
   drop table millrace_desk_1;
   -- what is next in a lane
   create index millrace_desk_lanes on millrace_desk (processor, stream, lane, place) where lane is not null;
   -- what people look for, in the order of ids within each; what a processor takes up when it starts
   create index millrace_desk_states on millrace_desk (state, processor, kind);
   create index millrace_desk_grouped on millrace_desk (group_id) where group_id is not null;
   -- of a context what is in none of its lanes: the rest is found there
   create index millrace_desk_contexts on millrace_desk (context) where lane is null and context is not null;
   create index millrace_desk_resolved on millrace_desk (resolved_at) where resolved_at is not null;`,

  `-- delayed messages, in the order in which they are due; those with an id of their own have it in millrace_ids too,
   -- at position 0
   create table millrace_timers (
     due integer, sequence integer, stream integer not null, kind integer not null, message_id text not null,
     own_id integer not null, time integer not null, context text, correlation text, causation text, trace text,
     data text not null, primary key (due, sequence)
   ) strict, without rowid;
   create index millrace_timers_ids on millrace_timers (message_id);
   -- slots of schedules that are done, the newest of each; the first row is when it was new
   create table millrace_slots (schedule text, due integer, primary key (schedule, due)) strict, without rowid;
   -- batches that are not full yet, and conditions that have fired; an empty context for items without
   create table millrace_gathers (
     gather text, context text, count integer not null, bytes integer not null, armed integer not null, timer text,
     primary key (gather, context)
   ) strict, without rowid;
   create table millrace_gathered (
     gather text, context text, place integer, type text not null, version integer not null, data text not null,
     primary key (gather, context, place)
   ) strict, without rowid;`,
  `alter table millrace_desk add column asked integer not null default 0;
   create table millrace_requests (
     id text primary key, type text not null, state text not null, item integer, outcome text, asked_at integer not null,
     ended_at integer
   ) strict, without rowid;
   create index millrace_requests_ended on millrace_requests (ended_at) where ended_at is not null;`,
  `create table millrace_flows (
     id integer primary key autoincrement, mediator text not null, context text, state text not null, message text not null,
     error text, started_at integer not null, ended_at integer
   ) strict;
   create index millrace_flows_open on millrace_flows (mediator, context, id) where ended_at is null;
   create table millrace_journal (
     flow integer, n integer, of_n integer, kind text not null, step text not null, what text not null, data text,
     primary key (flow, n)
   ) strict, without rowid;
   create table millrace_flow_timers (
     due integer, flow integer, n integer, primary key (due, flow, n)
   ) strict, without rowid;
   create index millrace_flow_timers_steps on millrace_flow_timers (flow, n);
   create table millrace_mail (
     n integer primary key, mediator text not null, context text not null, type text not null, message text not null,
     at integer not null
   ) strict;
   create index millrace_mail_boxes on millrace_mail (mediator, context, type, n);
   create table millrace_withdrawn (id text primary key) strict, without rowid;`,
  `alter table millrace_flows add column version integer not null default 1;
   alter table millrace_flows add column once text;
   alter table millrace_flows add column parent_flow integer;
   alter table millrace_flows add column parent_n integer;
   alter table millrace_flows add column rerun_of integer;
   alter table millrace_flows add column result text;
   create unique index millrace_flows_once on millrace_flows (mediator, once) where once is not null;
   create index millrace_flows_ended on millrace_flows (ended_at) where ended_at is not null;
   create index millrace_flows_queued on millrace_flows (id) where state = 'queued';
   alter table millrace_journal add column at integer not null default 0;
   create table millrace_questions (
     flow integer, step text, n integer not null, title text not null, to_whom text, escalated integer not null,
     asked_at integer not null, due_at integer, primary key (flow, step)
   ) strict, without rowid;`,
  `create index millrace_desk_asked on millrace_desk (message_id) where asked > 0 and resolved_at is null;`,
  `alter table millrace_flows add column continues integer;
   alter table millrace_flows add column mail_after text;
   create index millrace_flows_of on millrace_flows (parent_flow, parent_n)
     where parent_flow is not null and ended_at is null;`,
  `-- how far a schedule is belongs to a calendar; of what was written before, that is not known
   create table millrace_schedules (
     schedule text primary key, cron text, time_zone text, seen integer not null, gone integer not null
   ) strict, without rowid;
   insert into millrace_schedules select schedule, null, null, min(due), 0 from millrace_slots group by schedule;
   -- whether a condition may fire belongs to that condition
   alter table millrace_gathers add column condition text;`,
  `-- what waits for its turn is apart from what is under way: neither look-up reads the other
   drop index millrace_flows_open;
   drop index millrace_flows_queued;
   create index millrace_flows_open on millrace_flows (mediator, context) where ended_at is null and state <> 'queued';
   create index millrace_flows_queued on millrace_flows (mediator, context) where state = 'queued';
   create index millrace_flows_paused on millrace_flows (mediator, context) where state = 'paused';
   alter table millrace_questions add column mediator text;
   update millrace_questions set mediator = (select mediator from millrace_flows where id = flow);
   create index millrace_questions_asked on millrace_questions (n);
   create index millrace_questions_of on millrace_questions (mediator, n);
   create index millrace_questions_to on millrace_questions (to_whom, n) where to_whom is not null;
   create index millrace_operations_open on millrace_operations (id) where state in ('running', 'trying');
   create index millrace_selected_refused on millrace_selected (operation, item) where error is not null;
   create index millrace_wishes_made on millrace_wishes (at);
   -- the highest numbers that entries and mails have had
   insert into millrace_meta select 'entries', coalesce(max(n), 0) from millrace_journal;
   insert into millrace_meta select 'mails', max(
     (select coalesce(max(n), 0) from millrace_mail),
     (select coalesce(max(json_extract(data, '$.value.mail')), 0) from millrace_journal
      where kind = 'wait' and of_n is not null),
     (select coalesce(max(value), 0) from millrace_flows, json_each(mail_after)));`,
  `-- what has moved to the end of its lane is not where its number says
   create index millrace_desk_moved on millrace_desk (processor, stream, lane) where lane is not null and place <> id;`,
  (db) => {
    // An id is one per source. All parts of an app share one, the empty one: so its name may change.
    db.exec(`alter table millrace_ids rename to millrace_ids_1;
      create table millrace_ids (
        type text, id text, source text, stream integer not null, position integer not null,
        primary key (type, id, source)
      ) strict, without rowid;
      insert into millrace_ids select type, id, '', stream, position from millrace_ids_1;
      drop table millrace_ids_1;`)
    // Source and attributes of messages from elsewhere.
    const tables = ['millrace_desk', 'millrace_timers', ...[...logsIn(db)].map(logTable)]
    for (const table of tables) db.exec(`alter table ${table} add column attributes text`)
  },
  `-- how often a processor was reset: its idempotency keys say it
   alter table millrace_progress add column generation integer not null default 0;
   -- failures that a reset has ended and no event has told yet
   create index millrace_desk_untold on millrace_desk (id) where state = 'reset' and resolved_at is null;`,
  format14,
]

/** The format that this version writes. */
export const formatKnown: number = migrations.length

/**
 * The format of a file; 0 when nothing was created in it yet.
 *
 * @throws `millrace/foreign-file`, `millrace/name-taken`, `millrace/newer-file`
 */
export function formatOf(db: DatabaseSync, file: string, foreign: Foreign = 'refused'): number {
  const kind = kindOf(db)
  if (kind === 'new') return 0
  if (kind === 'foreign') {
    checkForeign(db, file, foreign)
    return 0
  }
  const format = currentFormat(db)
  if (format > migrations.length) {
    throw fault('millrace/newer-file', `${file} has format ${format}, this version knows up to ${migrations.length}`)
  }
  return format
}

/** Creates the tables in a new file and migrates an older one, to the newest format. Errors as of `formatOf`. */
export function migrate(db: DatabaseSync, file: string, to: number = migrations.length): void {
  const format = formatOf(db, file)
  if (format === to) return
  const isOwn = kindOf(db) !== 'taken up'
  inTransaction(db, () => {
    create(db, format, to)
    if (isOwn) db.exec(`pragma application_id = ${applicationId}`)
  })
}

/**
 * Creates the tables beside those of another program, in one transaction. The header of the file keeps the numbers that
 * are its user's: `millrace_wal` tells that the file was taken up.
 *
 * @param row the first mark, for the file as it is before
 */
export function takeUp(db: DatabaseSync, row: () => WalRow): void {
  inTransaction(db, () => {
    const first = row()
    create(db, 0, migrations.length)
    createWalRow(db, first)
  })
}

function create(db: DatabaseSync, from: number, to: number): void {
  if (from > 0 || to < migrations.length) {
    takeSteps(db, from, to)
  } else {
    newest ??= schemaTextOf((empty) => takeSteps(empty, 0, to))
    db.exec(newest)
  }
}

/** What all steps make, for new files: it takes an eighth of their time. */
let newest: string | undefined

function takeSteps(db: DatabaseSync, from: number, to: number): void {
  for (const step of migrations.slice(from, to)) {
    if (typeof step === 'string') db.exec(step)
    else step(db)
  }
  db.prepare("insert or replace into millrace_meta values ('format', ?)").run(to)
}

function currentFormat(db: DatabaseSync): number {
  const row = db.prepare("select value from millrace_meta where key = 'format'").get() as { value: number } | undefined
  return row?.value ?? 0
}

export function createLog(db: DatabaseSync, stream: number): void {
  db.exec(`create table if not exists ${logTable(stream)} (
    position integer primary key, id text not null, kind integer not null, time integer not null, context text,
    correlation text, causation text, trace text,
    -- all data of the stream up to and with this row: how much a range holds is a subtraction
    bytes integer not null, own_id integer not null, data text not null,
    -- source and attributes of a message from elsewhere; null for the app's own
    attributes text
  ) strict`)
}
