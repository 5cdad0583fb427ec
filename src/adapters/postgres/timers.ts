// Delayed messages until they are due. Those that were fired are dead rows at the low end of the table, which a long
// transaction of anybody keeps there: the owner remembers how far it has fired, and looks behind that only. A publisher
// in another process may have a clock that is behind: now and then, the owner looks from the beginning.
import type { Stored, StoredData } from '../../model/codec.ts'
import type { Cancel, Fired, Firing } from '../../seam/timers.ts'
import { attributesJson, kindSource } from '../shared/attributes.ts'
import { flagsOf, hasOwnId, type Kind, type MessageColumns, messageOf } from '../shared/message-row.ts'
import { claimSourceOf } from './attributes.ts'
import type { IdTable, TakenId } from './ids.ts'
import { lists } from './lists.ts'
import { slotOf } from './messages.ts'
import { one, type Scalar, type Statements, type Transaction } from './statements.ts'

/** How far another clock may be behind before its messages wait for a look from the beginning, milliseconds. */
const behindMs = 60_000
/** Looks between two that begin at the beginning. */
const looksWithBound = 1_000

interface Row extends MessageColumns, Kind {
  readonly due: number
  readonly n: number
  readonly stream: number
}

type Gone = Pick<Row, 'id' | 'type' | 'own_id'>

const keepText = `insert into millrace.timers (due, slot, stream, type, version, source, message_id, own_id, time, context,
    correlation, causation, trace, data, attributes)
  select * from unnest($1::int8[], $2::int2[], $3::int4[], $4::text[], $5::int4[], $6::text[], $7::text[], $8::int2[],
    $9::int8[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[])`
/** The first is fired whatever its size. */
const fireText = `with ripe as materialized (
    select due, n, row_number() over (order by due, n) as place, sum(length(data)) over (order by due, n) as bytes
    from (select due, n, data from millrace.timers where due >= $1 and due <= $2 order by due, n limit $3) t)
  delete from millrace.timers t using ripe r
  where t.due = r.due and t.n = r.n and (r.bytes <= $4 or r.place = 1)
  returning t.due, t.n, t.stream, t.type, t.version, t.source, 0 as position, t.message_id as id, t.own_id, t.time, t.context,
    t.correlation, t.causation, t.trace, t.data, t.attributes`
const nextText = 'select due from millrace.timers where due >= $1 order by due, n limit 1'
const cancelText = `delete from millrace.timers t using unnest($1::text[], $2::text[]) as c (id, type)
  where t.message_id = any($1::text[]) and t.message_id = c.id and t.type = c.type and t.attributes is null
  returning t.message_id as id, t.type, t.own_id`

const pendingText = `select version, data as json from millrace.timers where message_id = $1 and type = $2
  and ${claimSourceOf('attributes')} = $3 limit 1`
const columns: readonly ((message: Stored) => Scalar)[] = [
  ({ due }) => due,
  slotOf,
  ({ stream }) => stream,
  ({ type }) => type,
  ({ version }) => version,
  kindSource,
  ({ id }) => id,
  flagsOf,
  ({ time }) => time,
  ({ context }) => context,
  ({ id, correlationId }) => (correlationId === id ? null : correlationId),
  ({ causationId }) => causationId,
  ({ trace }) => trace,
  ({ json }) => json,
  attributesJson,
]

/** No time is before it. */
const beginning = Number.MIN_SAFE_INTEGER

export class TimerTable {
  private readonly ids: Pick<IdTable, 'forget'>
  private low = beginning
  private looks = 0

  constructor(ids: Pick<IdTable, 'forget'>) {
    this.ids = ids
  }

  /** Keeps messages, whose ids are taken already, until they are due. In the transaction of a commit. */
  async keep(db: Statements, messages: readonly Stored[]): Promise<void> {
    if (messages.length === 0) return
    for (const { due } of messages) if (due < this.low) this.low = due
    await db.run(keepText, lists(messages, columns))
  }

  /** Moves messages that are due to their logs. */
  async fire(db: Transaction, { limit, bytesMax }: Firing, now: number): Promise<Fired> {
    const fired = db.all<Row>(fireText, [this.bound(), now, limit, bytesMax])
    const next = this.nextDue(db)
    const rows = await fired
    rows.sort((a, b) => a.due - b.due || a.n - b.n)
    const appended = rows.map((row) => messageOf(row.stream, { ...row, time: now }, row))
    const last = rows.at(-1)
    if (last !== undefined) db.committed(() => this.raise(last.due - behindMs))
    return { do: 'fire', appended, nextDue: await next }
  }

  /** Takes back messages of the app itself. Returns whether each was pending. */
  async cancel(db: Statements, cancels: readonly Pick<Cancel, 'type' | 'id'>[]): Promise<boolean[]> {
    const gone = await db.all<Gone>(cancelText, lists(cancels, [({ id }) => id, ({ type }) => type]))
    const own = gone.filter(({ own_id }) => hasOwnId(own_id)).map(({ type, id }) => ({ type, id, source: '' }))
    if (own.length > 0) await this.ids.forget(db, own)
    const found = new Set(gone.map(keyOf))
    // The second of two cancels of one message finds nothing.
    return cancels.map((cancel) => found.delete(keyOf(cancel)))
  }

  /** The data of a message that is pending. */
  pending(db: Statements, { type, id, source }: TakenId): Promise<StoredData | undefined> {
    return one<StoredData>(db, pendingText, [id, type, source])
  }

  /** When the next message is due. */
  async nextDue(db: Statements): Promise<number | undefined> {
    return (await one<{ due: number }>(db, nextText, [this.low]))?.due
  }

  /** What was due before is gone for good. */
  private raise(due: number): void {
    if (due > this.low) this.low = due
  }

  private bound(): number {
    this.looks = (this.looks + 1) % looksWithBound
    if (this.looks === 0) this.low = beginning
    return this.low
  }
}

const keyOf = ({ type, id }: Pick<Row, 'type' | 'id'>): string => JSON.stringify([type, id])
