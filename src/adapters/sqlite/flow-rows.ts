// The rows of flows: one table of columns makes the insert of a new flow and every select.
import type { ParentFlow } from '../../model/flow.ts'
import type { FlowFilter, FlowRow, StateOfFlow } from '../../model/flow-views.ts'
import { pageOf } from '../../model/page.ts'
import type { FlowSlice } from '../../seam/flow-reads.ts'
import type { FlowChange } from '../../seam/flows.ts'
import { flowColumns as columns, flowOf, type FlowTableRow as Row, flowSize as sizeOf } from '../shared/flow-row.ts'
import type { Statements, Value } from './statements.ts'

const listRows = 100
/** Flows that are looked at for those that fit, before other work has its turn. */
const lookedAtOnce = 1_000

const inserted = columns.filter(({ value }) => value !== undefined)
const names = inserted.map(({ name }) => name).join(', ')
const places = inserted.map(() => '?').join(', ')
const insertText = `insert into millrace_flows (${names}) values (${places})`
const selected = columns.map(({ name, as }) => (as === undefined ? name : `${name} as ${as}`)).join(', ')
/** A plus before a column keeps its index from being used: it would lead past all that is held. */
const rowText = `select ${selected}, case when ended_at is null then (
    select min(d.id) from millrace_desk d where d.asked > 0 and d.resolved_at is null and +d.state in ('held', 'deciding')
      and d.message_id > 'flow/' || millrace_flows.id || '/' and d.message_id < 'flow/' || millrace_flows.id || '0'
  ) end as held from millrace_flows`
const stateText = 'select id, mediator, state from millrace_flows'

export class FlowRows {
  private readonly sql: Statements

  constructor(sql: Statements) {
    this.sql = sql
  }

  insert(row: FlowRow): void {
    // One flow has a value of `oncePer`: the successor takes it over.
    if (row.continues !== null && row.once !== null) {
      this.sql.run('update millrace_flows set once = null where id = ?', row.continues)
    }
    this.sql.run(insertText, ...inserted.map(({ value }) => value!(row)))
  }

  become({ flow, state, error, result, endedAt }: FlowChange & { readonly do: 'state' }): void {
    this.sql.run(
      'update millrace_flows set state = ?, error = ?, result = ?, ended_at = ? where id = ?',
      state,
      error === null ? null : JSON.stringify(error),
      result === undefined ? null : JSON.stringify(result),
      endedAt,
      flow,
    )
  }

  delete(id: number): void {
    this.sql.run('delete from millrace_flows where id = ?', id)
  }

  row(id: number): FlowRow | undefined {
    const row = this.sql.one<Row>(`${rowText} where id = ?`, id)
    return row && flowOf({ ...row })
  }

  stateOf(id: number): StateOfFlow | undefined {
    return this.sql.one(`${stateText} where id = ?`, id)
  }

  states(after: number, limit: number): StateOfFlow[] {
    return this.sql.all(`${stateText} where id > ? order by id limit ?`, after, limit)
  }

  list({ limit = listRows, after = 0, ...filter }: FlowFilter, bytesMax?: number): FlowSlice {
    const looked = this.sql.all<{ id: number }>(
      'select id from millrace_flows where id > ? order by id limit ?',
      after,
      lookedAtOnce,
    )
    const upTo = looked.at(-1)?.id ?? after
    const { where, values } = conditions(filter)
    const rows = this.sql.each<Row>(
      `${rowText} where ${['id > ? and id <= ?', ...where].join(' and ')} order by id limit ?`,
      after,
      upTo,
      ...values,
      limit,
    )
    const page = pageOf(rows, { limit, sizeOf, cursorOf: ({ id }) => id, bytesMax })
    const last = page.next ?? (looked.length === lookedAtOnce ? upTo : undefined)
    return { rows: page.rows.map(flowOf), last, isFull: page.next !== undefined, bytes: page.bytes }
  }

  /** The flow that a step of another has started and that is under way, or continues in the place of that one. */
  startedBy({ flow, n }: ParentFlow): number | undefined {
    const sql = 'select id from millrace_flows where parent_flow = ? and parent_n = ? and ended_at is null'
    return this.sql.one<{ id: number }>(sql, flow, n)?.id
  }

  hasOnce(mediator: string, once: string): boolean {
    return this.sql.one('select 1 from millrace_flows where mediator = ? and once = ?', mediator, once) !== undefined
  }

  /** The flows of a context that are under way, without the queued ones: after an id, in order, at most so many. */
  underWay({ mediator, context }: FlowContext, after: number, limit: number): number[] {
    const rows = this.sql.all<{ id: number }>(
      `select id from millrace_flows
       where mediator = ? and context = ? and ended_at is null and state <> 'queued' and id > ? order by id limit ?`,
      mediator,
      context,
      after,
      limit,
    )
    return rows.map(({ id }) => id)
  }

  /** The first queued flow of a context, where no other is under way. */
  next(of: FlowContext): number | undefined {
    if (this.underWay(of, 0, 1).length > 0) return undefined
    const sql =
      "select id from millrace_flows where mediator = ? and context = ? and state = 'queued' order by id limit 1"
    return this.sql.one<{ id: number }>(sql, of.mediator, of.context)?.id
  }

  /** Flows that ended before a time, at most so many. */
  endedBefore(ms: number, limit: number): number[] {
    const sql = 'select id from millrace_flows where ended_at < ? limit ?'
    return this.sql.all<{ id: number }>(sql, ms, limit).map(({ id }) => id)
  }
}

/** The flows of a mediator that share a context. */
export interface FlowContext {
  readonly mediator: string
  readonly context: string
}

function conditions({ mediator, states, context, step, startedBefore }: FlowFilter) {
  const where: string[] = []
  const values: Value[] = []
  const add = (sql: string, ...more: readonly (Value | undefined)[]) => {
    if (more.includes(undefined)) return
    where.push(sql)
    values.push(...(more as Value[]))
  }
  add('mediator = ?', mediator)
  add('context = ?', context)
  add('started_at < ?', startedBefore)
  if (states !== undefined) add(`state in (${states.map(() => '?').join(', ')})`, ...states)
  add(
    `ended_at is null and exists (
       select 1 from millrace_journal j where j.flow = millrace_flows.id and j.of_n is null and j.step = ? and not exists (
         select 1 from millrace_journal e where e.flow = j.flow and e.of_n = j.n))`,
    step,
  )
  return { where, values }
}
