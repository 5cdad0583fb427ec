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
import type { AuditLog } from './audit.ts'
import { type Beside, writeDurably } from './beside-commits.ts'
import type { DeskFinder } from './desk-finder.ts'
import { SelectedItems } from './selected.ts'
import type { Statements } from './statements.ts'

const listRows = 100
const expireRows = 100

const operationText = `select id, name, action, who, why, change, one_first, state, total, done, refused, lanes, per_second,
    stop_after, failures, next_at, expires_at, started_at, ended_at
  from millrace_operations`

/** A line of the audit log about an operation. */
interface Line extends Actor {
  readonly at: number
  readonly action: DeskAction
  readonly detail?: unknown
}

export class OperationTable implements OperationStore {
  private readonly sql: Statements
  private readonly items: SelectedItems
  private readonly finder: Pick<DeskFinder, 'selected'>
  private readonly audit: Pick<AuditLog, 'record'>
  private readonly beside: Beside

  constructor(sql: Statements, finder: Pick<DeskFinder, 'selected'>, audit: Pick<AuditLog, 'record'>, beside: Beside) {
    this.sql = sql
    this.items = new SelectedItems(sql)
    this.finder = finder
    this.audit = audit
    this.beside = beside
  }

  // ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

  list({ name, after = 0, limit = listRows }: OperationFilter): Promise<Operation[]> {
    return this.beside.durable(() => {
      const rows =
        name === undefined
          ? this.sql.each<Row>(`${operationText} where id > ? order by id limit ?`, after, limit)
          : this.sql.each<Row>(`${operationText} where name = ? and id > ? limit ?`, name, after, limit)
      const sizeOf = ({ name, who, why, change }: Row) => lengthOf(name, who, why, change)
      return pageOf(rows, { limit, sizeOf, cursorOf: ({ id }) => id }).rows.map(operationOf)
    })
  }

  open(after: number, limit: number): Promise<Operation[]> {
    const sql = `${operationText} where state in ('running', 'trying') and id > ? order by id limit ?`
    return this.beside.durable(() => this.sql.all<Row>(sql, after, limit).map(operationOf))
  }

  outcome(operation: number): Promise<OperationOutcome> {
    return this.beside.durable(() => this.items.outcome(operation))
  }

  remaining(operation: number, after: number, limit: number): Promise<number[]> {
    return this.beside.durable(() => this.items.remaining(operation, after, limit))
  }

  refused(operation: number, limit: number): Promise<RefusedItem[]> {
    return this.beside.durable(() => this.items.refused(operation, limit))
  }

  async selected(operation: number, limit: number): Promise<SelectedItem[]> {
    return this.items.next(operation, limit)
  }

  async firstSelected(operation: number): Promise<number | undefined> {
    return this.items.first(operation)
  }

  async underWay(operation: number, after: number, limit: number): Promise<number[]> {
    return this.items.underWay(operation, after, limit)
  }

  // ── changes by people ──────────────────────────────────────────────────────────────────────────────────────────

  select(operation: NewOperation, what: Selection): Promise<Operation> {
    return writeDurably(this.beside, () => this.freeze(operation, what))
  }

  run(id: number, how: OperationRun, at: number): Promise<Operation> {
    return writeDurably(this.beside, () => this.begin(id, how, at))
  }

  abort(id: number, actor: Actor, at: number): Promise<void> {
    return writeDurably(this.beside, () => {
      const operation = this.notEnded(id, 'aborted')
      this.become(operation, 'aborted', at)
      this.record(operation, { at, ...actor, action: 'aborted' })
    })
  }

  async expire(at: number): Promise<number | undefined> {
    // Mostly there is none: then nothing is written, and no lock is needed.
    const first = await this.beside.durable(() => this.nextExpiry())
    if (first === undefined || first > at) return first
    return writeDurably(this.beside, () => {
      const due = `${operationText} where state = 'prepared' and expires_at <= ? order by expires_at limit ?`
      for (;;) {
        const slice = this.sql.all<Row>(due, at, expireRows).map(operationOf)
        for (const operation of slice) {
          this.become(operation, 'expired', at)
          this.record(operation, { at, by: 'millrace', action: 'expired' })
        }
        if (slice.length < expireRows) break
      }
      return this.nextExpiry()
    })
  }

  private nextExpiry(): number | undefined {
    const next = "select min(expires_at) as at from millrace_operations where state = 'prepared'"
    return this.sql.one<{ at: number | null }>(next)!.at ?? undefined
  }

  private freeze(operation: NewOperation, what: Selection): Operation {
    const { name, action, by, reason, change, oneFirst, perSecond, stopAfter, expiresAt, startedAt } = operation
    if (this.sql.one('select 1 from millrace_operations where name = ?', name) !== undefined) {
      throw fault('millrace/duplicate-name', `an operation "${name}" exists already; give this one another name`)
    }
    const { id } = this.sql.one<{ id: number }>(
      `insert into millrace_operations (name, action, who, why, change, one_first, per_second, stop_after, expires_at,
         state, total, done, refused, started_at)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, ?) returning id`,
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
    )!
    const { total, lanes } = this.items.freeze(id, this.finder.selected(what))
    if (total === 0) throw fault('millrace/nothing-selected', 'no held message matches')
    this.sql.run('update millrace_operations set total = ?, lanes = ? where id = ?', total, lanes, id)
    const made = this.byId(id)!
    const detail = { action, total, ...paceOf(made), ...(change === null ? {} : { change }) }
    this.record(made, { at: startedAt, by, reason: reason ?? undefined, action: 'selected', detail })
    return made
  }

  private begin(id: number, { perSecond, stopAfter, ...actor }: OperationRun, at: number): Operation {
    const operation = this.notEnded(id, 'run')
    const { name, state, expiresAt } = operation
    if (isUnderWay(state)) throw fault('millrace/already-running', `operation "${name}" is ${state} already`)
    if (state === 'prepared' && at >= expiresAt!) {
      throw fault('millrace/operation-ended', `operation "${name}" was not run in time: it has expired`)
    }
    this.become(operation, 'running', null)
    this.sql.run(
      `update millrace_operations set per_second = coalesce(?, per_second), stop_after = coalesce(?, stop_after),
         failures = 0, expires_at = null where id = ?`,
      perSecond ?? null,
      stopAfter ?? null,
      id,
    )
    const made = this.byId(id)!
    this.record(made, { at, ...actor, action: 'run', detail: paceOf(made) })
    return made
  }

  // ── changes in the transaction of a commit ─────────────────────────────────────────────────────────────────────

  readonly count: SelectedItems['count'] = (change) => this.items.count(change)
  readonly tried: SelectedItems['tried'] = (change) => this.items.tried(change)

  /** Writes the state of an operation, unless it has ended or a person has stopped it. */
  put({ id, state, endedAt }: Pick<Operation, 'id' | 'state' | 'endedAt'>): void {
    const operation = this.byId(id)
    if (operation === undefined || !isUnderWay(operation.state) || operation.state === state) return
    this.become(operation, state, endedAt)
    if (state !== 'stopped') return
    const { failures, total, done } = operation
    const reason = `${failures} failed; ${total - done} are left as they are`
    this.record(operation, { at: endedAt!, by: 'millrace', reason, action: 'stopped' })
  }

  private become({ id, state: from }: Operation, state: OperationState, endedAt: number | null): void {
    assertBecomes(from, state)
    this.sql.run('update millrace_operations set state = ?, ended_at = ? where id = ?', state, endedAt, id)
  }

  /** @throws `millrace/unknown-operation`, `millrace/operation-ended` */
  private notEnded(id: number, what: string): Operation {
    const operation = this.byId(id)
    if (operation === undefined) throw fault('millrace/unknown-operation', `there is no operation ${id}`)
    const { state, name } = operation
    if (mayBecome(state, 'aborted')) return operation
    throw fault('millrace/operation-ended', `operation "${name}" has ended already: ${state}; it cannot be ${what}`)
  }

  private record({ name }: Operation, { reason, detail, ...line }: Line): void {
    this.audit.record({ ...line, item: null, subject: name, reason: reason ?? null, detail })
  }

  private byId(id: number): Operation | undefined {
    const row = this.sql.one<Row>(`${operationText} where id = ?`, id)
    return row === undefined ? undefined : operationOf(row)
  }
}
