// `app.processors`: the processors of an app, and what operators do about them.
import type { Actor } from '../model/desk.ts'
import type { Paused } from '../model/desk-views.ts'

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
   * Forgets a processor that is no longer a part of the app, so that no messages are kept for it. Only a row with state
   * `gone` can be retired.
   *
   * @param name the name of the processor
   * @param options `force`: also one that holds messages at the desk, default false
   * @throws `millrace/unknown-processor`; `millrace/processor-in-use` when the app has it;
   *   `millrace/processor-has-held` without `force`
   *
   * @example
   * ```ts
   * const gone = (await shop.processors.list()).filter(({ state }) => state === 'gone')
   * for (const { name } of gone) await shop.processors.retire(name)
   * ```
   */
  retire(name: string, options?: { readonly force?: boolean | undefined }): Promise<void>
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
  /** Messages that are held at the desk. */
  readonly held: number
  /** When, by whom and why it was paused; null where it is not paused. */
  readonly paused: Paused | null
}
