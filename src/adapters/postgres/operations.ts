// Operations on many held messages. A selection is frozen when its operation is made; model/operation-states.ts has the
// states that it goes through. A change that comes after the end of an operation is void: a person was quicker.
import type { Actor, DeskAction } from '../../model/desk.ts'
import type {
  NewOperation,
  Operation,
  OperationFilter,
  OperationOutcome,
  OperationRun,
  RefusedItem,
  SelectedItem,
  Selection,
} from '../../model/desk-views.ts'
import { fault } from '../../model/errors.ts'
import { assertBecomes, isUnderWay, mayBecome, type OperationState } from '../../model/operation-states.ts'
import { lengthOf, pageOf } from '../../model/page.ts'
import type { OperationStore } from '../../seam/operations.ts'
import { operationOf, paceOf, type OperationRow as Row } from '../shared/operation-row.ts'
import { record } from './audit.ts'
import { selectedIds } from './desk-finder.ts'
import {
  countedNow,
  firstItem,
  freezeItems,
  itemsIn,
  nextItems,
  outcomeOf,
  refusedItems,
  SelectedItems,
} from './selected.ts'
import type { Sent } from './sent.ts'
import { type Beside, one, type Statements } from './statements.ts'

const listRows = 100
const expireRows = 100

const operationText = `select o.id, o.name, o.action, o.who, o.why, o.change, o.one_first, o.state, o.total, n.done, n.refused,
    o.lanes, o.per_second, o.stop_after, n.failures, n.next_at, o.expires_at, o.started_at, o.ended_at
  from millrace.operations o cross join lateral (${countedNow}) n`
const addText = `insert into millrace.operations (name, action, who, why, change, one_first, per_second, stop_after, expires_at,
    state, total, done, refused, lanes, failures, started_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, 0, 0, 0, $11) on conflict (name) do nothing returning id`
/** From now on without a failure: those that are counted in deltas are taken off. */
const runText = `update millrace.operations o set per_second = coalesce($1, per_second), stop_after = coalesce($2, stop_after),
    failures = o.failures - (select n.failures from (${countedNow}) n), expires_at = null where id = $3`
const dueText = `${operationText} where o.state = 'prepared' and o.expires_at <= $1 order by o.expires_at limit ${expireRows}`
const nextText = `select expires_at as at from millrace.operations where state = 'prepared' order by expires_at limit 1`

/** A line of the audit log about an operation. */
interface Line extends Actor {
  readonly at: number
  readonly action: DeskAction
  readonly detail?: unknown
}

export class OperationTable implements OperationStore {
  private readonly beside: Beside
  private readonly items = new SelectedItems()

  constructor(beside: Beside) {
    this.beside = beside
  }

  // ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

  list({ name, after = 0, limit = listRows }: OperationFilter): Promise<Operation[]> {
    return this.beside.read(async (db) => {
      const rows =
        name === undefined
          ? await db.all<Row>(`${operationText} where o.id > $1 order by o.id limit $2`, [after, limit])
          : await db.all<Row>(`${operationText} where o.name = $3 and o.id > $1 limit $2`, [after, limit, name])
      const sizeOf = ({ name, who, why, change }: Row) => lengthOf(name, who, why, change)
      return pageOf(rows, { limit, sizeOf, cursorOf: ({ id }) => id }).rows.map(operationOf)
    })
  }

  open(after: number, limit: number): Promise<Operation[]> {
    const sql = `${operationText} where o.state in ('running', 'trying') and o.id > $1 order by o.id limit $2`
    return this.beside.read(async (db) => (await db.all<Row>(sql, [after, limit])).map(operationOf))
  }

  outcome(operation: number): Promise<OperationOutcome> {
    return this.beside.read((db) => outcomeOf(db, operation))
  }

  remaining(operation: number, after: number, limit: number): Promise<number[]> {
    return this.beside.read((db) => itemsIn(db, 'not done', operation, { after, limit }))
  }

  refused(operation: number, limit: number): Promise<RefusedItem[]> {
    return this.beside.read((db) => refusedItems(db, operation, limit))
  }

  selected(operation: number, limit: number): Promise<SelectedItem[]> {
    return this.beside.read((db) => nextItems(db, operation, limit))
  }

  firstSelected(operation: number): Promise<number | undefined> {
    return this.beside.read((db) => firstItem(db, operation))
  }

  underWay(operation: number, after: number, limit: number): Promise<number[]> {
    return this.beside.read((db) => itemsIn(db, 'under_way', operation, { after, limit }))
  }

  // ── changes by people ──────────────────────────────────────────────────────────────────────────────────────────

  select(operation: NewOperation, what: Selection): Promise<Operation> {
    return this.beside.write((db) => freeze(db, operation, what))
  }

  run(id: number, how: OperationRun, at: number): Promise<Operation> {
    return this.beside.write((db) => begin(db, id, how, at))
  }

  abort(id: number, actor: Actor, at: number): Promise<void> {
    return this.beside.write(async (db) => {
      const operation = await notEnded(db, id, 'aborted')
      await become(db, operation, 'aborted', at)
      await recordOf(db, operation, { at, ...actor, action: 'aborted' })
    })
  }

  async expire(at: number): Promise<number | undefined> {
    // Mostly there is none: then nothing is written.
    const first = await this.beside.read(nextExpiry)
    if (first === undefined || first > at) return first
    return this.beside.write(async (db) => {
      for (;;) {
        const slice = (await db.all<Row>(dueText, [at])).map(operationOf)
        for (const operation of slice) {
          await become(db, operation, 'expired', at)
          await recordOf(db, operation, { at, by: 'millrace', action: 'expired' })
        }
        if (slice.length < expireRows) return nextExpiry(db)
      }
    })
  }

  // ── changes in the transaction of a commit ─────────────────────────────────────────────────────────────────────

  /** Call first, in each transaction with changes of the desk. */
  begin(db: Statements, sent: Sent): void {
    this.items.fold(db, sent)
  }

  readonly count: SelectedItems['count'] = (db, sent, change) => this.items.count(db, sent, change)
  readonly tried: SelectedItems['tried'] = (db, sent, change) => this.items.tried(db, sent, change)

  /** Writes the state of an operation, unless it has ended or a person has stopped it. */
  async put(db: Statements, { id, state, endedAt }: Pick<Operation, 'id' | 'state' | 'endedAt'>): Promise<void> {
    const operation = await byId(db, id)
    if (operation === undefined || !isUnderWay(operation.state) || operation.state === state) return
    await become(db, operation, state, endedAt)
    if (state !== 'stopped') return
    const { failures, total, done } = operation
    const reason = `${failures} failed; ${total - done} are left as they are`
    await recordOf(db, operation, { at: endedAt!, by: 'millrace', reason, action: 'stopped' })
  }
}

async function freeze(db: Statements, operation: NewOperation, what: Selection): Promise<Operation> {
  const { name, action, by, reason, change, oneFirst, perSecond, stopAfter, expiresAt, startedAt } = operation
  const added = await one<{ id: number }>(db, addText, [
    name,
    action,
    by,
    reason,
    change === null ? null : JSON.stringify(change),
    oneFirst ? 1 : 0,
    perSecond,
    stopAfter,
    expiresAt,
    (expiresAt === null ? 'running' : 'prepared') satisfies OperationState,
    startedAt,
  ])
  if (added === undefined) {
    throw fault('millrace/duplicate-name', `an operation "${name}" exists already; give this one another name`)
  }
  const { total, lanes } = await freezeItems(db, added.id, await selectedIds(db, what))
  if (total === 0) throw fault('millrace/nothing-selected', 'no held message matches')
  await db.run('update millrace.operations set total = $1, lanes = $2 where id = $3', [total, lanes, added.id])
  const made = (await byId(db, added.id))!
  const detail = { action, total, ...paceOf(made), ...(change === null ? {} : { change }) }
  await recordOf(db, made, { at: startedAt, by, reason: reason ?? undefined, action: 'selected', detail })
  return made
}

async function begin(
  db: Statements,
  id: number,
  { perSecond, stopAfter, ...actor }: OperationRun,
  at: number,
): Promise<Operation> {
  const operation = await notEnded(db, id, 'run')
  const { name, state, expiresAt } = operation
  if (isUnderWay(state)) throw fault('millrace/already-running', `operation "${name}" is ${state} already`)
  if (state === 'prepared' && at >= expiresAt!) {
    throw fault('millrace/operation-ended', `operation "${name}" was not run in time: it has expired`)
  }
  await become(db, operation, 'running', null)
  await db.run(runText, [perSecond ?? null, stopAfter ?? null, id])
  const made = (await byId(db, id))!
  await recordOf(db, made, { at, ...actor, action: 'run', detail: paceOf(made) })
  return made
}

async function nextExpiry(db: Statements): Promise<number | undefined> {
  return (await one<{ at: number }>(db, nextText))?.at
}

async function become(db: Statements, operation: Operation, state: OperationState, endedAt: number | null) {
  assertBecomes(operation.state, state)
  await db.run('update millrace.operations set state = $1, ended_at = $2 where id = $3', [state, endedAt, operation.id])
}

/** @throws `millrace/unknown-operation`, `millrace/operation-ended` */
async function notEnded(db: Statements, id: number, what: string): Promise<Operation> {
  const operation = await byId(db, id)
  if (operation === undefined) throw fault('millrace/unknown-operation', `there is no operation ${id}`)
  const { state, name } = operation
  if (mayBecome(state, 'aborted')) return operation
  throw fault('millrace/operation-ended', `operation "${name}" has ended already: ${state}; it cannot be ${what}`)
}

function recordOf(db: Statements, { name }: Operation, { reason, detail, ...line }: Line): Promise<void> {
  return record(db, { ...line, item: null, subject: name, reason: reason ?? null, detail })
}

async function byId(db: Statements, id: number): Promise<Operation | undefined> {
  const row = await one<Row>(db, `${operationText} where o.id = $1`, [id])
  return row && operationOf(row)
}
