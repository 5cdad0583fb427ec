// The times of flows: when a sleep ends, and when a step has taken too long.
//
//   set ──→ waits ──its time has come──→ due ──removed with its step
//            └─its flow is paused, or no app runs its mediator──→ asleep (its time is below zero) ──woken──→ waits
import type { DueTime, FlowTimes, SleepingTime } from '../../seam/flow-times.ts'
import type { Statements } from './statements.ts'

export class FlowTimeTable implements FlowTimes {
  private readonly sql: Statements
  /** Whether a time has changed since the next one was read. */
  private isChanged = false

  constructor(sql: Statements) {
    this.sql = sql
  }

  // ── changing ───────────────────────────────────────────────────────────────────────────────────────────────────

  set(flow: number, n: number, due: number): void {
    this.noteChanged(this.sql.run('insert into millrace_flow_timers values (?, ?, ?)', due, flow, n))
  }

  remove(flow: number, n: number): void {
    this.noteChanged(this.sql.run('delete from millrace_flow_timers where flow = ? and n = ?', flow, n))
  }

  clear(flow: number): void {
    this.noteChanged(this.sql.run('delete from millrace_flow_timers where flow = ?', flow))
  }

  sleep(flow: number, n: number): void {
    const sql = 'update millrace_flow_timers set due = -abs(due) where flow = ? and n = ?'
    this.noteChanged(this.sql.run(sql, flow, n))
  }

  /** The times of a paused flow stay asleep. */
  wake(flow: number, n: number): void {
    const changed = this.sql.run(
      `update millrace_flow_timers set due = abs(due) where flow = ?1 and n = ?2
         and (select state from millrace_flows where id = ?1) <> 'paused'`,
      flow,
      n,
    )
    this.noteChanged(changed)
  }

  /** All times of a flow that is paused sleep: they stand before all that can be due. */
  sleepAll(flow: number): void {
    this.noteChanged(this.sql.run('update millrace_flow_timers set due = -due where flow = ? and due > 0', flow))
  }

  wakeAll(flow: number): void {
    this.noteChanged(this.sql.run('update millrace_flow_timers set due = -due where flow = ? and due < 0', flow))
  }

  private noteChanged(rows: number): void {
    if (rows > 0) this.isChanged = true
  }

  /** Forgets that times have changed: a transaction begins. */
  begin(): void {
    this.isChanged = false
  }

  /** When the next time comes, where that may have changed in this transaction; null where there is none. */
  get changedNext(): number | null | undefined {
    return this.isChanged ? this.next : undefined
  }

  // ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

  get next(): number | null {
    const sql = 'select due from millrace_flow_timers where due >= 0 order by due limit 1'
    return this.sql.one<{ due: number }>(sql)?.due ?? null
  }

  async due(now: number, limit: number): Promise<DueTime[]> {
    const sql = 'select flow, n from millrace_flow_timers where due between 0 and ? order by due limit ?'
    return this.sql.all(sql, now, limit)
  }

  async asleep(after: SleepingTime | undefined, limit: number): Promise<SleepingTime[]> {
    return this.sql.all(
      `select t.due, t.flow, t.n, f.mediator, f.state from millrace_flow_timers t cross join millrace_flows f on f.id = t.flow
       where (t.due, t.flow, t.n) > (?, ?, ?) and t.due < 0 order by t.due, t.flow, t.n limit ?`,
      after?.due ?? Number.MIN_SAFE_INTEGER,
      after?.flow ?? 0,
      after?.n ?? 0,
      limit,
    )
  }

  /** The times of a flow, those that sleep too, by the entries with which their steps began. */
  of(flow: number): { readonly n: number; readonly due: number }[] {
    return this.sql.all('select n, abs(due) as due from millrace_flow_timers where flow = ? order by n', flow)
  }
}
