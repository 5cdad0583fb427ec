// What the queues on PostgreSQL have in common: two producers add jobs in batches, and wait while too many are not done.
import { setTimeout as sleep } from 'node:timers/promises'
import { rateOf } from '../measure.ts'
import { type Order, order } from '../message.ts'
import type { Figures, Load, Span } from '../task.ts'

export const batch = 500
const producers = 2
/** With fewer the queue has nothing to do now and then. */
const waitingMax = 8 * batch

/** Jobs that were added, and those that are done. */
export interface Counts {
  added: number
  done: number
}

/** Rate of a load, from the first job that is added until the last is done. */
export function batchedRate(load: Load & Span, counts: Counts, add: (orders: Order[]) => Promise<unknown>) {
  const handles = load.work !== 'publish'
  const waiting = () => (handles ? counts.added - counts.done : 0)
  return rateOf(load, async (untilMs): Promise<number> => {
    const start = counts.added
    const produce = async () => {
      while (performance.now() < untilMs) {
        if (waiting() > waitingMax) {
          await sleep(1)
          continue
        }
        const first = counts.added
        counts.added += batch
        await add(Array.from({ length: batch }, (_, n) => order(first + n, load.contexts)))
      }
    }
    await Promise.all(Array.from({ length: producers }, produce))
    while (waiting() > 0) await sleep(1)
    return counts.added - start
  }) satisfies Promise<Figures>
}
