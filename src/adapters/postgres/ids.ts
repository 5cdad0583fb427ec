// Ids that publishers gave, by type, id and source: each is taken as long as its message is pending or kept.
//
// `on conflict … do update` and not `do nothing`: it waits for a transaction that has the id and has not ended, and then
// says whether it was free. Ids are taken in one order, so that two publishers do not wait for each other.
import { createHash } from 'node:crypto'
import type { Stored, StoredData } from '../../model/codec.ts'
import type { SameData } from '../../seam/ids.ts'
import { claimSource } from '../shared/attributes.ts'
import { claimSourceOf } from './attributes.ts'
import type { Statements } from './statements.ts'

/** An id that is taken. */
export interface TakenId {
  readonly type: string
  readonly id: string
  /** Empty for the app's own. */
  readonly source: string
}

interface ClaimedRow extends TakenId {
  readonly free: boolean
  readonly hash: Uint8Array
  readonly xid: number
}

const claimText = `insert into millrace.ids as o (type, id, source, hash, stream, xid)
  select v.*, pg_current_xact_id()::text::int8 + $6::int8
  from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::int4[]) v
  on conflict (type, id, source) do update set hash = o.hash
  returning o.type, o.id, o.source, o.hash, o.xid, xmax = 0 as free`
const forgetText = `delete from millrace.ids i using unnest($1::text[], $2::text[], $3::text[]) v(type, id, source)
  where i.type = any($1::text[]) and i.id = any($2::text[])
    and i.type = v.type and i.id = v.id and i.source = v.source`
const firstText = `select k.version, m.data as json from millrace.messages m join millrace.kinds k on k.id = m.kind
  where m.xid = $1 and m.id = $2 and k.type = $3 and ${claimSourceOf('m.attributes')} = $4 limit 1`

/** How the data of a message compare with those that have its id; undefined where the id was free. */
export type Claimed = 'same' | 'other' | undefined

/** Finds the data of a delayed message that is pending. */
export type FindPending = (db: Statements, taken: TakenId) => Promise<StoredData | undefined>

export class IdTable {
  private readonly offset: number
  private readonly same: SameData
  private readonly pending: FindPending

  constructor(offset: number, same: SameData, pending: FindPending) {
    this.offset = offset
    this.same = same
    this.pending = pending
  }

  /** Takes the ids of messages that have one of their own; gives one answer for each. */
  async claim(db: Statements, messages: readonly Stored[]): Promise<Claimed[]> {
    const firsts = new Map<string, Stored>()
    for (const message of messages) {
      const key = keyOf(takenBy(message))
      if (!firsts.has(key)) firsts.set(key, message)
    }
    const sorted = [...firsts.keys()].sort().map((key) => firsts.get(key)!)
    const rows = await db.all<ClaimedRow>(claimText, [
      sorted.map(({ type }) => type),
      sorted.map(({ id }) => id),
      sorted.map(claimSource),
      sorted.map(hashOf),
      sorted.map(({ stream }) => stream),
      this.offset,
    ])
    const found = new Map(rows.map((row) => [keyOf(row), row]))
    const answers: Claimed[] = []
    for (const message of messages) answers.push(await this.answer(db, message, firsts, found))
    return answers
  }

  /** Ids are free again. */
  async forget(db: Statements, ids: readonly TakenId[]): Promise<void> {
    if (ids.length === 0) return
    await db.run(forgetText, [ids.map(({ type }) => type), ids.map(({ id }) => id), ids.map(({ source }) => source)])
  }

  private async answer(
    db: Statements,
    message: Stored,
    firsts: ReadonlyMap<string, Stored>,
    found: ReadonlyMap<string, ClaimedRow>,
  ): Promise<Claimed> {
    const taken = takenBy(message)
    const key = keyOf(taken)
    const row = found.get(key)!
    const here = firsts.get(key)!
    if (row.free && here === message) return undefined
    if (Buffer.compare(row.hash, hashOf(message)) === 0) return 'same'
    const first = row.free ? here : await this.firstOf(db, taken, row.xid)
    return first !== undefined && this.same(message.type, first, message) ? 'same' : 'other'
  }

  private async firstOf(db: Statements, taken: TakenId, xid: number): Promise<StoredData | undefined> {
    const { type, id, source } = taken
    const [first] = await db.all<StoredData>(firstText, [xid, id, type, source])
    return first ?? this.pending(db, taken)
  }
}

const takenBy = (message: Stored): TakenId => ({ type: message.type, id: message.id, source: claimSource(message) })
const keyOf = ({ type, id, source }: TakenId) => `${type}\0${id}\0${source}`
const hashOf = ({ version, json }: Stored): Uint8Array => createHash('sha256').update(`${version} ${json}`).digest()
