// The messages of operations: each is dealt with once, lane by lane. The lane of a message is known by the lowest number
// that was selected of it, so that lanes and messages are in the order of numbers.
//
//   selected ──acted on──→ done, or done and under way ──its end is told──→ done
//      └─ not possible ──→ done, with the reason
import type { OperationOutcome, RefusedItem, SelectedItem } from '../../model/desk-views.ts'
import type { DeskChange } from '../../seam/desk.ts'
import { lanesOf, type Place } from '../shared/selected-lanes.ts'
import type { Statements } from './statements.ts'

/** Messages of an operation whose outcome is counted. */
const outcomeRows = 10_000

/** A message that is not at the desk was resolved, and forgotten later. */
const outcomeText = `select coalesce(sum(d.id is null or d.state = 'handled'), 0) as handled,
    coalesce(sum(d.state in ('trying', 'line')), 0) as trying, coalesce(sum(d.state in ('held', 'deciding')), 0) as held,
    coalesce(sum(d.state = 'discarded'), 0) as discarded
  from (select item, done, error from millrace_selected where operation = ? order by item limit ?) s
    left join millrace_desk d on d.id = s.item where s.done = 1 and s.error is null`
const placesText = `select d.id, d.processor, d.stream, d.context from json_each(?) i cross join millrace_desk d on d.id = i.value`
const freezeText = `insert into millrace_selected (operation, item, error, done, lane)
  select ?, value ->> 0, null, 0, value ->> 1 from json_each(?)`
const nextText = `select item, lane, exists (select 1 from millrace_selected b
    where b.operation = s.operation and b.lane = s.lane and b.done = 1 and b.error is null) as begun
  from millrace_selected s where operation = ? and done = 0 order by lane, item limit ?`

type Counted = Extract<DeskChange, { readonly do: 'selected' }>
type Tried = Extract<DeskChange, { readonly do: 'tried' }>

export class SelectedItems {
  private readonly sql: Statements

  constructor(sql: Statements) {
    this.sql = sql
  }

  /** Freezes a selection; returns how many messages and lanes it has. */
  freeze(operation: number, items: readonly number[]): { readonly total: number; readonly lanes: number } {
    const { rows, lanes } = lanesOf(this.sql.each<Place>(placesText, JSON.stringify(items)))
    this.sql.run(freezeText, operation, JSON.stringify(rows))
    return { total: rows.length, lanes }
  }

  next(operation: number, limit: number): SelectedItem[] {
    const rows = this.sql.all<Omit<SelectedItem, 'begun'> & { begun: number }>(nextText, operation, limit)
    return rows.map((row) => ({ ...row, begun: row.begun === 1 }))
  }

  first(operation: number): number | undefined {
    const sql = 'select min(item) as item from millrace_selected where operation = ?'
    return this.sql.one<{ item: number | null }>(sql, operation)!.item ?? undefined
  }

  remaining(operation: number, after: number, limit: number): number[] {
    return this.items('done = 0', operation, after, limit)
  }

  underWay(operation: number, after: number, limit: number): number[] {
    return this.items('under_way = 1', operation, after, limit)
  }

  outcome(operation: number): OperationOutcome {
    return { ...this.sql.one<OperationOutcome>(outcomeText, operation, outcomeRows)! }
  }

  refused(operation: number, limit: number): RefusedItem[] {
    const sql =
      'select item, error as why from millrace_selected where operation = ? and error is not null order by item limit ?'
    return this.sql.all(sql, operation, limit)
  }

  /** Counts a message as dealt with; once. In the transaction of a commit. */
  count({ operation, item, error, follow = false, nextAt }: Counted): void {
    const sql = `update millrace_selected set done = 1, error = ?, under_way = ?
      where operation = ? and item = ? and done = 0`
    if (this.sql.run(sql, error, follow ? 1 : 0, operation, item) === 0) return
    const refused = error === null ? 0 : 1
    this.sql.run(
      `update millrace_operations set done = done + 1, refused = refused + ?, failures = failures + ?,
         next_at = coalesce(?, next_at) where id = ?`,
      refused,
      refused,
      nextAt ?? null,
      operation,
    )
  }

  /** Counts the end of a message; once. In the transaction of a commit. */
  tried({ operation, item, failed }: Tried): void {
    const sql = 'update millrace_selected set under_way = 0 where operation = ? and item = ? and under_way = 1'
    if (this.sql.run(sql, operation, item) === 0 || !failed) return
    this.sql.run('update millrace_operations set failures = failures + 1 where id = ?', operation)
  }

  private items(which: 'done = 0' | 'under_way = 1', operation: number, after: number, limit: number): number[] {
    const sql = `select item from millrace_selected where operation = ? and ${which} and item > ? order by item limit ?`
    return this.sql.all<{ item: number }>(sql, operation, after, limit).map(({ item }) => item)
  }
}
