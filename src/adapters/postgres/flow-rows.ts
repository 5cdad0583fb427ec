// The rows of flows: one table of columns makes the insert of a new flow and every select.
import type { ParentFlow } from '../../model/flow.ts'
import type { FlowFilter, FlowRow, StateOfFlow } from '../../model/flow-views.ts'
import { pageOf } from '../../model/page.ts'
import type { FlowSlice } from '../../seam/flow-reads.ts'
import type { FlowChange } from '../../seam/flows.ts'
import { flowColumns, flowOf, type FlowTableRow as Row, flowSize as sizeOf } from '../shared/flow-row.ts'
import { lists } from './lists.ts'
import { slotOf } from './messages.ts'
import { one, type Scalar, type SqlValue, type Statements } from './statements.ts'

const listRows = 100
/** Flows that are looked at for those that fit, before other work has its turn. */
const lookedAtOnce = 1_000

interface Inserted {
  readonly name: string
  readonly value: (row: FlowRow) => Scalar
}

const typeOf: Readonly<Record<string, string>> = {
  slot: 'int2',
  version: 'int4',
  mediator: 'text',
  context: 'text',
  state: 'text',
  message: 'text',
  once: 'text',
  mail_after: 'text',
}
const inserted: readonly Inserted[] = [
  ...flowColumns.filter((column) => column.value !== undefined).map(({ name, value }) => ({ name, value: value! })),
  { name: 'slot', value: ({ id, context }) => slotOf({ context, id: String(id) }) },
]
const arrays = inserted.map(({ name }, at) => `$${at + 1}::${typeOf[name] ?? 'int8'}[]`)
const insertText = `insert into millrace.flows (${inserted.map(({ name }) => name).join(', ')})
  select * from unnest(${arrays.join(', ')})`
const insertedValues = inserted.map(({ value }) => value)
/** One flow has a value of `oncePer`: the successor takes it over. */
const passOnceText = 'update millrace.flows set once = null where id = any($1::int8[])'
const becomeText = `update millrace.flows f set state = c.state, error = c.error, result = c.result, ended_at = c.ended_at
  from unnest($1::int8[], $2::text[], $3::text[], $4::text[], $5::int8[]) as c (id, state, error, result, ended_at)
  where f.id = any($1::int8[]) and f.id = c.id`
const becomes = [
  ({ flow }: StateChange) => flow,
  ({ state }: StateChange) => state,
  ({ error }: StateChange) => (error === null ? null : JSON.stringify(error)),
  ({ result }: StateChange) => (result === undefined ? null : JSON.stringify(result)),
  ({ endedAt }: StateChange) => endedAt,
]
const selected = flowColumns.map(({ name, as }) => (as === undefined ? name : `${name} as "${as}"`)).join(', ')
/** Without the offset, the lowest number would be looked for in the order of numbers: past all that is held. */
const rowText = `select ${selected}, case when ended_at is null then (
    select min(id) from (select d.id from millrace.desk d where d.asked > 0 and d.resolved_at is null
      and d.state in ('held', 'deciding') and d.message_id > 'flow/' || f.id || '/' and d.message_id < 'flow/' || f.id || '0'
      offset 0) d
  ) end as held from millrace.flows f`
const stateText = 'select id, mediator, state from millrace.flows'
const isUnderWay = "mediator = $1 and context = $2 and ended_at is null and state <> 'queued'"

export type StateChange = FlowChange & { readonly do: 'state' }

/** The flows of a mediator that share a context. */
export interface FlowContext {
  readonly mediator: string
  readonly context: string
}

// ── changing, in the transaction of a commit ─────────────────────────────────────────────────────────────────────

/** Sends new flows. */
export function sendNew(db: Statements, rows: readonly FlowRow[]): Promise<unknown> {
  const before = rows.filter(({ continues, once }) => continues !== null && once !== null)
  const passed = before.length === 0 ? [] : [db.run(passOnceText, [before.map(({ continues }) => continues)])]
  return Promise.all([...passed, db.run(insertText, lists(rows, insertedValues))])
}

/** Sends new states, each of another flow. */
export const sendStates = (db: Statements, changes: readonly StateChange[]): Promise<number> =>
  db.run(becomeText, lists(changes, becomes))

// ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

export async function flowRow(db: Statements, id: number): Promise<FlowRow | undefined> {
  const row = await one<Row>(db, `${rowText} where f.id = $1`, [id])
  return row && flowOf(row)
}

export const flowState = (db: Statements, id: number): Promise<StateOfFlow | undefined> =>
  one<StateOfFlow>(db, `${stateText} where id = $1`, [id])

export const flowStates = (db: Statements, after: number, limit: number): Promise<StateOfFlow[]> =>
  db.all<StateOfFlow>(`${stateText} where id > $1 order by id limit $2`, [after, limit])

export async function flowList(
  db: Statements,
  { limit = listRows, after = 0, ...filter }: FlowFilter,
  bytesMax?: number,
): Promise<FlowSlice> {
  const looked = await db.all<{ id: number }>(`select id from millrace.flows where id > $1 order by id limit $2`, [
    after,
    lookedAtOnce,
  ])
  const upTo = looked.at(-1)?.id ?? after
  const { where, values } = conditions(filter, 4)
  const rows = await db.all<Row>(
    `${rowText} where ${['f.id > $1 and f.id <= $2', ...where].join(' and ')} order by f.id limit $3`,
    [after, upTo, limit, ...values],
  )
  const page = pageOf(rows, { limit, sizeOf, cursorOf: ({ id }) => id, bytesMax })
  const last = page.next ?? (looked.length === lookedAtOnce ? upTo : undefined)
  return { rows: page.rows.map(flowOf), last, isFull: page.next !== undefined, bytes: page.bytes }
}

/** The flow that a step of another has started and that is under way, or continues in the place of that one. */
export async function startedBy(db: Statements, { flow, n }: ParentFlow): Promise<number | undefined> {
  const sql = 'select id from millrace.flows where parent_flow = $1 and parent_n = $2 and ended_at is null limit 1'
  return (await one<{ id: number }>(db, sql, [flow, n]))?.id
}

export async function hasOnce(db: Statements, mediator: string, once: string): Promise<boolean> {
  return (
    (await one(db, 'select 1 as one from millrace.flows where mediator = $1 and once = $2', [mediator, once])) !==
    undefined
  )
}

/** The flows of a context that are under way, without the queued ones: after an id, in order, at most so many. */
export async function flowsUnderWay(
  db: Statements,
  { mediator, context }: FlowContext,
  after: number,
  limit: number,
): Promise<number[]> {
  const sql = `select id from millrace.flows where ${isUnderWay} and id > $3 order by id limit $4`
  return (await db.all<{ id: number }>(sql, [mediator, context, after, limit])).map(({ id }) => id)
}

/** The first queued flow of a context, where no other is under way. */
export async function nextQueued(db: Statements, { mediator, context }: FlowContext): Promise<number | undefined> {
  const sql = `select id from millrace.flows where mediator = $1 and context = $2 and state = 'queued'
    and not exists (select 1 from millrace.flows where ${isUnderWay}) order by id limit 1`
  return (await one<{ id: number }>(db, sql, [mediator, context]))?.id
}

/** Flows that ended before a time, at most so many. */
export async function endedBefore(db: Statements, ms: number, limit: number): Promise<number[]> {
  const sql = 'select id from millrace.flows where ended_at < $1 order by ended_at limit $2'
  return (await db.all<{ id: number }>(sql, [ms, limit])).map(({ id }) => id)
}

function conditions({ mediator, states, context, step, startedBefore }: FlowFilter, first: number) {
  const where: string[] = []
  const values: SqlValue[] = []
  const add = (sql: (place: string) => string, value: SqlValue | undefined) => {
    if (value === undefined) return
    where.push(sql(`$${first + values.length}`))
    values.push(value)
  }
  add((mine) => `f.mediator = ${mine}`, mediator)
  add((mine) => `f.context = ${mine}`, context)
  add((mine) => `f.started_at < ${mine}`, startedBefore)
  add((mine) => `f.state = any(${mine}::text[])`, states)
  add(
    (mine) => `f.ended_at is null and exists (
      select 1 from millrace.journal j where j.flow = f.id and j.of_n is null and j.step = ${mine} and not exists (
        select 1 from millrace.journal e where e.flow = j.flow and e.of_n = j.n))`,
    step,
  )
  return { where, values }
}
