// The log facet: what is appended, what is read, and what arrives.
//
//   inserted (in a commit) ──numbered in it──→ durable ──→ told, in the order of positions
//   inserted by anybody ──found by a poll or a commit, numbered──→ durable ──read back──→ told
import type { Stored } from '../../model/codec.ts'
import type { ArrivalListener, CountedSlice, LogStore, Retain } from '../../seam/log.ts'
import type { Kinds } from './kinds.ts'
import { countSlice, firstOf, headOf, oldMessages, readSlice, removeOld } from './log-reads.ts'
import { messageColumns, messageValues } from './messages.ts'
import type { Run } from './numbering.ts'
import type { Beside, Scalar, SqlValue, Statements } from './statements.ts'

const names = Object.keys(messageColumns)
const arrays = Object.values(messageColumns).map((type, index) => `$${index + 1}::${type}[]`)
const insertText = `insert into millrace.messages (${names.join(', ')})
  select * from unnest(${arrays.join(', ')})`

const trimRows = 1_000
/** Messages that are read back and told at once. */
const toldRows = 500
const toldBytes = 4 << 20

export class Log implements LogStore {
  private readonly kinds: Kinds
  private readonly beside: Beside
  private readonly heads: Map<number, number>
  /** Told where messages that have positions cannot be read back: who listens would miss them. */
  private readonly lost: (error: unknown) => void
  private listener: ArrivalListener | undefined
  /** Arrivals are told one after the other. */
  private telling: Promise<void> | undefined

  constructor(kinds: Kinds, beside: Beside, heads: Map<number, number>, lost: (error: unknown) => void = () => {}) {
    this.kinds = kinds
    this.beside = beside
    this.heads = heads
    this.lost = lost
  }

  /** Inserts messages, whose kinds have numbers; in the transaction of a commit. They get their positions at its end. */
  async append(db: Statements, messages: readonly Stored[]): Promise<void> {
    if (messages.length === 0) return
    const columns: Scalar[][] = names.map(() => [])
    for (const message of messages) {
      const values = messageValues(message, this.kinds.of(message))
      for (let index = 0; index < values.length; index++) columns[index]!.push(values[index] as Scalar)
    }
    await db.run(insertText, columns as SqlValue[])
  }

  /** What was numbered is durable: it is told to the listener. `own` are the messages of runs that are own, in order. */
  arrived(runs: readonly Run[], own: readonly Stored[]): void {
    const known = runs.filter(({ stream }) => this.heads.has(stream))
    for (const { stream, position, count } of known) this.heads.set(stream, position + count - 1)
    if (known.length === 0) return
    if (this.telling === undefined && known.every((run) => run.own)) this.tellOwn(known, own)
    else {
      const told = (this.telling ?? Promise.resolve()).then(() => this.tell(known, own))
      const ended = told.catch(this.lost).then(() => {
        if (this.telling === ended) this.telling = undefined
      })
      this.telling = ended
    }
  }

  onArrival(listener: ArrivalListener): void {
    this.listener = listener
  }

  read(stream: number, after: number, limit: number, bytesMax: number): Promise<Stored[]> {
    return this.beside.read((db) => readSlice(db, { stream, after, limit, bytesMax }))
  }

  first(stream: number): Promise<number> {
    return this.beside.read((db) => firstOf(db, stream))
  }

  async head(stream: number): Promise<number> {
    return this.heads.get(stream) ?? this.beside.read((db) => headOf(db, stream))
  }

  positionBefore(stream: number, ms: number): Promise<number> {
    return this.beside.read(async (db) => {
      let high = await headOf(db, stream)
      let low = (await firstOf(db, stream)) - 1
      while (low < high) {
        const middle = Math.floor((low + high) / 2) + 1
        const [message] = await readSlice(db, { stream, after: middle - 1, limit: 1, bytesMax: 1 })
        if (message!.time < ms) low = message!.position
        else high = middle - 1
      }
      return low
    })
  }

  count(stream: number, source: string, after: number): Promise<CountedSlice> {
    return this.beside.read((db) => countSlice(db, { stream, source, after }))
  }

  async trim(stream: number, upTo: number, { beforeMs, bytes }: Retain): Promise<number> {
    const trim = { stream, upTo, beforeMs, bytes, limit: 1 }
    const some = await this.beside.read((db) => oldMessages(db, trim))
    if (some.length === 0) return 0
    return this.beside.write(async (db) => {
      const old = await oldMessages(db, { ...trim, limit: trimRows })
      if (old.length > 0) await removeOld(db, stream, old)
      return old.length
    })
  }

  private tellOwn(runs: readonly Run[], own: readonly Stored[]): void {
    const positions = positionsOf(runs)
    this.listener?.(own, positions)
  }

  private async tell(runs: readonly Run[], own: readonly Stored[]): Promise<void> {
    let taken = 0
    for (const run of runs) {
      if (run.own) {
        this.tellOwn([run], own.slice(taken, taken + run.count))
        taken += run.count
        continue
      }
      const end = run.position + run.count - 1
      for (let after = run.position - 1; after < end; ) {
        const messages = await this.read(run.stream, after, Math.min(toldRows, end - after), toldBytes)
        if (messages.length === 0) throw new Error(`the messages of a run behind ${after} are not there`)
        const positions = messages.map(({ position }) => position)
        this.listener?.(messages, positions)
        after = positions.at(-1)!
      }
    }
  }
}

/** The positions of runs, one after the other. */
export function positionsOf(runs: readonly Run[]): number[] {
  const positions: number[] = []
  for (const { position, count } of runs) {
    for (let index = 0; index < count; index++) positions.push(position + index)
  }
  return positions
}
