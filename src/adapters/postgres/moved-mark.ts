// A row of `millrace.meta` says where the data of a database went. No app starts on it by accident: it would handle all
// messages a second time. Nobody publishes to it either, who may have it open still: what came would be lost.
import { movedFault } from '../shared/moved-fault.ts'
import { one, type Statements } from './statements.ts'

const findText = `select value as to from millrace.meta where key = 'moved to'`

export async function movedTo(db: Statements): Promise<string | undefined> {
  return (await one<{ to: string }>(db, findText))?.to
}

/** Writes where the data went, in a transaction. */
export async function setMovedTo(db: Statements, to: string): Promise<void> {
  await db.run(
    `insert into millrace.meta values ('moved to', $1) on conflict (key) do update set value = excluded.value`,
    [to],
  )
  await db.run(`create or replace function millrace.moved() returns trigger language plpgsql as $$ begin
    raise exception 'the data of Millrace have moved to another database: see millrace.meta' using errcode = 'MRM01';
  end $$`)
  for (const table of publishedTo) {
    await db.run(`create or replace trigger moved before insert on millrace.${table}
      for each statement execute function millrace.moved()`)
  }
}

/** Takes the mark back, in a transaction. */
export async function unsetMoved(db: Statements): Promise<void> {
  for (const table of publishedTo) await db.run(`drop trigger if exists moved on millrace.${table}`)
  await db.run(`delete from millrace.meta where key = 'moved to'`)
}

/** The tables that others than the owner insert into. */
export const publishedTo = ['messages', 'timers', 'requests', 'pending_actions'] as const

/** @throws `millrace/data-moved` */
export async function checkNotMoved(db: Statements, where: string): Promise<void> {
  const to = await movedTo(db)
  if (to !== undefined) throw movedFault(where, to)
}
