// The options of the steps of a flow, as users give them.
import type { AnySchema } from '../../model/schema.ts'
import type { StepResult } from './host.ts'

/** The repetition of a failed call. A refusal is never repeated. */
export interface CallRetry {
  /** Calls at most, the first one counted, 1 to 1,000. */
  readonly attempts: number
  /** Wait before the second call, milliseconds, default 200; each further wait is twice as long. */
  readonly firstDelayMs?: number | undefined
  /** Longest wait, milliseconds, default 30,000. */
  readonly maxDelayMs?: number | undefined
}

/** Options of `flow.call`. */
export interface CallOptions<Reply> {
  /** Time for the reply, milliseconds, default no limit. After it the command is withdrawn. */
  readonly timeoutMs?: number | undefined
  /** Further calls after a failure; each is a command, a step and an undo of its own. Default: none. */
  readonly retry?: CallRetry | undefined
  /** Compensates the call. It is registered before the command leaves and runs when the flow fails or is cancelled. */
  readonly undo?: ((result: StepResult<Reply>) => unknown) | undefined
}

/** Options of `flow.ask`. */
export interface AskOptions<S extends AnySchema> {
  /** The schema of the answer. */
  readonly schema: S
  /** The question, for people. */
  readonly title: string
  /** The person or team that is asked. */
  readonly to?: string | undefined
  /** Time for an answer, milliseconds, default no limit. */
  readonly timeoutMs?: number | undefined
  /** Passes the question to `to` when there is no answer `afterMs` milliseconds after it was asked. */
  readonly escalate?: { readonly afterMs: number; readonly to: string } | undefined
}

/** Options of `flow.race`. */
export interface RaceOptions {
  /**
   * The fate of the branches that lost. `'continue'` (default): they continue and their results are ignored, as with
   * `Promise.race`. `'withdraw'`: their commands are withdrawn, their waits, times and questions end, and they begin no
   * further step. With `'withdraw'` each branch is a function.
   */
  readonly losers?: 'continue' | 'withdraw' | undefined
}
