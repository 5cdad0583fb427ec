// A database that was restored or copied to another cluster, where numbers of transactions begin anew: what is stored of
// them means other transactions there, so that messages would be skipped, or numbered twice.
//
//   moved ──in one transaction: the owner is ended, its progress folded; what has no position gets one; numbers of
//           transactions have an offset, so that new ones are above all that are stored──→ at home
import type { Connection } from './connection.ts'
import { foldAll, lastOf } from './leases.ts'
import { groupedText, runsText } from './numbering.ts'
import { foundIn } from './schema.ts'
import { type Snapshot, snapshotOf } from './snapshot.ts'
import { one, type Statements } from './statements.ts'

/** Messages that were never seen by an owner: above its last snapshot, or under way in it. All are here, and committed. */
const unnumberedText = `with fresh as materialized (
    select xid, seq, stream, octet_length(data) as bytes from millrace.messages where xid >= $1
    union all
    select xid, seq, stream, octet_length(data) from millrace.messages where xid = any($2::int8[])
  ), ${groupedText})
  ${runsText}`
const highestText = `select greatest((select coalesce(max(xid), 0) from millrace.messages),
    (select coalesce(max(xid), 0) from millrace.ids)) as highest, pg_current_xact_id()::text::int8 as own,
  pg_current_snapshot()::text as snapshot`

/** Lets an app start on a database. `begin` begins a transaction. @returns false where it is at home: nothing is changed */
export async function settle(db: Connection, begin: (db: Connection) => Promise<void>): Promise<boolean> {
  const { offset, cluster, moved } = await foundIn(db)
  if (moved === undefined) return false
  await begin(db)
  // Who settles it too waits here, and then changes what is right already.
  await db.run('update millrace.leases set owner = null, epoch = epoch + 1, clean = false where unit = 0')
  await db.run('delete from millrace.processes')
  const { folded, snapshot } = await lastOf(db)
  await number(db, snapshot, offset)
  const raised = await raise(db, snapshot, offset)
  await foldAll(db, folded, raised)
  await db.run(
    `insert into millrace.meta values ('cluster', $1) on conflict (key) do update set value = excluded.value`,
    [cluster],
  )
  return true
}

async function number(db: Statements, { xmax, open }: Snapshot, offset: number): Promise<void> {
  await db.run(unnumberedText, [xmax + offset, open.map((xid) => xid + offset)])
}

/** Raises the offset and the sequence. @returns what is numbered now, by the numbers of this cluster */
async function raise(db: Statements, last: Snapshot, offset: number): Promise<Snapshot> {
  interface Row {
    readonly highest: number
    readonly own: number
    readonly snapshot: string
  }
  const { highest, own, snapshot } = (await one<Row>(db, highestText))!
  const next = Math.max(offset, Math.max(highest, last.xmax + offset) + 1 - own)
  await db.run(`update millrace.meta set value = $1 where key = 'offset'`, [String(next)])
  await db.run(
    `alter table millrace.messages alter column xid set default (pg_current_xact_id()::text::int8 + ${next})`,
  )
  await db.all(`select setval('millrace.messages_seq', greatest(last_value, (select coalesce(max(seq), 1) from millrace.messages)))
    from millrace.messages_seq`)
  return snapshotOf(snapshot, own)
}
