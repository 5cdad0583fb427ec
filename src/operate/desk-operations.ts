// The part of `app.desk` that works on many held messages.
import type { ChangeList } from '../model/change.ts'
import type { Actor } from '../model/desk.ts'
import type {
  Operation,
  OperationFilter,
  OperationOutcome,
  OperationRun,
  Preview,
  PreviewPage,
  RefusedItem,
  Selection,
} from '../model/desk-views.ts'

/** Options of `desk.select`. */
export interface OperationOptions extends Actor {
  /** A name for people, unique among operations, 1 to 100 characters. */
  readonly name: string
  /** True to release one message first, and the others only when that one was handled. Default false. */
  readonly oneFirst?: boolean | undefined
  /** The change of the data of each message; needed by `'resubmit'`, and by nothing else. */
  readonly change?: ChangeList | undefined
  /** True to only freeze the selection: nothing is done until `desk.run`. It expires after an hour. Default false. */
  readonly prepare?: boolean | undefined
  /** The most lanes that begin in each second, 1 to 1,000; default: no limit. */
  readonly perSecond?: number | undefined
  /** The number of failures at which it stops, 1 to 10,000; default: none. */
  readonly stopAfter?: number | undefined
}

/** Operations on many messages at the desk of an app, as parts of `app.desk`. */
export interface DeskOperations {
  /**
   * Releases, resubmits or discards all held messages that match now, as an operation with a name, progress and an end.
   * Messages that are held later are not part of it. It resolves when the selection is on disk; the operation continues
   * across restarts, and acts on each message once.
   *
   * A resubmission changes the data of each message by the same change list, checks them as `resubmit` does, and releases
   * the message. A message that the change does not fit stays held, as it was, and is among the refused ones.
   *
   * `perSecond` counts lanes, since each lane that is released sets free all that waits behind it. The rate holds across
   * restarts. `stopAfter` counts failures: messages that are refused, and released ones that are held again. Never more
   * fail, because no message is released while those that failed and those being tried are so many. The operation is then
   * `stopped`, and `desk.run` continues it.
   *
   * With `prepare` the operation is `prepared`: its selection is frozen and counted, in messages (`total`) and `lanes`, and
   * nothing else is done. `desk.preview` shows what it would change, `desk.run` lets it run, `desk.abort` drops it.
   *
   * @param action `'release'`, `'resubmit'` or `'discard'`
   * @param what which messages, by processor, type, context, group or numbers
   * @param options its name, who and why (a resubmission and a discard need a reason), `oneFirst`, the `change` of a
   *   resubmission, `prepare`, `perSecond` and `stopAfter`
   * @returns the operation as it begins
   * @throws `millrace/nothing-selected`; `millrace/duplicate-name`; `millrace/bad-option`, also for a change list that
   *   is none; `millrace/not-json`, `millrace/too-large`
   *
   * @example
   * ```ts
   * const { id, total } = await shop.desk.select(
   *   'release',
   *   { processor: 'labels' },
   *   { name: 'labels again', by: 'ada', reason: 'the list of articles is complete', oneFirst: true },
   * )
   * console.log(`operation ${id} releases ${total} messages`)
   * ```
   */
  select(action: Operation['action'], what: Selection, options: OperationOptions): Promise<Operation>
  /**
   * Lets an operation run that was prepared, or that has stopped. It acts on what is left, and its failures count from
   * zero again. It resolves when this is on disk.
   *
   * @param operation the number of the operation
   * @param options who, why, and `perSecond` and `stopAfter` where they are to be others than those of the operation
   * @returns the operation as it begins
   * @throws `millrace/unknown-operation`; `millrace/already-running`; `millrace/operation-ended`, also for one that was
   *   prepared more than an hour ago; `millrace/bad-option`
   *
   * @example
   * ```ts
   * const who = { by: 'ada', reason: 'the list of articles is complete' }
   * const prepared = await shop.desk.select('release', { processor: 'labels' }, { name: 'labels', prepare: true, ...who })
   * console.log(`${prepared.total} messages in ${prepared.lanes} lanes`)
   * await shop.desk.run(prepared.id, { perSecond: 5, stopAfter: 3, ...who })
   * ```
   */
  run(operation: number, options: OperationRun): Promise<Operation>
  /**
   * Shows what the change of a resubmission would make of the messages that it has not reached yet, without doing
   * anything. The check is that of `resubmit`; the handler is not asked.
   *
   * @param operation the number of the operation
   * @param page `after`: only messages with a higher number; `limit`: default 20, at most 100
   * @returns a page of at most 16 MiB; ask again with `after` (the last `item`) until a page is empty
   * @throws `millrace/unknown-operation`; `millrace/bad-option` for an operation without a change; `millrace/no-app` for
   *   a stopped app whose code is not named
   *
   * @example
   * ```ts
   * const change = [{ op: 'replace', path: '/sku', value: 'sieve' }] as const
   * const corrected = { name: 'sieves', by: 'ada', reason: 'the article was misspelt', change }
   * const { id } = await shop.desk.select('resubmit', { processor: 'labels' }, corrected)
   * for (const { item, after, why } of await shop.desk.preview(id)) console.log(item, after ?? why)
   * ```
   */
  preview(operation: number, page?: PreviewPage): Promise<Preview[]>
  /**
   * Lists operations, the oldest first.
   *
   * @param filter which; `limit`: rows of a page, default 100
   * @returns a page of operations
   *
   * @example
   * ```ts
   * for (const { name, state, done, total } of await shop.desk.operations()) console.log(name, state, `${done}/${total}`)
   * ```
   */
  operations(filter?: OperationFilter): Promise<Operation[]>
  /**
   * Counts the states of the messages that an operation acted on, of at most its first 10,000. A released
   * message is only tried again; this tells whether it was handled.
   *
   * @param operation the number of the operation
   * @returns the counts: handled, trying, held again, discarded
   *
   * @example
   * ```ts
   * const who = { by: 'ada', reason: 'the list of articles is complete' }
   * const { id } = await shop.desk.select('release', { processor: 'labels' }, { name: 'labels again', ...who })
   * await shop.idle()
   * const { held } = await shop.desk.outcome(id)
   * console.assert(held === 2) // it is not
   * ```
   */
  outcome(operation: number): Promise<OperationOutcome>
  /**
   * Lists the messages that an operation could not act on, at most 100, each with the reason: for example
   * that a person was quicker, or that the change does not fit.
   *
   * @param operation the number of the operation
   * @returns the messages
   *
   * @example
   * ```ts
   * for (const { id } of await shop.desk.operations()) console.log(await shop.desk.refused(id))
   * ```
   */
  refused(operation: number): Promise<RefusedItem[]>
  /**
   * Aborts an operation, also one that is prepared or has stopped. What it has done stays done.
   *
   * @param operation the number of the operation
   * @param actor who and why; default: the app itself
   * @throws `millrace/unknown-operation`, `millrace/operation-ended`
   *
   * @example
   * ```ts
   * const open = (await shop.desk.operations()).filter(({ endedAt }) => endedAt === null)
   * for (const { id } of open) await shop.desk.abort(id, { by: 'ada' })
   * ```
   */
  abort(operation: number, actor?: Actor): Promise<void>
}
