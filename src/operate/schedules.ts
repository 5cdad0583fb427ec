// `app.schedules`: what time will bring.
import type { DelayedFilter, DelayedPage, ScheduleItem } from '../model/time-views.ts'

/** The schedules of an app, and its delayed messages. */
export interface Schedules {
  /**
   * Lists the schedules, also those that only the store still knows: the next slot, the last, and how many wait.
   *
   * @returns a row for each schedule
   *
   * @example
   * ```ts
   * for (const { name, nextAt, waiting } of await shop.schedules.list()) {
   *   console.log(`${name}: next at ${nextAt === null ? 'no time' : new Date(nextAt).toISOString()}, ${waiting} wait`)
   * }
   * ```
   */
  list(): Promise<ScheduleItem[]>
  /**
   * Lists the messages that come later, in the order in which they are due: those with `at` or `delayMs`, and those of
   * gathers that wait for a time.
   *
   * @param filter which page
   * @returns a page; messages that came in between do not repeat, and none is left out
   * @throws `millrace/bad-option`
   *
   * @example
   * ```ts
   * const { items, next } = await shop.schedules.delayed({ limit: 100 })
   * for (const { type, id, dueAt } of items) console.log(`${type} ${id} comes at ${new Date(dueAt).toISOString()}`)
   * if (next !== null) await shop.schedules.delayed({ after: next, limit: 100 })
   * ```
   */
  delayed(filter?: DelayedFilter): Promise<DelayedPage>
}
