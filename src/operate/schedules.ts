// `app.schedules`: what time will bring, and what it is to bring now.
import type { Actor } from '../model/desk.ts'
import type { DelayedFilter, DelayedPage, FiredSchedule, ScheduleItem } from '../model/time-views.ts'

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
  /**
   * Publishes the event of a schedule once more, now, beside its slots: those come as if nothing had happened. The event
   * and a line in the audit log are written together, so a crash leaves both or neither; `desk.audit` tells which, where
   * the answer was lost. Each call publishes one event, with an id of its own.
   *
   * @param name the name of a schedule that runs
   * @param actor who, and the reason, which is needed
   * @returns the event, once it is on disk
   * @throws `millrace/unknown-schedule`; `millrace/bad-data` where its data do not fit or their function fails;
   *   `millrace/not-running` for the file of a stopped app
   *
   * @example
   * ```ts
   * const [first] = await shop.schedules.list()
   * if (first !== undefined) {
   *   const { type, id } = await shop.schedules.fire(first.name, { by: 'ada', reason: 'the night was missed' })
   *   console.log(`${type} ${id} is published`)
   * }
   * ```
   */
  fire(name: string, actor: Actor): Promise<FiredSchedule>
}
