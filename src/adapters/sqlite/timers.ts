import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Stored } from '../../model/codec.ts'
import type { Appended } from '../../seam/log.ts'
import type { Cancel, Cancelled, Fired, Firing } from '../../seam/timers.ts'
import { attributesJson } from '../shared/attributes.ts'
import { claimSourceOf } from './attributes.ts'
import type { LogTableRow } from './kinds.ts'
import type { Log } from './log.ts'

interface Row extends LogTableRow {
  due: number
  sequence: number
  stream: number
}

const columns = `due, sequence, stream, 0 as position, message_id as id, kind, time, context, correlation, causation,
  trace, own_id, data, attributes`

/** Delayed messages until they are due. */
export class TimerTable {
  private readonly log: Log
  private readonly insert: StatementSync
  private readonly first: StatementSync
  private readonly ripe: StatementSync
  private readonly deleteUpTo: StatementSync
  private readonly find: StatementSync
  private readonly delete: StatementSync

  constructor(db: DatabaseSync, log: Log) {
    this.log = log
    this.insert = db.prepare(
      `insert into millrace_timers
       select :due, coalesce(max(sequence), 0) + 1, :stream, :kind, :id, :own, :time, :context, :correlation, :causation,
         :trace, :data, :attributes from millrace_timers where due = :due`,
    )
    this.first = db.prepare('select min(due) as due from millrace_timers')
    this.ripe = db.prepare(`select ${columns} from millrace_timers where due <= ? order by due, sequence limit ?`)
    this.deleteUpTo = db.prepare('delete from millrace_timers where (due, sequence) <= (?, ?)')
    this.find = db.prepare(
      `select due, sequence, own_id from millrace_timers t join millrace_kinds k on k.id = t.kind
       where message_id = ? and k.type = ? and ${claimSourceOf('t.attributes')} = ''`,
    )
    this.delete = db.prepare('delete from millrace_timers where due = ? and sequence = ?')
  }

  /** Keeps a message until it is due, unless its id was there. Until then it has no position. */
  keep(message: Stored): Appended {
    const repeats = this.log.claim(message, 0)
    if (repeats !== undefined) return repeats
    const { due, stream, id, time, context, correlationId, causationId } = message
    this.insert.run({
      due,
      stream,
      kind: this.log.kindOf(message),
      id,
      own: message.ownId ? 1 : 0,
      time,
      context,
      correlation: correlationId === id ? null : correlationId,
      causation: causationId,
      trace: message.trace,
      data: message.json,
      attributes: attributesJson(message),
    })
    return 0
  }

  /** Moves messages that are due to their logs. */
  fire(firing: Firing, now: number): Fired {
    const appended: Stored[] = []
    let bytes = 0
    let last: Row | undefined
    for (const row of this.ripe.iterate(now, firing.limit) as IterableIterator<unknown> as IterableIterator<Row>) {
      bytes += row.data.length
      if (bytes > firing.bytesMax && last !== undefined) break
      const message = this.log.stored(row.stream, { ...row, time: now })
      message.position = this.log.appendClaimed(message)
      appended.push(message)
      last = row
    }
    if (last !== undefined) this.deleteUpTo.run(last.due, last.sequence)
    return { do: 'fire', appended, nextDue: this.nextDue() }
  }

  cancelled({ type, id }: Cancel): Cancelled {
    return { do: 'cancel', found: this.cancel(type, id) }
  }

  /** Takes back a message of the app itself. Returns whether it was pending. */
  cancel(type: string, id: string): boolean {
    const row = this.find.get(id, type) as { due: number; sequence: number; own_id: number } | undefined
    if (row === undefined) return false
    this.delete.run(row.due, row.sequence)
    if (row.own_id === 1) this.log.forget(type, id)
    return true
  }

  nextDue(): number | undefined {
    return (this.first.get() as { due: number | null }).due ?? undefined
  }
}
