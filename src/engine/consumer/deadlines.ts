import type { Stored } from '../../model/codec.ts'
import { fault } from '../../model/errors.ts'
import type { ProcessorSpec } from '../spec.ts'

export interface DeadlinesHost {
  now(): number
  /** Whether the message at a position is done, or at the desk. */
  isDone(position: number): boolean
}

/** How many are remembered before those that are done are forgotten. */
const notedMax = 1_024

/** The deadlines of the commands of one processor: each has its turn by then, or is held. */
export class Deadlines {
  private readonly host: DeadlinesHost
  /** Of the types that have one, milliseconds from the time at which a command was accepted. */
  private readonly ms: ReadonlyMap<string, number>
  /** Of the commands in memory. */
  private readonly noted: { readonly position: number; readonly at: number }[] = []

  constructor({ handlers }: Pick<ProcessorSpec, 'handlers'>, host: DeadlinesHost) {
    this.host = host
    const types = [...handlers.values()].map(({ type }) => type)
    this.ms = new Map(
      types.flatMap((type) =>
        type.kind === 'command' && type.deadlineMs !== undefined ? [[type.name, type.deadlineMs]] : [],
      ),
    )
  }

  note({ type, time, position }: Stored): void {
    if (this.ms.size === 0) return
    const ms = this.ms.get(type)
    if (ms !== undefined) this.noted.push({ position, at: time + ms })
  }

  /** @throws `millrace/deadline-passed` */
  check({ type, time }: Stored): void {
    if (this.ms.size === 0) return
    const ms = this.ms.get(type)
    if (ms === undefined || this.host.now() <= time + ms) return
    const what = `"${type}" missed its deadline of ${ms} ms`
    throw fault('millrace/deadline-passed', `${what}; a rule or a person decides about it`)
  }

  /** The number of commands in memory that are late and still wait for their turn. */
  get overdue(): number {
    const now = this.host.now()
    let late = 0
    let kept = 0
    for (const one of this.noted) {
      if (this.host.isDone(one.position)) continue
      this.noted[kept++] = one
      if (one.at < now) late++
    }
    this.noted.length = kept
    return late
  }

  /** Forgets the commands that are done. Called at intervals. */
  forget(): void {
    if (this.noted.length > notedMax) void this.overdue
  }
}
