// `app.processors`: the processors of an app, and what operators do about them.
import type { Exchange } from '../engine/consumer/exchanges.ts'
import type { AlertRaised } from '../model/alerts.ts'
import type { Actor } from '../model/desk.ts'
import type { Paused } from '../model/desk-views.ts'
import type { Counts } from '../model/metrics.ts'
import type { ResetOptions, ResetPlan } from './reset-plan.ts'
import type { Series } from './series.ts'

/** The processors of an app, and what an operator may do about them. */
export interface Processors {
  /**
   * Lists the processors, also those of gathers, routes and mediators, and those that only the store still knows.
   *
   * @returns a row for each processor and topic or channel
   *
   * @example
   * ```ts
   * for (const { name, state, lag } of await shop.processors.list()) {
   *   if (state !== 'live') console.log(`${name} is ${state}, ${lag} messages behind`)
   * }
   * ```
   */
  list(): Promise<ProcessorRow[]>
  /**
   * Tells how the processors did in the last hour: how much they handled, how far they were behind, how long messages
   * took. There is a sample every 15 seconds, 240 at most, in memory: after a restart they begin anew. They are taken
   * while commands can reach the app (`control` of `start`) or `serve` has opened a server.
   *
   * @param filter `processor`: only this one; default: all
   * @returns the samples, the oldest first
   * @throws `millrace/unknown-processor` where no processor of that name runs; `millrace/bad-option`
   *
   * @example
   * ```ts
   * const { at, parts } = await shop.processors.series({ processor: 'till' })
   * for (const { on, lag } of parts) console.log(`${on}: at most ${Math.max(...lag.map(Number))} in ${at.length} samples`)
   * ```
   */
  series(filter?: SeriesFilter): Promise<Series>
  /**
   * Forgets a processor that is no longer a part of the app, so that no messages are kept for it. Only a row with state
   * `gone` can be retired. The audit log has it.
   *
   * @param name the name of the processor
   * @param options `force`: also one that holds messages at the desk, default false; `by` and `reason` for the audit log,
   *   default: the app itself
   * @throws `millrace/unknown-processor`, `millrace/bad-option`; `millrace/processor-in-use` when the app has it;
   *   `millrace/processor-has-held` without `force`
   *
   * @example
   * ```ts
   * const gone = (await shop.processors.list()).filter(({ state }) => state === 'gone')
   * for (const { name } of gone) await shop.processors.retire(name, { by: 'ada' })
   * ```
   */
  retire(name: string, options?: RetireOptions): Promise<void>
  /**
   * Sets how many handlers of a processor may run at once, on the running app, for the next starts too. Attempts that
   * run end by themselves. Within a context there is always one at a time. The audit log has it.
   *
   * @param name the name of the processor
   * @param options `concurrency`: 1 to 10,000, or `'default'` for the value in the code; `by` and `reason` for the audit
   *   log, default: the app itself
   * @throws `millrace/unknown-processor`, `millrace/bad-option`
   *
   * @example
   * ```ts
   * await shop.processors.set('till', { concurrency: 2, by: 'ada', reason: 'the bank is slow today' })
   * await shop.processors.set('till', { concurrency: 'default', by: 'ada' })
   * ```
   */
  set(name: string, options: SetOptions): Promise<void>
  /**
   * Pauses a processor: it starts nothing until it is resumed, across restarts too. Attempts that run
   * end by themselves, and new messages wait. The audit log has it. Pausing it again changes nothing.
   *
   * @param name the name of the processor
   * @param actor who and why; default: the app itself
   * @throws `millrace/unknown-processor`, `millrace/bad-option`
   *
   * @example
   * ```ts
   * await shop.processors.pause('till', { by: 'ada', reason: 'the bank is down until noon' })
   * ```
   */
  pause(name: string, actor?: Actor): Promise<void>
  /**
   * Resumes a paused processor. Resuming one that runs changes nothing.
   *
   * @param name the name of the processor
   * @param actor who and why; default: the app itself
   * @throws `millrace/unknown-processor`, `millrace/bad-option`
   *
   * @example
   * ```ts
   * await shop.processors.resume('till', { by: 'ada' })
   * ```
   */
  resume(name: string, actor?: Actor): Promise<void>
  /**
   * Lets a processor of a topic begin anew: at the oldest message that is kept, at the next one, at the first one from a
   * date on, or at a position. It happens whole or not at all, also across a crash. Attempts that run are aborted, and
   * nothing of them counts. What the processor has at the desk ends as `reset`, on record. Each message from there on is
   * handled once, in order, with idempotency keys that no attempt had before. The rows of the processor are yours: empty
   * them before, or let the handlers overwrite them. A paused processor stays paused; open batches of a gather are
   * dropped; delayed messages that the processor has sent still come. It begins when the handlers that were aborted have
   * ended, at the latest after `lingerMs`.
   *
   * @param name the name of the processor, gather, route or mediator
   * @param options `to`: the first message that it handles; `againToTheWorld`, default false: also where that publishes,
   *   sends or starts again what it did before; `dryRun`, default false: only says what it would do; `by` and `reason`
   *   for the audit log
   * @returns what it did, or would do
   * @throws `millrace/unknown-processor`, `millrace/bad-option`; `millrace/bad-position` for a position that the topic
   *   does not keep; `millrace/on-channel` for a processor of a channel; `millrace/sends-again` without
   *   `againToTheWorld`, with the counts of what it has published and sent
   *
   * @example
   * ```ts
   * const { again, held } = await shop.processors.reset('labels', { to: 'beginning', dryRun: true })
   * console.log(`${again} orders would be handled again, and ${held} messages at the desk end`)
   * await shop.processors.reset('labels', { to: 'beginning', by: 'ada', reason: 'a new printer' })
   * ```
   */
  reset(name: string, options: ResetOptions): Promise<ResetPlan>
  /**
   * Lists the alerts that are raised: what the parts made by `alerts` have told of, and not that it is well again. Those
   * of a part that the app no longer has stay until it has it again, or until it is retired.
   *
   * @returns the alerts, those that were raised first at the beginning; at most 66 of each part
   *
   * @example
   * ```ts
   * for (const { watch, what, since } of await shop.processors.alerts()) {
   *   console.log(`${watch}: ${what}, since ${new Date(since).toISOString()}`)
   * }
   * ```
   */
  alerts(): Promise<AlertRaised[]>
  /**
   * Lists the systems to which the parts made by `deliver` and `alerts` send: whether they take it, the last answer, and
   * the time of the next probe. It is known from the requests of this run.
   *
   * @returns a row for each part
   *
   * @example
   * ```ts
   * for (const { name, to, failures, nextProbeAt } of await shop.processors.endpoints()) {
   *   if (nextProbeAt !== null) console.log(`${to} is away: ${failures} requests of ${name} have failed`)
   * }
   * ```
   */
  endpoints(): Promise<Endpoint[]>
  /**
   * Lists the newest requests of a part made by `deliver`, with their answers, newest first. At most 50 of this run are
   * kept, in memory: after a restart the list is empty.
   *
   * @param name the name of the part
   * @returns the requests, with up to 16 KiB of each answer
   * @throws `millrace/unknown-processor` where it does not run, or delivers to no other system
   *
   * @example
   * ```ts
   * for (const { id, status, answer } of await shop.processors.deliveries('billing')) {
   *   if (status !== null && status >= 400) console.log(`${id}: ${status} ${answer}`)
   * }
   * ```
   */
  deliveries(name: string): Promise<Exchange[]>
  /**
   * Sends a test event, of type `millrace.test`, to the endpoint of a part made by `deliver`. It is in no log, nothing
   * repeats it, and it does not wait for the events of the part. It is sent while the part is paused too. The audit log
   * has that it was asked for, before it is sent.
   *
   * @param name the name of the part
   * @param actor who and why; default: the app itself
   * @returns the request and its answer
   * @throws `millrace/unknown-processor` where it does not run, or delivers to no other system; `millrace/bad-option`
   *
   * @example
   * ```ts
   * const { outcome, status, error } = await shop.processors.test('billing', { by: 'ada' })
   * console.log(outcome === 'answered' ? `it answers ${status}` : error?.message)
   * ```
   */
  test(name: string, actor?: Actor): Promise<Exchange>
}

/** Another system to which a part delivers, as `processors.endpoints` gives it. */
export interface Endpoint {
  /** The name of the part. */
  readonly name: string
  /** The name of its topic. */
  readonly on: string
  /** The scheme, host and port that it sends to; the rest of the address may be a secret. */
  readonly to: string
  /** As in `processors.list`. */
  readonly state: ProcessorRow['state']
  /** Requests in a row, up to the newest of at most 50, that were not answered with 2xx. Tests do not count. */
  readonly failures: number
  /** The newest request with its answer; null where it has sent nothing since the app started. */
  readonly last: Exchange | null
  /** The time of the next probe, milliseconds since 1970; null while it is not probing. */
  readonly nextProbeAt: number | null
}

/** A filter of `processors.series`. */
export interface SeriesFilter {
  /** The name of a processor. */
  readonly processor?: string | undefined
}

/** Options of `processors.retire`. */
export interface RetireOptions {
  /** True to retire one that holds messages at the desk too. */
  readonly force?: boolean | undefined
  /** Who retires it; default: the app itself. */
  readonly by?: string | undefined
  /** The reason, for the audit log. */
  readonly reason?: string | undefined
}

/** Options of `processors.set`. */
export interface SetOptions {
  /** The most handlers running at once, 1 to 10,000; `'default'`: as the code of the app says. */
  readonly concurrency: number | 'default'
  /** Who sets it; default: the app itself. */
  readonly by?: string | undefined
  /** The reason, for the audit log. */
  readonly reason?: string | undefined
}

/** A processor on one topic or channel, as `processors.list` gives it. */
export interface ProcessorRow {
  readonly name: string
  /** The name of its topic or channel. */
  readonly on: string
  /**
   * `live`: up to date; `behind`: some messages are not taken up yet; `probing`: its last attempts have all failed, so
   * it tries one message at a time until one succeeds; `stuck`: all its attempts have outlived their time; `paused` by
   * a person; `off`: left out by `only`; `gone`: the store knows it, the app has it no longer on this topic.
   */
  readonly state: 'live' | 'behind' | 'probing' | 'stuck' | 'paused' | 'gone' | 'off'
  /** The position up to which everything is done. */
  readonly position: number
  /** Messages of its topic or channel after that position. */
  readonly lag: number
  /** Attempts that run now. */
  readonly running: number
  /** The most handlers that run at once by its code; null where it does not run. */
  readonly concurrency: number | null
  /** The same as a person has set it; null where the code decides. */
  readonly concurrencySet: number | null
  /** Messages that are held at the desk. */
  readonly held: number
  /** When, by whom and why it was paused; null where it is not paused. */
  readonly paused: Paused | null
  /** What it has done since the app began to run; null where it does not run. */
  readonly counts: Counts | null
  /** Who answers for it, as its part says; null where that says nothing, or its code is not known. */
  readonly owner: string | null
}
