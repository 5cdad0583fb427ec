// The desk on the server. Each lane has exactly one head, and every change keeps that, in the transaction of a commit:
//
//   put, update: a message in line ──its lane has a head──→ stays in line
//                                  └─its lane has none────→ becomes the head: trying
//   update to another lane, remove, resolve: the head leaves ──→ the next in line becomes the head: trying
//
// Who becomes the head is decided in the statements, each of which sees what those before it have done: so all changes of
// a commit go out together. Only a message that is held waits for an answer, and only the first one of its group.
import type { DeskEntry, DeskState } from '../../model/desk.ts'
import type { AccessStore } from '../../seam/access.ts'
import type { Claims } from '../../seam/claims.ts'
import type { DeskChange, DeskHead, DeskStore, LaneKey } from '../../seam/desk.ts'
import { quoted, unresolved } from './desk-finder.ts'
import { DeskGroups } from './desk-groups.ts'
import { askedEntryIn, correctEntry, entryIn, insertEntry, lineIn, updateEntry } from './desk-rows.ts'
import { forgetOld } from './forget.ts'
import type { Sent } from './sent.ts'
import { type Beside, one, type Statements, type Transaction } from './statements.ts'

const lanesAtOnce = 1_000
const headsAtOnce = 1_000

const headText = 'select id, state, lane, context, place, due_at as "dueAt", kills from millrace.desk'
const headsText = `${headText} where processor = $1 and stream = $2 and state = $3 and id > $4
  order by id limit ${headsAtOnce}`
/** Each lane by one step in the index, however many messages it has. */
const lanesText = `with recursive l as (
    (select lane from millrace.desk where processor = $1 and stream = $2 and lane > $3 order by lane limit 1)
    union all
    select n.lane from l cross join lateral (select lane from millrace.desk
      where processor = $1 and stream = $2 and lane > l.lane order by lane limit 1) n)
  select lane from l limit ${lanesAtOnce}`
const promoteText = `update millrace.desk set state = 'trying' where state = 'line' and id = (select id from millrace.desk
    where processor = $1 and stream = $2 and lane = $3 order by place limit 1) returning id`
const resolveText = `update millrace.desk set state = $1, lane = null, due_at = 0, group_id = null, claimed_by = null,
  resolved_at = $2 where id = $3`
const numberText = `select setval('millrace.desk_numbers', greatest($1::int8, last_value)) from millrace.desk_numbers`
const its = `state in (${quoted(unresolved)}) and processor = $1 and stream = $2`

/** A change of the messages at the desk. */
export type EntryChange = Extract<DeskChange, { readonly entry: DeskEntry }>

export class DeskTable implements DeskStore {
  readonly claims: Claims
  readonly access: AccessStore
  readonly groups: DeskGroups = new DeskGroups()
  private readonly beside: Beside

  constructor(beside: Beside, { claims, access }: { readonly claims: Claims; readonly access: AccessStore }) {
    this.beside = beside
    this.claims = claims
    this.access = access
  }

  /** The highest number that a message, or a place in a lane, has had. */
  async lastNumber(db: Statements): Promise<number> {
    const sql = `select greatest(last_value, (select coalesce(max(id), 0) from millrace.desk)) as last
      from millrace.desk_numbers`
    return (await one<{ last: number }>(db, sql))!.last
  }

  // ── changing ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Call first, with all changes of a transaction. A number that was used is never used again, whatever is forgotten. */
  begin(db: Statements, sent: Sent, changes: readonly DeskChange[]): void {
    let highest = 0
    for (const change of changes) {
      if (change.do === 'put') highest = Math.max(highest, change.entry.id)
      else if (change.do === 'update') highest = Math.max(highest, change.entry.place)
    }
    if (highest > 0) sent.add(db.all(numberText, [highest]))
    this.groups.fold(db, sent)
  }

  /** Sends what a change does to the groups. Returns the group in which its message counts: later, where that is asked for. */
  grouped(db: Transaction, sent: Sent, change: EntryChange): number | null | Promise<number> {
    const { entry } = change
    if (change.do !== 'put' && change.do !== 'correct') this.groups.leave(db, sent, entry)
    if (change.do !== 'put' && change.do !== 'update') return null
    return entry.state === 'held' ? this.groups.join(db, sent, entry) : null
  }

  /** Sends a change. Returns the number of the message that becomes the head of a lane by it, 0 where none does. */
  apply(db: Statements, sent: Sent, change: EntryChange, group: number | null): number | Promise<number> {
    const { entry } = change
    switch (change.do) {
      case 'put':
        return sent.add(insertEntry(db, entry, group).then((state) => headBy(entry, state)))
      case 'update':
        return this.update(db, sent, change, group)
      case 'remove':
        this.expect(sent, entry, db.run('delete from millrace.desk where id = $1', [entry.id]))
        return this.promote(db, sent, entry, entry.lane)
      case 'correct':
        this.expect(sent, entry, correctEntry(db, entry))
        return 0
      case 'resolve':
        this.expect(sent, entry, db.run(resolveText, [change.state, change.at, entry.id]))
        return this.promote(db, sent, entry, entry.lane)
    }
  }

  /** Something was done about a message. */
  acted(db: Statements, sent: Sent, item: number): void {
    sent.add(db.run('update millrace.desk set revision = revision + 1 where id = $1', [item]))
  }

  private update(
    db: Statements,
    sent: Sent,
    { entry, leaves = null }: EntryChange & { readonly do: 'update' },
    group: number | null,
  ): Promise<number> {
    const updated = updateEntry(db, entry, group).then((state) => {
      if (state === undefined) throw gone(entry)
      return headBy(entry, state)
    })
    sent.add(updated)
    const promoted = leaves === entry.lane ? 0 : this.promote(db, sent, entry, leaves)
    return sent.add(updated.then((head) => head || promoted))
  }

  /** The head of a lane has left it: the next in line becomes the head. */
  private promote(db: Statements, sent: Sent, { processor, message }: DeskEntry, lane: string | null) {
    if (lane === null) return 0
    const next = one<{ id: number }>(db, promoteText, [processor, message.stream, lane])
    return sent.add(next.then((row) => row?.id ?? 0))
  }

  private expect(sent: Sent, entry: DeskEntry, rows: Promise<number>): void {
    sent.add(
      rows.then((changed) => {
        if (changed !== 1) throw gone(entry)
      }),
    )
  }

  /** Forgets all messages of a processor on a stream. */
  async clear(db: Statements, processor: string, stream: number): Promise<void> {
    await this.groups.clear(db, processor, stream)
    await db.run('delete from millrace.desk where processor = $1 and stream = $2', [processor, stream])
  }

  /**
   * Ends all messages of a processor on a stream, which begins anew after a position. A failure is told later: until then
   * it has no time of its end. A message that was discarded and is handled again cannot be taken back.
   */
  async reset(
    db: Statements,
    processor: string,
    stream: number,
    { after, at }: { readonly after: number; readonly at: number },
  ): Promise<void> {
    await this.groups.clear(db, processor, stream)
    const unseen = 'failures = 0 and attempts = 0 and revision = 0'
    await db.run(`delete from millrace.desk where ${its} and ${unseen}`, [processor, stream])
    await db.run(
      `update millrace.desk set state = 'reset', lane = null, due_at = 0, group_id = null, claimed_by = null,
         revision = revision + case when failures > 0 or revision > 0 then 1 else 0 end,
         resolved_at = case failures when 0 then $3::int8 end where ${its}`,
      [processor, stream, at],
    )
    await db.run(
      `update millrace.desk set state = 'reset' where processor = $1 and stream = $2 and state = 'discarded' and position > $3`,
      [processor, stream, after],
    )
  }

  // ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

  async heads(processor: string, stream: number, take: (head: DeskHead) => void): Promise<void> {
    const found: DeskHead[] = []
    for (const state of ['deciding', 'trying']) {
      for (let after = 0; ; ) {
        const slice = await this.beside.read((db) => db.all<DeskHead>(headsText, [processor, stream, state, after]))
        found.push(...slice)
        if (slice.length < headsAtOnce) break
        after = slice.at(-1)!.id
      }
    }
    for (const head of found.sort((a, b) => a.id - b.id)) take(head)
  }

  async lanes(processor: string, stream: number, take: (context: string) => void): Promise<void> {
    // No lane has an empty name.
    for (let last = ''; ; ) {
      const slice = await this.beside.read((db) => db.all<{ lane: string }>(lanesText, [processor, stream, last]))
      for (const { lane } of slice) take(lane)
      if (slice.length < lanesAtOnce) return
      last = slice.at(-1)!.lane
    }
  }

  headOf({ processor, stream, lane }: LaneKey): Promise<DeskHead | undefined> {
    const sql = `${headText} where processor = $1 and stream = $2 and lane = $3 order by place limit 1`
    return this.beside.read((db) => one<DeskHead>(db, sql, [processor, stream, lane]))
  }

  line(lane: LaneKey, place: number, limit: number): Promise<DeskEntry[]> {
    return this.beside.read((db) => lineIn(db, { ...lane, place }, limit))
  }

  entry(id: number): Promise<DeskEntry | undefined> {
    return this.beside.read((db) => entryIn(db, id))
  }

  askedEntry(id: string): Promise<DeskEntry | undefined> {
    return this.beside.read((db) => askedEntryIn(db, id))
  }

  forgetResolved(beforeMs: number): Promise<number> {
    return forgetOld(this.beside, { table: 'desk', endedAt: 'resolved_at', beforeMs })
  }
}

/** The number of a message that was in line and is the head now; else 0. */
const headBy = ({ id, state }: DeskEntry, now: DeskState): number => (state === 'line' && now === 'trying' ? id : 0)

function gone({ id }: DeskEntry): Error {
  return new Error(`desk entry ${id} no longer exists`)
}
