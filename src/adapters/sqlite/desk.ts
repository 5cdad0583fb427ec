// The desk on disk. Each lane has exactly one head, and every change keeps that, in the transaction of a commit:
//
//   put, update: a message in line ──its lane has a head──→ stays in line
//                                  └─its lane has none────→ becomes the head: trying
//   update to another lane, remove, resolve: the head leaves ──→ the next in line becomes the head: trying
import type { DeskEntry, DeskState, Resolution } from '../../model/desk.ts'
import type { AccessStore } from '../../seam/access.ts'
import type { Claims } from '../../seam/claims.ts'
import type { DeskChange, DeskHead, DeskStore, LaneKey } from '../../seam/desk.ts'
import type { Beside } from './beside-commits.ts'
import { type DeskFinder, quoted, unresolved } from './desk-finder.ts'
import type { DeskGroups } from './desk-groups.ts'
import type { DeskRows } from './desk-rows.ts'
import type { Statements } from './statements.ts'

const forgetRows = 1_000
const lanesAtOnce = 1_000
const headsAtOnce = 1_000

const headText = 'select id, state, lane, context, place, due_at as dueAt, kills from millrace_desk'
/** Many names in one row: a row for each takes five times as long, and a start waits for it. */
const lanesText = `select json_group_array(lane) as lanes from (select lane from millrace_desk
  where processor = ? and stream = ? and lane > ? order by lane limit ${lanesAtOnce})`

/** A change of the messages at the desk. */
export type EntryChange = Extract<DeskChange, { readonly entry: DeskEntry }>

/** The leaves on which the desk stands. */
export interface DeskParts {
  readonly rows: DeskRows
  readonly groups: Pick<DeskGroups, 'join' | 'leave' | 'clear'>
  readonly finder: Pick<DeskFinder, 'find'>
  readonly claims: Claims
  readonly access: AccessStore
}

export class DeskTable implements DeskStore {
  readonly claims: Claims
  readonly access: AccessStore
  private readonly sql: Statements
  private readonly rows: DeskRows
  private readonly groups: DeskParts['groups']
  private readonly finder: DeskParts['finder']
  private readonly beside: Beside

  constructor(sql: Statements, { rows, groups, finder, claims, access }: DeskParts, beside: Beside) {
    this.sql = sql
    this.rows = rows
    this.groups = groups
    this.claims = claims
    this.access = access
    this.finder = finder
    this.beside = beside
  }

  /** The highest number that a message, or a place in a lane, has had. */
  lastNumber(): number {
    const sql = "select seq from sqlite_sequence where name = 'millrace_desk'"
    return this.sql.one<{ seq: number }>(sql)?.seq ?? 0
  }

  // ── changing ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Returns the number of the message that becomes the head of a lane by it, 0 where none does. */
  apply(change: EntryChange): number {
    const { entry } = change
    switch (change.do) {
      case 'put':
        return this.put(entry)
      case 'update':
        return this.update(entry, change.leaves ?? null)
      case 'remove':
        return this.remove(entry)
      case 'correct':
        if (!this.rows.correct(entry)) throw gone(entry)
        return 0
      case 'resolve':
        return this.resolve(entry, change.state, change.at)
    }
  }

  /** Something was done about a message. */
  acted(item: number): void {
    this.sql.run('update millrace_desk set revision = revision + 1 where id = ?', item)
  }

  private put(entry: DeskEntry): number {
    const becomesHead = this.becomesHead(entry)
    this.rows.insert(entry, becomesHead ? 'trying' : entry.state, this.groupOf(entry))
    return becomesHead ? entry.id : 0
  }

  private update(entry: DeskEntry, leaves: string | null): number {
    this.groups.leave(entry)
    const becomesHead = this.becomesHead(entry)
    if (!this.rows.update(entry, becomesHead ? 'trying' : entry.state, this.groupOf(entry))) throw gone(entry)
    if (entry.place > entry.id) this.takeNumber(entry.place)
    const promoted = leaves === entry.lane ? 0 : this.promote(entry, leaves)
    return becomesHead ? entry.id : promoted
  }

  private remove(entry: DeskEntry): number {
    this.groups.leave(entry)
    if (this.sql.run('delete from millrace_desk where id = ?', entry.id) !== 1) throw gone(entry)
    return this.promote(entry, entry.lane)
  }

  private resolve(entry: DeskEntry, state: Resolution, at: number): number {
    this.groups.leave(entry)
    const changed = this.sql.run(
      'update millrace_desk set state = ?, lane = null, due_at = 0, group_id = null, claimed_by = null, resolved_at = ? where id = ?',
      state,
      at,
      entry.id,
    )
    if (changed !== 1) throw gone(entry)
    return this.promote(entry, entry.lane)
  }

  private groupOf(entry: DeskEntry): number | null {
    return entry.state === 'held' ? this.groups.join(entry) : null
  }

  /** A place is drawn from the numbers of messages: after a restart no message may get the same number. */
  private takeNumber(place: number): void {
    this.sql.run("update sqlite_sequence set seq = max(seq, ?) where name = 'millrace_desk'", place)
  }

  /** A message in line of a lane that has no head becomes its head. */
  private becomesHead({ id, state, processor, message: { stream }, lane }: DeskEntry): boolean {
    if (state !== 'line') return false
    const sql = 'select 1 from millrace_desk where processor = ? and stream = ? and lane = ? and id <> ? limit 1'
    return this.sql.one(sql, processor, stream, lane, id) === undefined
  }

  /** The head of a lane has left it: the next in line becomes the head. Returns its number, 0 where there is none. */
  private promote({ processor, message }: DeskEntry, lane: string | null): number {
    if (lane === null) return 0
    const next = this.sql.one<{ id: number }>(
      `update millrace_desk set state = 'trying' where state = 'line' and id = (select id from millrace_desk
         where processor = ? and stream = ? and lane = ? order by place limit 1) returning id`,
      processor,
      message.stream,
      lane,
    )
    return next?.id ?? 0
  }

  /** Forgets all messages of a processor on a stream. */
  clear(processor: string, stream: number): void {
    this.groups.clear(processor, stream)
    // By the index of states, so that the rows of other processors are not read.
    this.sql.run(
      `delete from millrace_desk where state in (${quoted()}) and processor = ? and stream = ?`,
      processor,
      stream,
    )
  }

  /**
   * Ends all messages of a processor on a stream, which begins anew after a position. A failure is told later: until then
   * it has no time of its end. A message that was discarded and is handled again cannot be taken back.
   */
  reset(processor: string, stream: number, { after, at }: { readonly after: number; readonly at: number }): void {
    const its = (states: readonly DeskState[]) => `state in (${quoted(states)}) and processor = ? and stream = ?`
    this.groups.clear(processor, stream)
    this.sql.run(
      `delete from millrace_desk where ${its(unresolved)} and failures = 0 and attempts = 0 and revision = 0`,
      processor,
      stream,
    )
    this.sql.run(
      `update millrace_desk set state = 'reset', lane = null, due_at = 0, group_id = null, claimed_by = null,
         revision = revision + (failures > 0 or revision > 0),
         resolved_at = case failures when 0 then ?3 end where state in (${quoted(unresolved)}) and processor = ?1 and stream = ?2`,
      processor,
      stream,
      at,
    )
    this.sql.run(
      `update millrace_desk set state = 'reset' where ${its(['discarded'])} and position > ?`,
      processor,
      stream,
      after,
    )
  }

  // ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

  async heads(processor: string, stream: number, take: (head: DeskHead) => void): Promise<void> {
    for (let after = 0; ; ) {
      const slice = this.finder.find({ processor, states: ['deciding', 'trying'], after, limit: headsAtOnce })
      for (const id of slice) {
        const row = this.sql.one<DeskHead>(`${headText} where id = ? and stream = ?`, id, stream)
        if (row !== undefined) take({ ...row })
      }
      if (slice.length < headsAtOnce) return
      after = slice.at(-1)!
    }
  }

  async lanes(processor: string, stream: number, take: (context: string) => void): Promise<void> {
    // No lane has an empty name. The further messages of a long lane are passed over.
    for (let last = ''; ; ) {
      const { lanes } = this.sql.one<{ lanes: string }>(lanesText, processor, stream, last)!
      const contexts = JSON.parse(lanes) as string[]
      if (contexts.length === 0) return
      for (const context of contexts) {
        if (context !== last) take(context)
        last = context
      }
    }
  }

  async headOf({ processor, stream, lane }: LaneKey): Promise<DeskHead | undefined> {
    const sql = `${headText} where processor = ? and stream = ? and lane = ? order by place limit 1`
    const row = this.sql.one<DeskHead>(sql, processor, stream, lane)
    return row === undefined ? undefined : { ...row }
  }

  async line(lane: LaneKey, place: number, limit: number): Promise<DeskEntry[]> {
    return this.rows.line({ ...lane, place }, limit)
  }

  async entry(id: number): Promise<DeskEntry | undefined> {
    return this.rows.entry(id)
  }

  async askedEntry(id: string): Promise<DeskEntry | undefined> {
    const sql = 'select id from millrace_desk where message_id = ? and asked > 0 and resolved_at is null'
    const [item] = this.sql.all<{ id: number }>(sql, id)
    return item === undefined ? undefined : this.rows.entry(item.id)
  }

  async forgetResolved(beforeMs: number): Promise<number> {
    const old = 'select 1 from millrace_desk where resolved_at is not null and resolved_at < ? limit 1'
    if (this.sql.one(old, beforeMs) === undefined) return 0
    return this.beside.write(() =>
      this.sql.run(
        `delete from millrace_desk where id in (
           select id from millrace_desk where resolved_at is not null and resolved_at < ? limit ?)`,
        beforeMs,
        forgetRows,
      ),
    )
  }
}

function gone({ id }: DeskEntry): Error {
  return new Error(`desk entry ${id} no longer exists`)
}
