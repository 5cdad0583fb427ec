// What a reset of a processor takes, and what it says that it does.

/** Options of `processors.reset`. */
export interface ResetOptions {
  /**
   * The first message that it handles: `'beginning'`, the oldest that is kept; `'now'`, the next one; the first at or
   * after a date; or the one at a position.
   */
  readonly to: 'beginning' | 'now' | Date | number
  /** True for a part that publishes, sends or starts flows, to let it do that again. */
  readonly againToTheWorld?: boolean | undefined
  /** True to say only what it would do. */
  readonly dryRun?: boolean | undefined
  /** Who asks for it, default: the app itself. */
  readonly by?: string | undefined
  /** The reason, for the audit log. */
  readonly reason?: string | undefined
}

/** What a reset did, or would do. */
export interface ResetPlan {
  readonly name: string
  /** The name of its topic. */
  readonly on: string
  /** The position up to which everything was done. */
  readonly position: number
  /** The position of the first message that it handles. */
  readonly begins: number
  /** The position of the oldest message that the topic keeps. */
  readonly first: number
  /** Messages that were done and are handled again. */
  readonly again: number
  /** Messages that were not done and are passed over. */
  readonly skipped: number
  /** Messages at the desk that end as `reset`: held, or with a rule. */
  readonly held: number
  /** The same: those that wait for another attempt. */
  readonly tried: number
  /** The same: those in line behind others. */
  readonly inLine: number
  /** Those of the desk that come before `begins`, so that they are not handled again. */
  readonly left: number
  /** Elements in open batches of a gather, which are dropped. */
  readonly gathered: number
  /** What it has published and sent since the message at `begins` came, as far as it is kept, by type. */
  readonly sent: readonly { readonly type: string; readonly count: number }[]
  /** False for a dry run. */
  readonly done: boolean
}
