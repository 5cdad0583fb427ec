// `app.desk`: what is at the desk, and what people do about it.
import type { AuditRow } from '../model/desk.ts'
import type {
  AuditFilter,
  DeskCounts,
  DeskFilter,
  DeskGroup,
  DeskItem,
  DeskRow,
  GroupBy,
  GroupFilter,
  LineFilter,
} from '../model/desk-views.ts'
import type { Repair } from '../model/repairs.ts'
import type { DeskClaims } from './desk-claims.ts'
import type { DeskEdits } from './desk-edits.ts'
import type { DeskOperations } from './desk-operations.ts'
import type { DeskTrials } from './desk-trials.ts'

/**
 * The desk of an app, its dead-letter queue that keeps order: the same functions for people, the command line and
 * programs. Every function checks its arguments: `millrace/bad-option`, `millrace/unknown-option`; and needs a running
 * app: `millrace/not-started`.
 *
 * Each action resolves when it is on disk and is in the audit log from then on. Of two actions on the same message the
 * second fails with `millrace/not-held` (or `millrace/not-discarded`), so an action is never done twice. A repair that
 * names the `revision` of the message fails with `millrace/stale-revision` when somebody has acted on it since; the error
 * says who did what and when, and nothing is changed. Programs that show a message to a person always name it.
 *
 * A list is a page: at most `limit` rows of at most 16 MiB together (`pageBytes`), but at least one row. A page with
 * fewer rows than its limit need not be the last. To read everything, ask again with `after` (the id of the last row)
 * until a page is empty.
 */
export interface Desk extends DeskOperations, DeskClaims, DeskEdits, DeskTrials {
  /**
   * Lists messages at the desk, the oldest first, each with the `data` of its message. Of the stack of an error each row
   * has the first line, up to 200 characters; `show` has it whole.
   *
   * @param filter which; default: all that are not resolved. `limit`: rows of a page, default 100
   * @returns a page of rows
   *
   * @example
   * ```ts
   * for (const { id, processor, error, waiting } of await shop.desk.list({ states: ['held'] })) {
   *   console.log(`${id}: ${processor} failed with ${error?.message}; ${waiting} wait behind it`)
   * }
   * ```
   */
  list(filter?: DeskFilter): Promise<DeskRow[]>
  /**
   * Shows everything about one message: its error, its attempts, its line, its cause, its history.
   *
   * @param id its number at the desk
   * @returns the message; undefined when the desk has none of this number, or no longer keeps it
   *
   * @example
   * ```ts
   * const [first] = await shop.desk.list()
   * const item = await shop.desk.show(first!.id)
   * console.log(item?.error?.message, item?.history.map(({ action }) => action))
   * ```
   */
  show(id: number): Promise<DeskItem | undefined>
  /**
   * Lists the line behind a message, in the order in which its messages have their turns. `show` has the first ten.
   *
   * @param id the number of a message at the desk: the head of a lane, or one in line
   * @param filter `after`: the `place` of the last row before, for the next page; `limit`: rows of a page, default 100
   * @returns a page of rows; empty at the end of the line
   * @throws `millrace/unknown-item` also for a message that is resolved: it has left its lane
   *
   * @example
   * ```ts
   * const [first] = await shop.desk.list()
   * for (let after: number | undefined; ; ) {
   *   const page = await shop.desk.line(first!.id, { after })
   *   if (page.length === 0) break
   *   for (const { id, message } of page) console.log(`${id}: ${message.type} waits`)
   *   after = page.at(-1)!.place
   * }
   * ```
   */
  line(id: number, filter?: LineFilter): Promise<DeskRow[]>
  /**
   * Counts the messages at the desk: held, waiting, discarded.
   *
   * @returns the counts
   *
   * @example
   * ```ts
   * const { held } = await shop.desk.counts()
   * console.assert(held === 2)
   * ```
   */
  counts(): Promise<DeskCounts>
  /**
   * Groups held messages that look alike, the largest group first.
   *
   * @param by `'processor'`, `'error'`, `'type'` or `'all'` (default): each combination of the three
   * @param filter `processor`: only its messages; `limit`: groups at most, default 10,000
   * @returns the groups, each with its count and the times of its first and last message
   *
   * @example
   * ```ts
   * const [largest] = await shop.desk.groups('error')
   * console.log(`${largest!.held} times: ${largest!.error}`)
   * ```
   */
  groups(by?: GroupBy, filter?: GroupFilter): Promise<DeskGroup[]>
  /**
   * Releases a held message: it is tried again as it is, and the line behind it continues in order. Whether it was
   * handled is told by `show`, or by `processing.resolved` on the topic of failures.
   *
   * @param id its number at the desk
   * @param actor who and why, and the `revision` that was seen; default: the app itself
   * @throws `millrace/unknown-item`; `millrace/not-held`; `millrace/unknown-processor` when its processor does not run;
   *   `millrace/stale-revision` when a revision is given and somebody has acted on the message since; `millrace/claimed`
   *   while somebody else has claimed it
   *
   * @example
   * ```ts
   * const [first] = await shop.desk.list()
   * const { id, revision } = first!
   * await shop.desk.release(id, { by: 'ada', reason: 'the article exists now', revision })
   * ```
   */
  release(id: number, actor?: Repair): Promise<void>
  /**
   * Sends corrected data in place of those of a held message. It stays the same message, with its id, its context and
   * its place in the lane. The log and other processors keep the data as published; the audit log has both. The data of a
   * message in `line` can be replaced before its turn: it keeps its place.
   *
   * @param id its number at the desk
   * @param data the corrected data, checked against the schema
   * @param actor who, and the reason, which is needed; the `revision` that was seen
   * @throws as `release`; `millrace/bad-data`, `millrace/not-json`, `millrace/too-large`, `millrace/bad-context`,
   *   `millrace/context-changed`, `millrace/unknown-type`; `millrace/masked` where a secret would become the `***` that
   *   people see in its place; `millrace/bad-option` without a reason
   *
   * @example
   * ```ts
   * const [first] = await shop.desk.list()
   * const corrected = { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 1 }
   * await shop.desk.resubmit(first!.id, corrected, { by: 'ada', reason: 'the article was misspelt' })
   * ```
   */
  resubmit(id: number, data: unknown, actor: Repair): Promise<void>
  /**
   * Discards a held message, on record; the line behind it continues. So can a message in `line` be discarded. It stays at the desk as discarded for
   * `deskRetainMs` (30 days) and can be taken back for `takeBackMs` (7 days). A discarded request has ended: callers
   * that wait for it, or ask again, get `millrace/request-discarded`.
   *
   * @param id its number at the desk
   * @param actor who, and the reason, which is needed; the `revision` that was seen
   * @throws as `release`; `millrace/bad-option` without a reason
   *
   * @example
   * ```ts
   * const [first] = await shop.desk.list()
   * await shop.desk.discard(first!.id, { by: 'ada', reason: 'a test order' })
   * ```
   */
  discard(id: number, actor: Repair): Promise<void>
  /**
   * Takes back a discard: the message joins the end of its lane and is tried again.
   *
   * @param id its number at the desk
   * @param actor who and why, and the `revision` that was seen; default: the app itself
   * @throws `millrace/unknown-item`, `millrace/not-discarded`, `millrace/unknown-processor`, `millrace/stale-revision`; `millrace/too-late` after
   *   `takeBackMs`, and for a command whose caller was told that it is discarded
   *
   * @example
   * ```ts
   * const [first] = await shop.desk.list()
   * await shop.desk.discard(first!.id, { by: 'ada', reason: 'a test order' })
   * await shop.desk.takeBack(first!.id, { by: 'ada', reason: 'it was a real one' })
   * ```
   */
  takeBack(id: number, actor?: Repair): Promise<void>
  /**
   * Lists the audit log, the newest line first: who did what, when and why. No line is ever removed.
   *
   * @param filter `item`: only lines about this message; `before`: only older lines; `limit`: default 100
   * @returns a page of lines
   *
   * @example
   * ```ts
   * for (const { at, by, action, reason } of await shop.desk.audit({ limit: 10 })) {
   *   console.log(new Date(at).toISOString(), by, action, reason ?? '')
   * }
   * ```
   */
  audit(filter?: AuditFilter): Promise<AuditRow[]>
}
