// The times of flows: when a sleep ends, and when a step has taken too long.
//
//   set ──→ waits ──its time has come──→ due ──removed with its step
//            └─its flow is paused, or no app runs its mediator──→ asleep (its time is below zero) ──woken──→ waits
//
// Times that have come are dead rows at the low end, as long as anybody's transaction keeps them: the owner remembers that
// none is before the next one.
import type { DueTime, FlowTimes, SleepingTime } from '../../seam/flow-times.ts'
import { lists } from './lists.ts'
import type { Sent } from './sent.ts'
import { type Beside, one, type Statements, type Transaction } from './statements.ts'

interface Step {
  readonly flow: number
  readonly n: number
}

type Change =
  | (Step & { readonly do: 'set'; readonly due: number })
  | (Step & { readonly do: 'remove' | 'sleep' | 'wake' })
  | { readonly do: 'clear' | 'sleep all' | 'wake all'; readonly flow: number }

const setText = `insert into millrace.flow_timers (due, flow, n) select * from unnest($1::int8[], $2::int8[], $3::int8[])`
const removeText = `delete from millrace.flow_timers t using unnest($1::int8[], $2::int8[]) as s (flow, n)
  where t.flow = any($1::int8[]) and t.flow = s.flow and t.n = s.n`
const clearText = 'delete from millrace.flow_timers where flow = any($1::int8[])'
const nextText = 'select due from millrace.flow_timers where due >= $1 order by due limit 1'
const texts = {
  sleep: 'update millrace.flow_timers set due = -abs(due) where flow = $1 and n = $2',
  /** The times of a paused flow stay asleep. */
  wake: `update millrace.flow_timers set due = abs(due) where flow = $1 and n = $2
    and (select state from millrace.flows where id = $1) <> 'paused'`,
  'sleep all': 'update millrace.flow_timers set due = -due where flow = $1 and due > 0',
  'wake all': 'update millrace.flow_timers set due = -due where flow = $1 and due < 0',
} as const
const asleepText = `select t.due, t.flow, t.n, f.mediator, f.state from (
    select * from millrace.flow_timers where (due, flow, n) > ($1, $2, $3) and due < 0 order by due, flow, n limit $4) t
  join millrace.flows f on f.id = t.flow order by t.due, t.flow, t.n`

const step = [({ flow }: Step) => flow, ({ n }: Step) => n]

/** The times of one transaction that change, in their order. */
export class TimeChanges {
  private readonly changes: Change[] = []

  add(change: Change): void {
    this.changes.push(change)
  }

  get isEmpty(): boolean {
    return this.changes.length === 0
  }

  /** The lowest time that may be there when these are written. */
  lowest(before: number): number {
    return this.changes.reduce(
      (low, change) => (change.do === 'set' ? Math.min(low, change.due) : change.do.startsWith('wake') ? 0 : low),
      before,
    )
  }

  /** Sends all: those that follow each other and are alike as one statement. Returns whether a time has changed. */
  send(db: Statements, sent: Sent): Promise<boolean> {
    const changed: Promise<number>[] = []
    const { changes } = this
    for (let from = 0; from < changes.length; ) {
      const { do: what } = changes[from]!
      const isOne = what !== 'set' && what !== 'remove' && what !== 'clear'
      let to = from + 1
      while (!isOne && changes[to]?.do === what) to++
      changed.push(sent.add(sendAlike(db, changes.slice(from, to))))
      from = to
    }
    return sent.add(Promise.all(changed).then((rows) => rows.some((one) => one > 0)))
  }
}

function sendAlike(db: Statements, changes: readonly Change[]): Promise<number> {
  const [first] = changes
  switch (first!.do) {
    case 'set':
      return db.run(setText, lists(changes as (Change & { readonly do: 'set' })[], [({ due }) => due, ...step]))
    case 'remove':
      return db.run(removeText, lists(changes as readonly Step[], step))
    case 'clear':
      return db.run(clearText, [changes.map(({ flow }) => flow)])
    case 'sleep':
    case 'wake':
      return db.run(texts[first!.do], [first!.flow, first!.n])
    case 'sleep all':
    case 'wake all':
      return db.run(texts[first!.do], [first!.flow])
  }
}

export class FlowTimeTable implements FlowTimes {
  private readonly beside: Beside
  /** No time that is to come is before it. */
  private low = 0
  private writes = 0

  constructor(beside: Beside) {
    this.beside = beside
  }

  /**
   * Sends the changes of a transaction. Returns when the next time comes, where a time has changed; null where there is
   * none.
   */
  async write(db: Transaction, sent: Sent, changes: TimeChanges): Promise<number | null | undefined> {
    if (changes.isEmpty) return undefined
    const low = changes.lowest(this.low)
    const changed = changes.send(db, sent)
    const next = sent.add(one<{ due: number }>(db, nextText, [low]))
    // What is set counts at once, whatever becomes of the transaction; what is gone counts when it is committed, and
    // nothing else was written since.
    this.low = low
    const write = ++this.writes
    const due = (await next)?.due
    if (due !== undefined) {
      db.committed(() => {
        if (this.writes === write) this.low = due
      })
    }
    return (await changed) ? (due ?? null) : undefined
  }

  /** When the next time comes, as a take-over finds it; null where there is none. */
  async next(db: Statements): Promise<number | null> {
    return (await one<{ due: number }>(db, nextText, [0]))?.due ?? null
  }

  due(now: number, limit: number): Promise<DueTime[]> {
    const sql = 'select flow, n from millrace.flow_timers where due >= $1 and due <= $2 order by due limit $3'
    return this.beside.read((db) => db.all<DueTime>(sql, [this.low, now, limit]))
  }

  asleep(after: SleepingTime | undefined, limit: number): Promise<SleepingTime[]> {
    const place = [after?.due ?? Number.MIN_SAFE_INTEGER, after?.flow ?? 0, after?.n ?? 0]
    return this.beside.read((db) => db.all<SleepingTime>(asleepText, [...place, limit]))
  }
}

/** The times of a flow, those that sleep too, by the entries with which their steps began. */
export function timesOf(db: Statements, flow: number): Promise<{ readonly n: number; readonly due: number }[]> {
  return db.all('select n, abs(due) as due from millrace.flow_timers where flow = $1 order by n', [flow])
}
