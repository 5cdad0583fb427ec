import type { Stored } from '../../model/codec.ts'
import { fault } from '../../model/errors.ts'
import type { World } from '../../seam/world.ts'
import type { ProcessorSpec } from '../spec.ts'
import type { Progress } from './progress.ts'

/** How many are remembered before it is looked which of them are done. */
const notedMax = 1_024

/** The times by which the commands of one processor are to have their turn. */
export class Deadlines {
  private readonly progress: Progress
  private readonly world: World
  /** Of the types that have one, milliseconds from when a command was accepted. */
  private readonly ms: ReadonlyMap<string, number>
  /** Of the commands in memory. */
  private readonly noted: { readonly position: number; readonly at: number }[] = []

  constructor({ handlers }: ProcessorSpec, progress: Progress, world: World) {
    this.progress = progress
    this.world = world
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

  /** Errors: `millrace/deadline-passed`. */
  check({ type, time }: Stored): void {
    if (this.ms.size === 0) return
    const ms = this.ms.get(type)
    if (ms === undefined || this.world.now() <= time + ms) return
    const what = `"${type}" missed its deadline of ${ms} ms`
    throw fault('millrace/deadline-passed', `${what}; a rule or a person decides about it`)
  }

  /** How many of the commands in memory are late, and wait for their turn still. */
  get overdue(): number {
    const now = this.world.now()
    let late = 0
    let kept = 0
    for (const one of this.noted) {
      if (this.progress.isDone(one.position)) continue
      this.noted[kept++] = one
      if (one.at < now) late++
    }
    this.noted.length = kept
    return late
  }

  /** Called now and then: what is done is forgotten. */
  forget(): void {
    if (this.noted.length > notedMax) void this.overdue
  }
}
