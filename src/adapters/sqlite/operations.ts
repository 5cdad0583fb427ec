// Operations on many held messages. A selection is frozen when its operation begins; each of its messages is dealt with
// once, in the order of ids.
//
//   running ──all dealt with──→ done          running, trying ──a person──→ aborted
//   trying (the first one alone) ──handled──→ running
//                                └─held again──→ failed
import type { Actor } from '../../model/desk.ts'
import type {
  NewOperation,
  Operation,
  OperationFilter,
  OperationOutcome,
  RefusedItem,
  Selection,
} from '../../model/desk-views.ts'
import { fault } from '../../model/errors.ts'
import { lengthOf, pageOf } from '../../model/page.ts'
import type { OperationStore } from '../../seam/operations.ts'
import type { AuditLog } from './audit.ts'
import { type Beside, writeDurably } from './beside-commits.ts'
import type { DeskFinder } from './desk-finder.ts'
import type { Statements } from './statements.ts'

const listRows = 100
/** Messages of an operation whose outcome is counted. */
const outcomeRows = 10_000

const operationText = `select id, name, action, who, why, change, one_first, state, total, done, refused, started_at, ended_at
  from millrace_operations`
/** A message that is not at the desk was resolved, and forgotten later. */
const outcomeText = `select coalesce(sum(d.id is null or d.state = 'handled'), 0) as handled,
    coalesce(sum(d.state in ('trying', 'line')), 0) as trying, coalesce(sum(d.state in ('held', 'deciding')), 0) as held,
    coalesce(sum(d.state = 'discarded'), 0) as discarded
  from (select item, done, error from millrace_selected where operation = ? order by item limit ?) s
    left join millrace_desk d on d.id = s.item where s.done = 1 and s.error is null`

interface Row extends Omit<Operation, 'by' | 'reason' | 'change' | 'oneFirst' | 'startedAt' | 'endedAt'> {
  readonly who: string
  readonly why: string | null
  readonly change: string | null
  readonly one_first: number
  readonly started_at: number
  readonly ended_at: number | null
}

export class OperationTable implements OperationStore {
  private readonly sql: Statements
  private readonly finder: Pick<DeskFinder, 'selected'>
  private readonly audit: Pick<AuditLog, 'record'>
  private readonly beside: Beside

  constructor(sql: Statements, finder: Pick<DeskFinder, 'selected'>, audit: Pick<AuditLog, 'record'>, beside: Beside) {
    this.sql = sql
    this.finder = finder
    this.audit = audit
    this.beside = beside
  }

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
    return this.beside.durable(() => ({ ...this.sql.one<OperationOutcome>(outcomeText, operation, outcomeRows)! }))
  }

  refused(operation: number, limit: number): Promise<RefusedItem[]> {
    const sql =
      'select item, error as why from millrace_selected where operation = ? and error is not null order by item limit ?'
    return this.beside.durable(() => this.sql.all(sql, operation, limit))
  }

  remaining(operation: number, after: number, limit: number): Promise<number[]> {
    return this.beside.durable(() => this.notDone(operation, after, limit))
  }

  select(operation: NewOperation, what: Selection): Promise<Operation> {
    return writeDurably(this.beside, () => this.freeze(operation, what))
  }

  abort(id: number, actor: Actor, at: number): Promise<void> {
    return writeDurably(this.beside, () => this.end(id, actor, at))
  }

  async selected(operation: number, limit: number): Promise<number[]> {
    return this.notDone(operation, 0, limit)
  }

  private notDone(operation: number, after: number, limit: number): number[] {
    const sql = 'select item from millrace_selected where operation = ? and done = 0 and item > ? order by item limit ?'
    return this.sql.all<{ item: number }>(sql, operation, after, limit).map(({ item }) => item)
  }

  async firstSelected(operation: number): Promise<number | undefined> {
    const sql = 'select min(item) as item from millrace_selected where operation = ?'
    return this.sql.one<{ item: number | null }>(sql, operation)!.item ?? undefined
  }

  /** Counts a message as dealt with; once. In the transaction of a commit. */
  count(operation: number, item: number, error: string | null): void {
    const sql = 'update millrace_selected set done = 1, error = ? where operation = ? and item = ? and done = 0'
    if (this.sql.run(sql, error, operation, item) === 0) return
    this.sql.run(
      'update millrace_operations set done = done + 1, refused = refused + ? where id = ?',
      error === null ? 0 : 1,
      operation,
    )
  }

  /** Writes the state of an operation that has not ended. In the transaction of a commit. */
  put({ id, state, endedAt }: Pick<Operation, 'id' | 'state' | 'endedAt'>): void {
    this.sql.run(
      "update millrace_operations set state = ?, ended_at = ? where id = ? and state in ('running', 'trying')",
      state,
      endedAt,
      id,
    )
  }

  private freeze(operation: NewOperation, what: Selection): Operation {
    const { name, action, by, reason, change, oneFirst, startedAt } = operation
    if (this.sql.one('select 1 from millrace_operations where name = ?', name) !== undefined) {
      throw fault('millrace/duplicate-name', `an operation "${name}" exists already; give this one another name`)
    }
    const { id } = this.sql.one<{ id: number }>(
      `insert into millrace_operations (name, action, who, why, change, one_first, state, total, done, refused, started_at)
       values (?, ?, ?, ?, ?, ?, 'running', 0, 0, 0, ?) returning id`,
      name,
      action,
      by,
      reason,
      change === null ? null : JSON.stringify(change),
      oneFirst ? 1 : 0,
      startedAt,
    )!
    const items = JSON.stringify(this.finder.selected(what))
    const total = this.sql.run('insert into millrace_selected select ?, value, null, 0 from json_each(?)', id, items)
    if (total === 0) throw fault('millrace/nothing-selected', 'no held message matches')
    this.sql.run('update millrace_operations set total = ? where id = ?', total, id)
    const detail = { action, total, ...(change === null ? {} : { change }) }
    this.audit.record({ at: startedAt, by, action: 'selected', item: null, subject: name, reason, detail })
    return this.byId(id)!
  }

  private end(id: number, { by, reason = undefined }: Actor, at: number): void {
    const operation = this.byId(id)
    if (operation === undefined) throw fault('millrace/unknown-operation', `there is no operation ${id}`)
    const { state, name } = operation
    if (state !== 'running' && state !== 'trying') {
      throw fault('millrace/operation-ended', `operation "${name}" has ended already: ${state}`)
    }
    this.put({ id, state: 'aborted', endedAt: at })
    const why = reason ?? null
    this.audit.record({ at, by, action: 'aborted', item: null, subject: name, reason: why, detail: undefined })
  }

  private byId(id: number): Operation | undefined {
    const row = this.sql.one<Row>(`${operationText} where id = ?`, id)
    return row === undefined ? undefined : operationOf(row)
  }
}

function operationOf({ who, why, change, one_first, started_at, ended_at, ...row }: Row): Operation {
  return {
    ...row,
    by: who,
    reason: why,
    change: change === null ? null : (JSON.parse(change) as Operation['change']),
    oneFirst: one_first === 1,
    startedAt: started_at,
    endedAt: ended_at,
  }
}
