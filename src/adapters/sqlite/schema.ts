import type { DatabaseSync } from 'node:sqlite'
import { fault } from '../../model/errors.ts'

/** Marks a file as one of Millrace: "Mill" in ASCII. */
const applicationId = 0x4d696c6c

/** Each entry brings the file from the format of its index to the next. Entries are never changed, only added. */
const migrations: readonly string[] = [
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
]

/** The format that this version writes. */
export const formatKnown: number = migrations.length

/**
 * The format of a file; 0 when nothing was created in it yet.
 *
 * @throws `millrace/foreign-file`, `millrace/newer-file`
 */
export function formatOf(db: DatabaseSync, file: string): number {
  const { application_id: owner } = db.prepare('pragma application_id').get() as { application_id: number }
  const { count } = db.prepare('select count(*) as count from sqlite_schema').get() as { count: number }
  if (owner !== applicationId && count > 0) {
    throw fault('millrace/foreign-file', `${file} is a database, but not one that Millrace created`)
  }
  const format = owner === applicationId ? currentFormat(db) : 0
  if (format > migrations.length) {
    throw fault('millrace/newer-file', `${file} has format ${format}, this version knows up to ${migrations.length}`)
  }
  return format
}

/** Creates the tables in a new file and migrates an older one. Errors as of `formatOf`. */
export function migrate(db: DatabaseSync, file: string): void {
  const format = formatOf(db, file)
  if (format === migrations.length) return
  db.exec('begin immediate')
  try {
    for (const step of migrations.slice(format)) db.exec(step)
    db.prepare("insert or replace into millrace_meta values ('format', ?)").run(migrations.length)
    db.exec(`pragma application_id = ${applicationId}`)
    db.exec('commit')
  } catch (error) {
    if (db.isTransaction) db.exec('rollback')
    throw error
  }
}

function currentFormat(db: DatabaseSync): number {
  const row = db.prepare("select value from millrace_meta where key = 'format'").get() as { value: number } | undefined
  return row?.value ?? 0
}

export const logTable = (stream: number): string => `millrace_log_${stream}`

export function createLog(db: DatabaseSync, stream: number): void {
  db.exec(`create table if not exists ${logTable(stream)} (
    position integer primary key, id text not null, kind integer not null, time integer not null, context text,
    correlation text, causation text, trace text,
    -- all data of the stream up to and with this row: how much a range holds is a subtraction
    bytes integer not null, own_id integer not null, data text not null
  ) strict`)
}
