// The table of the desk, and what belongs to it. Every change goes through `apply`, in the transaction of a commit; it
// keeps each lane with exactly one head, and the number of held messages of each group.
import { asStored } from '../../model/codec.ts'
import {
  type Actor,
  type Audit,
  type AuditRow,
  type DeskEntry,
  type DeskState,
  fingerprint,
  headStates,
  type Try,
  waitingCounted,
} from '../../model/desk.ts'
import type {
  AuditFilter,
  Cause,
  DeskCounts,
  DeskFilter,
  DeskGroup,
  DeskRow,
  GroupBy,
  GroupFilter,
  HeldCount,
  NewOperation,
  Operation,
  OperationFilter,
  OperationOutcome,
  Paused,
  PendingAction,
  RefusedItem,
  Selection,
} from '../../model/desk-views.ts'
import { type ErrorRecord, fault } from '../../model/errors.ts'
import { lengthOf, pageOf } from '../../model/page.ts'
import type { DeskChange, DeskHead, LaneKey } from '../../seam/desk.ts'
import { attributesJson } from './attributes.ts'
import { findCause } from './cause.ts'

import type { Log } from './log.ts'
import { askedFlagOf } from './message-row.ts'
import type { Statements } from './statements.ts'

interface Row {
  desk_id: number
  processor: string
  state: DeskState
  lane: string | null
  place: number
  due_at: number
  attempts: number
  kills: number
  revision: number
  failures: number
  decisions: number
  error: string | null
  tries: string | null
  original: string | null
  held_at: number
  resolved_at: number | null
  stream: number
  position: number
  id: string
  kind: number
  time: number
  context: string | null
  correlation: string | null
  causation: string | null
  trace: string | null
  own_id: number
  data: string
  attributes: string | null
}

/** A row as people see it. */
interface ShownRow extends Row {
  waiting: number
  wish: string | null
  wished_at: number
  wished_by: string
  wished_why: string | null
}

/** Messages that are found together in the index of states. */
interface Pile {
  readonly state: DeskState
  readonly processor: string
  readonly kind: number
}

const columns = `d.id as desk_id, processor, state, lane, place, due_at, attempts, kills, revision, failures, decisions,
  error, tries, original, held_at, resolved_at, stream, position, message_id as id, kind, time, context, correlation,
  causation, trace, asked as own_id, data, attributes`
/** A head that closes its lane has the rest of it behind itself. */
const behind = `case when d.lane is null or d.state = 'line' then 0 else (select count(*) - 1 from (
  select 1 from millrace_desk l where l.processor = d.processor and l.stream = d.stream and l.lane = d.lane
  limit ${waitingCounted + 1})) end`
const shown = `select ${columns}, ${behind} as waiting, wish, w.at as wished_at, w.who as wished_by, w.why as wished_why
  from millrace_desk d left join millrace_wishes w on w.item = d.id`
const quoted = (states: readonly DeskState[]) => states.map((state) => `'${state}'`).join(', ')
const unresolved: readonly DeskState[] = [...headStates, 'line']
const allStates: readonly DeskState[] = [...unresolved, 'handled', 'discarded']
/** Errors of one processor that are told apart; what comes beyond is grouped by its code. */
const groupsMax = 1_000
const forgetRows = 1_000
const listRows = 100
const groupsShown = 10_000
/** Messages of an operation whose outcome is counted. */
const outcomeRows = 10_000
const lanesAtOnce = 1_000
const headsAtOnce = 1_000
const all = Number.MAX_SAFE_INTEGER

export class DeskTable {
  private readonly log: Log
  private readonly sql: Statements

  constructor(sql: Statements, log: Log) {
    this.log = log
    this.sql = sql
  }

  /** The highest number that a message, or a place in a lane, has had. */
  lastNumber(): number {
    const row = this.sql.one("select seq from sqlite_sequence where name = 'millrace_desk'")
    return (row as { seq: number } | undefined)?.seq ?? 0
  }

  // ── changing ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Returns the number of the message that becomes the head of a lane by it, 0 where none does. */
  apply(change: DeskChange): number {
    switch (change.do) {
      case 'put':
        return this.put(change.entry)
      case 'update':
        return this.update(change.entry, change.leaves ?? null)
      case 'remove':
        return this.remove(change.entry)
      case 'resolve':
        return this.resolve(change.entry, change.state, change.at)
      case 'record':
        this.record(change.audit)
        return 0
      case 'selected':
        this.dealtWith(change.operation, change.item, change.error)
        return 0
      case 'operation':
        this.putOperation(change.operation)
        return 0
      case 'granted':
        this.sql.run('delete from millrace_wishes where item = ?', change.item)
        return 0
    }
  }

  private put(entry: DeskEntry): number {
    const becomesHead = this.becomesHead(entry)
    const { message } = entry
    this.sql.run(
      `insert into millrace_desk values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, null, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      entry.id,
      entry.processor,
      message.stream,
      becomesHead ? 'trying' : entry.state,
      entry.lane,
      entry.place,
      entry.dueAt,
      entry.attempts,
      entry.kills,
      entry.revision,
      entry.failures,
      entry.decisions,
      entry.state === 'held' ? this.joinGroup(entry) : null,
      entry.error === null ? null : JSON.stringify(entry.error),
      triesJson(entry),
      entry.heldAt,
      message.position,
      message.id,
      this.log.kindOf(message),
      message.time,
      message.context,
      message.correlationId === message.id ? null : message.correlationId,
      message.causationId,
      message.traceparent,
      message.json,
      entry.original,
      askedFlagOf(message.asked),
      attributesJson(message),
    )
    return becomesHead ? entry.id : 0
  }

  private update(entry: DeskEntry, leaves: string | null): number {
    const { message } = entry
    this.left(entry)
    const becomesHead = this.becomesHead(entry)
    const changed = this.sql.run(
      `update millrace_desk set state = ?, lane = ?, place = ?, due_at = ?, attempts = ?, kills = ?, revision = ?,
         failures = ?, decisions = ?, group_id = ?, error = ?, tries = ?, resolved_at = ?, kind = ?, data = ?, original = ?
       where id = ?`,
      becomesHead ? 'trying' : entry.state,
      entry.lane,
      entry.place,
      entry.dueAt,
      entry.attempts,
      entry.kills,
      entry.revision,
      entry.failures,
      entry.decisions,
      entry.state === 'held' ? this.joinGroup(entry) : null,
      entry.error === null ? null : JSON.stringify(entry.error),
      triesJson(entry),
      entry.resolvedAt,
      this.log.kindOf(message),
      message.json,
      entry.original,
      entry.id,
    )
    this.one(entry, changed)
    if (entry.place > entry.id) this.takeNumber(entry.place)
    const promoted = leaves === entry.lane ? 0 : this.promote(entry, leaves)
    return becomesHead ? entry.id : promoted
  }

  private remove(entry: DeskEntry): number {
    this.left(entry)
    this.one(entry, this.sql.run('delete from millrace_desk where id = ?', entry.id))
    return this.promote(entry, entry.lane)
  }

  private resolve(entry: DeskEntry, state: 'handled' | 'discarded', at: number): number {
    this.left(entry)
    const changed = this.sql.run(
      'update millrace_desk set state = ?, lane = null, due_at = 0, group_id = null, resolved_at = ? where id = ?',
      state,
      at,
      entry.id,
    )
    this.one(entry, changed)
    return this.promote(entry, entry.lane)
  }

  /** A place was drawn from the numbers of messages: after a restart it must not be given to another. */
  private takeNumber(place: number): void {
    this.sql.run("update sqlite_sequence set seq = max(seq, ?) where name = 'millrace_desk'", place)
  }

  private one(entry: DeskEntry, changed: number): void {
    if (changed !== 1) throw new Error(`desk entry ${entry.id} no longer exists`)
  }

  /** A message in line of a lane that has no head becomes its head. */
  private becomesHead(entry: DeskEntry): boolean {
    if (entry.state !== 'line') return false
    const head = this.sql.one(
      'select 1 from millrace_desk where processor = ? and stream = ? and lane = ? and id <> ? limit 1',
      entry.processor,
      entry.message.stream,
      entry.lane,
      entry.id,
    )
    return head === undefined
  }

  /** The head of a lane has left it: the next in line becomes the head. Returns its number, 0 where there is none. */
  private promote({ processor, message }: DeskEntry, lane: string | null): number {
    if (lane === null) return 0
    const next = this.sql.one(
      `update millrace_desk set state = 'trying' where state = 'line' and id = (select id from millrace_desk
         where processor = ? and stream = ? and lane = ? order by place limit 1) returning id`,
      processor,
      message.stream,
      lane,
    )
    return (next as { id: number } | undefined)?.id ?? 0
  }

  /** The group to which a message that is held now belongs; it counts there. */
  private joinGroup({ processor, message: { stream, type }, error, tries, heldAt }: DeskEntry): number {
    const at = tries.at(-1)?.at ?? heldAt
    const exact = fingerprint(error)
    const found = this.countIn(processor, stream, type, exact, at)
    if (found !== undefined) return found
    if (!this.roomForGroup(processor)) {
      this.sql.run('delete from millrace_desk_groups where processor = ? and held = 0', processor)
    }
    const print = this.roomForGroup(processor) ? exact : (error?.code ?? '-')
    const { id } = this.sql.one(
      `insert into millrace_desk_groups (processor, stream, type, fingerprint, held, first_at, last_at)
       values (?, ?, ?, ?, 1, ?, ?) on conflict do update set held = held + 1, last_at = excluded.last_at returning id`,
      processor,
      stream,
      type,
      print,
      at,
      at,
    ) as { id: number }
    return id
  }

  private roomForGroup(processor: string): boolean {
    const row = this.sql.one('select count(*) as groups from millrace_desk_groups where processor = ?', processor)
    return (row as { groups: number }).groups < groupsMax
  }

  private countIn(processor: string, stream: number, type: string, print: string, at: number): number | undefined {
    const row = this.sql.one(
      `update millrace_desk_groups set held = held + 1, last_at = ?, first_at = case held when 0 then ? else first_at end
       where processor = ? and stream = ? and type = ? and fingerprint = ? returning id`,
      at,
      at,
      processor,
      stream,
      type,
      print,
    )
    return (row as { id: number } | undefined)?.id
  }

  /** A message is not what it was: where it was held, its group has one less. */
  private left({ id, failures }: DeskEntry): void {
    if (failures === 0) return
    this.sql.run(
      'update millrace_desk_groups set held = held - 1 where id = (select group_id from millrace_desk where id = ?)',
      id,
    )
  }

  private record({ at, by, action, item, subject, reason, detail }: Audit): void {
    this.sql.run(
      'insert into millrace_audit (at, who, action, item, subject, why, detail) values (?, ?, ?, ?, ?, ?, ?)',
      at,
      by,
      action,
      item,
      subject,
      reason,
      detail === undefined ? null : JSON.stringify(detail),
    )
  }

  /** Whether something was resolved before a time. */
  hasOld(beforeMs: number): boolean {
    const sql = 'select 1 from millrace_desk where resolved_at is not null and resolved_at < ? limit 1'
    return this.sql.one(sql, beforeMs) !== undefined
  }

  /** Forgets what was resolved before a time, at most one slice. Gives how many. */
  forgetResolved(beforeMs: number): number {
    return this.sql.run(
      `delete from millrace_desk where id in (
         select id from millrace_desk where resolved_at is not null and resolved_at < ? limit ?)`,
      beforeMs,
      forgetRows,
    )
  }

  /** Forgets all that a processor has at the desk of one stream. */
  retire(processor: string, stream: number): void {
    this.sql.run('update millrace_desk_groups set held = 0 where processor = ? and stream = ?', processor, stream)
    // By the index of states: what others have there is not read.
    const sql = `delete from millrace_desk where state in (${quoted(allStates)}) and processor = ? and stream = ?`
    this.sql.run(sql, processor, stream)
  }

  // ── pausing, pending actions ──────────────────────────────────────────────────────────────────────────────────────

  pause(processor: string, { by, reason }: Actor, at: number): void {
    const changed = this.sql.run(
      'insert or ignore into millrace_paused values (?, ?, ?, ?)',
      processor,
      at,
      by,
      reason ?? null,
    )
    if (changed === 0) return
    this.record({ at, by, action: 'paused', item: null, subject: processor, reason: reason ?? null, detail: undefined })
  }

  resume(processor: string, { by, reason }: Actor, at: number): void {
    if (this.sql.run('delete from millrace_paused where processor = ?', processor) === 0) return
    this.record({
      at,
      by,
      action: 'resumed',
      item: null,
      subject: processor,
      reason: reason ?? null,
      detail: undefined,
    })
  }

  paused(): Paused[] {
    return this.sql.all('select processor, at, who as by, why as reason from millrace_paused') as Paused[]
  }

  /** @throws `millrace/not-held` */
  addPending({ item, action, at, by, reason }: PendingAction): void {
    const before = this.sql.one('select who, wish from millrace_wishes where item = ?', item)
    if (before !== undefined) {
      const { who, wish: other } = before as { who: string; wish: string }
      const what = (JSON.parse(other) as PendingAction['action']).do
      throw fault(
        'millrace/not-held',
        `${who} has asked for "${what}" of message ${item}; the app does it at its start`,
      )
    }
    this.sql.run(
      'insert into millrace_wishes values (?, ?, ?, ?, ?)',
      item,
      JSON.stringify(action),
      at,
      by,
      reason ?? null,
    )
  }

  pendingActions(after: Pick<PendingAction, 'at' | 'item'> | undefined, limit: number): PendingAction[] {
    const sql = 'select * from millrace_wishes where (at, item) > (?, ?) order by at, item limit ?'
    const rows = this.sql.all(sql, after?.at ?? Number.MIN_SAFE_INTEGER, after?.item ?? 0, limit) as {
      item: number
      wish: string
      at: number
      who: string
      why: string | null
    }[]
    return rows.map(({ item, wish, at, who, why }) => ({
      item,
      action: JSON.parse(wish),
      at,
      by: who,
      reason: why ?? undefined,
    }))
  }

  // ── operations ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Freezes what is held now and fits. Errors: `millrace/duplicate-name`, `millrace/nothing-selected`. */
  select({ name, action, by, reason, oneFirst, startedAt }: NewOperation, what: Selection): Operation {
    if (this.sql.one('select 1 from millrace_operations where name = ?', name) !== undefined) {
      throw fault('millrace/duplicate-name', `an operation "${name}" exists already; give this one another name`)
    }
    const { id } = this.sql.one(
      `insert into millrace_operations (name, action, who, why, one_first, state, total, done, refused, started_at)
       values (?, ?, ?, ?, ?, 'running', 0, 0, 0, ?) returning id`,
      name,
      action,
      by,
      reason,
      oneFirst ? 1 : 0,
      startedAt,
    ) as { id: number }
    const total = this.sql.run(
      'insert into millrace_selected select ?, value, null, 0 from json_each(?)',
      id,
      JSON.stringify(this.heldOf(what)),
    )
    if (total === 0) throw fault('millrace/nothing-selected', 'no held message matches')
    this.sql.run('update millrace_operations set total = ? where id = ?', total, id)
    this.record({ at: startedAt, by, action: 'selected', item: null, subject: name, reason, detail: { action, total } })
    return this.operation(id)!
  }

  private heldOf({ items, processor, type, context, group }: Selection): number[] {
    const states = ['held'] as const
    if (items === undefined) return this.find({ processor, type, context, group, states, limit: all })
    return this.ids(
      `select d.id from json_each(?1) i cross join millrace_desk d on d.id = i.value where d.state = 'held'
         and (?2 is null or d.processor = ?2) and (?3 is null or d.context = ?3) and (?4 is null or d.group_id = ?4)
         and (?5 is null or d.kind in (select id from millrace_kinds where type = ?5))`,
      JSON.stringify([...new Set(items)]),
      processor ?? null,
      context ?? null,
      group ?? null,
      type ?? null,
    )
  }

  selected(operation: number, limit: number): number[] {
    const rows = this.sql.all(
      'select item from millrace_selected where operation = ? and done = 0 order by item limit ?',
      operation,
      limit,
    )
    return (rows as { item: number }[]).map(({ item }) => item)
  }

  firstSelected(operation: number): number | undefined {
    const row = this.sql.one('select min(item) as item from millrace_selected where operation = ?', operation)
    return (row as { item: number | null }).item ?? undefined
  }

  private dealtWith(operation: number, item: number, error: string | null): void {
    const changed = this.sql.run(
      'update millrace_selected set done = 1, error = ? where operation = ? and item = ? and done = 0',
      error,
      operation,
      item,
    )
    if (changed === 0) return
    this.sql.run(
      'update millrace_operations set done = done + 1, refused = refused + ? where id = ?',
      error === null ? 0 : 1,
      operation,
    )
  }

  private putOperation({ id, state, endedAt }: Operation): void {
    this.sql.run(
      "update millrace_operations set state = ?, ended_at = ? where id = ? and state in ('running', 'trying')",
      state,
      endedAt,
      id,
    )
  }

  /** @throws `millrace/unknown-operation`, `millrace/operation-ended` */
  abort(id: number, { by, reason }: Actor, at: number): void {
    const operation = this.operation(id)
    if (operation === undefined) throw fault('millrace/unknown-operation', `there is no operation ${id}`)
    const { state, name } = operation
    if (state !== 'running' && state !== 'trying') {
      throw fault('millrace/operation-ended', `operation "${name}" has ended already: ${state}`)
    }
    this.putOperation({ ...operation, state: 'aborted', endedAt: at })
    this.record({ at, by, action: 'aborted', item: null, subject: name, reason: reason ?? null, detail: undefined })
  }

  operations({ name, after = 0, limit = listRows }: OperationFilter): Operation[] {
    const rows =
      name === undefined
        ? this.sql.each(`${operationColumns} where id > ? order by id limit ?`, after, limit)
        : this.sql.each(`${operationColumns} where name = ? and id > ? limit ?`, name, after, limit)
    const sizeOf = ({ name, who, why }: OperationRow) => lengthOf(name, who, why)
    return pageOf(rows as Iterable<OperationRow>, { limit, sizeOf, cursorOf }).rows.map(operationOf)
  }

  openOperations(after: number, limit: number): Operation[] {
    const sql = `${operationColumns} where state in ('running', 'trying') and id > ? order by id limit ?`
    return (this.sql.all(sql, after, limit) as OperationRow[]).map(operationOf)
  }

  outcome(operation: number): OperationOutcome {
    return { ...(this.sql.one(outcomeText, operation, outcomeRows) as OperationOutcome) }
  }

  operation(id: number): Operation | undefined {
    const row = this.sql.one(`${operationColumns} where id = ?`, id) as OperationRow | undefined
    return row === undefined ? undefined : operationOf(row)
  }

  /** Those that were not possible, and why. */
  refused(operation: number, limit: number): RefusedItem[] {
    const rows = this.sql.all(
      'select item, error as why from millrace_selected where operation = ? and error is not null order by item limit ?',
      operation,
      limit,
    )
    return rows as RefusedItem[]
  }

  // ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

  line({ processor, stream, lane }: LaneKey, afterPlace: number, limit: number): DeskEntry[] {
    const rows = this.sql.all(lineText, processor, stream, lane, afterPlace, limit)
    return (rows as unknown as Row[]).map((row) => this.toEntry(row))
  }

  heads(processor: string, stream: number, take: (head: DeskHead) => void): void {
    const one = `${headColumns} where id = ? and stream = ?`
    for (let after = 0; ; ) {
      const slice = this.find({ processor, states: ['deciding', 'trying'], after, limit: headsAtOnce })
      for (const id of slice) {
        const row = this.sql.one(one, id, stream)
        if (row !== undefined) take({ ...(row as DeskHead) })
      }
      if (slice.length < headsAtOnce) return
      after = slice.at(-1)!
    }
  }

  lanes(processor: string, stream: number, take: (context: string) => void): void {
    // No lane has an empty name. The rest of one that is long is passed over.
    for (let last = ''; ; ) {
      const { lanes } = this.sql.one(lanesText, processor, stream, last) as { lanes: string }
      const contexts = JSON.parse(lanes) as string[]
      if (contexts.length === 0) return
      for (const context of contexts) {
        if (context !== last) take(context)
        last = context
      }
    }
  }

  headOf({ processor, stream, lane }: LaneKey): DeskHead | undefined {
    const row = this.sql.one(
      `${headColumns} where processor = ? and stream = ? and lane = ? order by place limit 1`,
      processor,
      stream,
      lane,
    )
    return row === undefined ? undefined : ({ ...row } as unknown as DeskHead)
  }

  list(filter: DeskFilter): DeskRow[] {
    const rows = this.sql.each(listText, JSON.stringify(this.find(filter))) as Iterable<ShownRow>
    return this.page(rows).map((row) => this.toShown(row))
  }

  /** As many of these rows as a page may hold. */
  private page<R extends Row>(rows: Iterable<R>): readonly R[] {
    const sizeOf = ({ data, original, error, tries, attributes }: Row) =>
      lengthOf(data, original, error, tries, attributes)
    const limit = Number.POSITIVE_INFINITY
    return pageOf(rows, { limit, sizeOf, cursorOf: ({ desk_id }) => desk_id }).rows
  }

  /** The ids of what fits, in order, from indexes alone: rows are wide. */
  private find({ group, context, after = 0, limit = listRows, ...filter }: DeskFilter): number[] {
    const { processor, type } = filter
    const states = allStates.filter((state) => (filter.states ?? unresolved).includes(state))
    if (states.length === 0) return []
    if (group !== undefined) {
      if (!states.includes('held') || !this.isGroup(group, filter)) return []
      const only = context === undefined ? '' : 'and context = ?'
      const sql = `select id from millrace_desk where group_id = ? and id > ? ${only} order by id limit ?`
      return this.ids(sql, group, after, ...(context === undefined ? [] : [context]), limit)
    }
    const kinds = type === undefined ? undefined : this.ids('select id from millrace_kinds where type = ?', type)
    if (kinds?.length === 0) return []
    if (context !== undefined) {
      const fits = `and id > ? and state in (${quoted(states)}) ${kinds === undefined ? '' : `and kind in (${kinds.join()})`}`
      return this.ofContext(context, processor, fits, states.includes('line'), after, limit)
    }
    return states
      .flatMap((state) => this.piles(state, processor))
      .filter((pile) => kinds === undefined || kinds.includes(pile.kind))
      .flatMap((pile) => this.ids(pileText, pile.state, pile.processor, pile.kind, after, limit))
      .sort((a, b) => a - b)
      .slice(0, limit)
  }

  /** Of one context: what is in its lanes, and what is in none. */
  private ofContext(
    context: string,
    processor: string | undefined,
    fits: string,
    withLine: boolean,
    after: number,
    limit: number,
  ): number[] {
    const only = processor === undefined ? '' : 'and processor = ?'
    const alone = `select id from millrace_desk where context = ? and lane is null ${fits} ${only} order by id limit ?`
    const found = this.ids(alone, context, after, ...(processor === undefined ? [] : [processor]), limit)
    const lanes = this.sql.all(
      `select processor, stream from millrace_progress where true ${only}`,
      ...(processor === undefined ? [] : [processor]),
    )
    for (const lane of lanes as { processor: string; stream: number }[]) {
      const here = [lane.processor, lane.stream, context] as const
      if (withLine) {
        // Places are ids, but of what has moved to the end of its lane.
        found.push(
          ...this.ids(
            `${inLaneText} and place = id and place > ? ${fits} order by place limit ?`,
            ...here,
            after,
            after,
            limit,
          ),
        )
        found.push(...this.ids(`${inLaneText} and place <> id ${fits} order by id limit ?`, ...here, after, limit))
      } else {
        const head = this.headOf({ ...lane, lane: context })
        if (head !== undefined)
          found.push(...this.ids(`select id from millrace_desk where id = ? ${fits}`, head.id, after))
      }
    }
    return found.sort((a, b) => a - b).slice(0, limit)
  }

  private isGroup(id: number, { processor, type }: Pick<DeskFilter, 'processor' | 'type'>): boolean {
    const sql = `select 1 from millrace_desk_groups
      where id = ?1 and (?2 is null or processor = ?2) and (?3 is null or type = ?3)`
    return this.sql.one(sql, id, processor ?? null, type ?? null) !== undefined
  }

  /** Each processor and kind that there is together in a state, by one step in the index each. */
  private piles(state: DeskState, only: string | undefined): Pile[] {
    const found: Pile[] = []
    let processor = only ?? ''
    let kind = 0
    for (;;) {
      const next =
        this.sql.one(nextKindText, state, processor, kind) ??
        (only === undefined && this.sql.one(nextProcessorText, state, processor))
      if (!next) return found
      const pile = { state, processor, ...next } as Pile
      found.push(pile)
      ;({ processor, kind } = pile)
    }
  }

  private ids(sql: string, ...values: (string | number | null)[]): number[] {
    return (this.sql.all(sql, ...values) as { id: number }[]).map(({ id }) => id)
  }

  entry(id: number): DeskEntry | undefined {
    const row = this.sql.one(entryText, id) as Row | undefined
    return row === undefined ? undefined : this.toEntry(row)
  }

  asked(id: string): DeskEntry | undefined {
    const sql = 'select id from millrace_desk where message_id = ? and asked > 0 and resolved_at is null'
    const [item] = this.ids(sql, id)
    return item === undefined ? undefined : this.entry(item)
  }

  row(id: number): DeskRow | undefined {
    const row = this.sql.one(`${shown} where d.id = ?`, id) as ShownRow | undefined
    return row === undefined ? undefined : this.toShown(row)
  }

  cause({ message }: DeskEntry): Cause | undefined {
    return findCause(this.sql.db, message)
  }

  behind({ processor, message, lane, place }: DeskEntry, limit: number): DeskRow[] {
    if (lane === null) return []
    const line = this.sql.each(lineText, processor, message.stream, lane, place, limit) as Iterable<Row>
    return this.page(line).map((row) => {
      const entry = this.toEntry(row)
      return { ...entry, waiting: 0, pending: null, data: asStored(entry.message.json) }
    })
  }

  counts(): DeskCounts {
    const counts = this.sql.one(
      `select (select coalesce(sum(held), 0) from millrace_desk_groups) as held,
         (select count(*) from millrace_desk where state = 'line') as waiting,
         (select count(*) from millrace_desk where state = 'discarded') as discarded`,
    )
    return { ...(counts as DeskCounts) }
  }

  heldCounts(): HeldCount[] {
    const rows = this.sql.all(
      `select processor, s.name as destination, sum(held) as held
       from millrace_desk_groups g join millrace_streams s on s.id = g.stream where held > 0 group by 1, 2`,
    )
    return rows as HeldCount[]
  }

  groups(by: GroupBy, { processor, limit = groupsShown }: GroupFilter): DeskGroup[] {
    const keys = { processor: ['processor'], type: ['type'], error: ['fingerprint'], all: groupKeys }[by]
    const chosen = groupKeys.map((key) => (keys.includes(key) ? key : `null as ${key}`)).join(', ')
    const rows = this.sql.each(
      `select ${by === 'all' ? 'id' : 'null as id'}, ${chosen}, sum(held) as held, min(first_at) as first_at,
         max(last_at) as last_at
       from millrace_desk_groups where held > 0 ${processor === undefined ? '' : 'and processor = ?'}
       group by ${by === 'all' ? 'id' : keys.join(', ')} order by held desc, 1, 2, 3, 4 limit ?`,
      ...(processor === undefined ? [] : [processor]),
      limit,
    ) as Iterable<GroupText>
    const sizeOf = ({ processor, type, fingerprint }: GroupText) => lengthOf(processor, type, fingerprint)
    return pageOf(rows, { limit, sizeOf, cursorOf: () => 0 }).rows.map(
      ({ fingerprint: error, first_at: firstAt, last_at: lastAt, ...row }) => ({
        ...row,
        error,
        firstAt,
        lastAt,
      }),
    )
  }

  audit({ item, before = Number.MAX_SAFE_INTEGER, limit = listRows }: AuditFilter): AuditRow[] {
    const rows = this.sql.each(
      `select id, at, who as by, action, item, subject, why as reason, detail from millrace_audit
       where id < ? ${item === undefined ? '' : 'and item = ?'} order by id desc limit ?`,
      before,
      ...(item === undefined ? [] : [item]),
      limit,
    ) as Iterable<AuditText>
    const sizeOf = ({ by, subject, reason, detail }: AuditText) => lengthOf(by, subject, reason, detail)
    return pageOf(rows, { limit, sizeOf, cursorOf }).rows.map((row) => ({
      ...row,
      detail: row.detail === null ? null : JSON.parse(row.detail),
    }))
  }

  private toShown(row: ShownRow): DeskRow {
    const { waiting, wish, wished_at: at, wished_by: by, wished_why: why } = row
    const pending =
      wish === null ? null : { item: row.desk_id, action: JSON.parse(wish), at, by, reason: why ?? undefined }
    const entry = this.toEntry(row)
    return { ...entry, waiting, pending, data: asStored(entry.message.json) }
  }

  private toEntry(row: Row): DeskEntry {
    return {
      id: row.desk_id,
      processor: row.processor,
      state: row.state,
      lane: row.lane,
      place: row.place,
      dueAt: row.due_at,
      attempts: row.attempts,
      kills: row.kills,
      revision: row.revision,
      failures: row.failures,
      decisions: row.decisions,
      error: row.error === null ? null : (JSON.parse(row.error) as ErrorRecord),
      tries: row.tries === null ? [] : (JSON.parse(row.tries) as Try[]),
      original: row.original,
      heldAt: row.held_at,
      resolvedAt: row.resolved_at,
      message: this.log.stored(row.stream, row),
    }
  }
}

type AuditText = Omit<AuditRow, 'detail'> & { readonly detail: string | null }

type GroupText = Omit<DeskGroup, 'error' | 'firstAt' | 'lastAt'> & {
  readonly fingerprint: string | null
  readonly first_at: number
  readonly last_at: number
}

const cursorOf = ({ id }: { readonly id: number }) => id

/** What is not at the desk was resolved, and then forgotten. */
const outcomeText = `select coalesce(sum(d.id is null or d.state = 'handled'), 0) as handled,
    coalesce(sum(d.state in ('trying', 'line')), 0) as trying, coalesce(sum(d.state in ('held', 'deciding')), 0) as held,
    coalesce(sum(d.state = 'discarded'), 0) as discarded
  from (select item, done, error from millrace_selected where operation = ? order by item limit ?) s
    left join millrace_desk d on d.id = s.item where s.done = 1 and s.error is null`
const entryText = `select ${columns} from millrace_desk d where d.id = ?`
const lineText = `select ${columns} from millrace_desk d where processor = ? and stream = ? and lane = ? and place > ?
  order by place limit ?`
/** Many in one row: a row each takes five times as long, which a start would notice. */
const lanesText = `select json_group_array(lane) as lanes from (select lane from millrace_desk
  where processor = ? and stream = ? and lane > ? order by lane limit ${lanesAtOnce})`
const listText = `${shown} where d.id in (select value from json_each(?)) order by d.id`
const inLaneText = 'select id from millrace_desk where processor = ? and stream = ? and lane = ?'
const pileText =
  'select id from millrace_desk where state = ? and processor = ? and kind = ? and id > ? order by id limit ?'
const nextKindText =
  'select kind from millrace_desk where state = ? and processor = ? and kind > ? order by kind limit 1'
const nextProcessorText = `select processor, kind from millrace_desk where state = ? and processor > ?
  order by processor, kind limit 1`
const groupKeys = ['processor', 'type', 'fingerprint']
const headColumns = 'select id, state, lane, context, place, due_at as dueAt, kills from millrace_desk'

const operationColumns = `select id, name, action, who, why, one_first, state, total, done, refused, started_at, ended_at
  from millrace_operations`

interface OperationRow extends Omit<Operation, 'by' | 'reason' | 'oneFirst' | 'startedAt' | 'endedAt'> {
  readonly who: string
  readonly why: string | null
  readonly one_first: number
  readonly started_at: number
  readonly ended_at: number | null
}

function operationOf({ who, why, one_first, started_at, ended_at, ...row }: OperationRow): Operation {
  return { ...row, by: who, reason: why, oneFirst: one_first === 1, startedAt: started_at, endedAt: ended_at }
}

function triesJson({ tries }: DeskEntry): string | null {
  return tries.length === 0 ? null : JSON.stringify(tries)
}
