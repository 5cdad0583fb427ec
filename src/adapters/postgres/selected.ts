// The messages of operations: each is dealt with once, lane by lane. The lane of a message is known by the lowest number
// that was selected of it, so that lanes and messages are in the order of numbers.
//
//   selected ──acted on──→ done, or done and under way ──its end is told──→ done
//      └─ not possible ──→ done, with the reason
//
// What is done is counted in deltas: an operation on many messages changes its row once a second.
import type { OperationOutcome, RefusedItem, SelectedItem } from '../../model/desk-views.ts'
import type { DeskChange } from '../../seam/desk.ts'
import { lanesOf, type Place } from '../shared/selected-lanes.ts'
import { deltasOf, foldText } from './deltas.ts'
import type { Sent } from './sent.ts'
import { one, type Statements } from './statements.ts'

/** Messages of an operation whose outcome is counted. */
const outcomeRows = 10_000

const counted = (states: string) => `coalesce(sum(case when ${states} then 1 end), 0)::int8`
/** A message that is not at the desk was resolved, and forgotten later. */
const outcomeText = `select ${counted("d.id is null or d.state = 'handled'")} as handled,
    ${counted("d.state in ('trying', 'line')")} as trying, ${counted("d.state in ('held', 'deciding')")} as held,
    ${counted("d.state = 'discarded'")} as discarded
  from (select item, done, error from millrace.selected where operation = $1 order by item limit ${outcomeRows}) s
    left join lateral (select id, state from millrace.desk where id = s.item) d on true where s.done and s.error is null`
const placesText = 'select id, processor, stream, context from millrace.desk where id = any($1::int8[]) order by id'
const freezeText = `insert into millrace.selected (operation, item, lane)
  select $1::int8, * from unnest($2::int8[], $3::int8[])`
const nextText = `select item, lane, exists (select 1 from millrace.selected b
    where b.operation = s.operation and b.lane = s.lane and b.done and b.error is null) as begun
  from millrace.selected s where operation = $1 and not done order by lane, item limit $2`
const countText = `with u as (
    update millrace.selected set done = true, error = $3, under_way = $4 where operation = $1 and item = $2 and not done
    returning operation)
  insert into millrace.deltas (of, id, done, refused, failures, at)
  select 'o', operation, 1, n, n, $5 from u, (select case when $3::text is null then 0 else 1 end as n) r`
const triedText = `with u as (
    update millrace.selected set under_way = false where operation = $1 and item = $2 and under_way returning operation)
  insert into millrace.deltas (of, id, failures) select 'o', operation, 1 from u where $3::bool`
const foldedText = foldText({
  of: 'o',
  table: 'millrace.operations',
  sums: {
    done: 'sum(done)::int8',
    refused: 'sum(refused)::int8',
    failures: 'sum(failures)::int8',
    at: '(array_agg(at order by n desc) filter (where at is not null))[1]',
  },
  set: `done = r.done + s.done, refused = r.refused + s.refused, failures = r.failures + s.failures,
    next_at = coalesce(s.at, r.next_at)`,
})

/** What is counted of an operation `o`, as one row. */
export const countedNow = `select o.done + coalesce(sum(x.done), 0)::int8 as done,
    o.refused + coalesce(sum(x.refused), 0)::int8 as refused, o.failures + coalesce(sum(x.failures), 0)::int8 as failures,
    coalesce((array_agg(x.at order by x.n desc) filter (where x.at is not null))[1], o.next_at) as next_at
  from ${deltasOf('o', 'o')}`

type Counted = Extract<DeskChange, { readonly do: 'selected' }>
type Tried = Extract<DeskChange, { readonly do: 'tried' }>

export class SelectedItems {
  /** Operations with deltas that this owner has written. */
  private readonly counted = new Set<number>()

  /** Adds up what was counted before, where its time has come. Call first in a transaction. */
  fold(db: Statements, sent: Sent): void {
    if (this.counted.size === 0) return
    sent.add(db.run(foldedText, [[...this.counted]]))
    this.counted.clear()
  }

  /** Counts a message as dealt with; once. In the transaction of a commit. */
  count(db: Statements, sent: Sent, { operation, item, error, follow = false, nextAt }: Counted): void {
    sent.add(db.run(countText, [operation, item, error, follow, nextAt ?? null]))
    this.counted.add(operation)
  }

  /** Counts the end of a message; once. In the transaction of a commit. */
  tried(db: Statements, sent: Sent, { operation, item, failed }: Tried): void {
    sent.add(db.run(triedText, [operation, item, failed]))
    this.counted.add(operation)
  }
}

/** Freezes a selection; returns how many messages and lanes it has. */
export async function freezeItems(db: Statements, operation: number, items: readonly number[]) {
  const { rows, lanes } = lanesOf(await db.all<Place>(placesText, [items]))
  await db.run(freezeText, [operation, rows.map(([item]) => item), rows.map(([, lane]) => lane)])
  return { total: rows.length, lanes }
}

export const nextItems = (db: Statements, operation: number, limit: number): Promise<SelectedItem[]> =>
  db.all<SelectedItem>(nextText, [operation, limit])

export async function firstItem(db: Statements, operation: number): Promise<number | undefined> {
  const sql = 'select item from millrace.selected where operation = $1 order by item limit 1'
  return (await one<{ item: number }>(db, sql, [operation]))?.item
}

export async function itemsIn(
  db: Statements,
  which: 'not done' | 'under_way',
  operation: number,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<number[]> {
  const sql = `select item from millrace.selected where operation = $1 and ${which} and item > $2 order by item limit $3`
  return (await db.all<{ item: number }>(sql, [operation, after, limit])).map(({ item }) => item)
}

export async function outcomeOf(db: Statements, operation: number): Promise<OperationOutcome> {
  return (await one<OperationOutcome>(db, outcomeText, [operation]))!
}

export function refusedItems(db: Statements, operation: number, limit: number): Promise<RefusedItem[]> {
  const sql = `select item, error as why from millrace.selected where operation = $1 and error is not null
    order by item limit $2`
  return db.all<RefusedItem>(sql, [operation, limit])
}
